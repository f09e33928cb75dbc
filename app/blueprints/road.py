"""The road as this app built it, for the blueprints that call it."""

from typing import cast

from flask import current_app, request

from app.core.address import network
from app.core.declarations import Declarations
from app.core.pipeline import Pipeline
from app.core.post import Post
from app.core.readiness import Readiness
from app.core.resource import Resources
from app.core.share import Shares
from app.identity.bearer import Bearer
from app.identity.invitations import Invitations
from app.identity.sign_up import SignUp
from app.oauth.consent import ConsentServer
from app.oauth.device import Devices
from app.oauth.keys import Keys
from app.oauth.logout import LogoutServer
from app.oauth.registration import Registration
from app.oauth.server import Server
from app.oauth.userinfo import UserInfo


def pipeline() -> Pipeline:
    """Give the pipeline that every call goes through."""
    return cast("Pipeline", current_app.extensions["pipeline"])


def bearer() -> Bearer:
    """Give what tells who presents an access token."""
    return cast("Bearer", current_app.extensions["bearer"])


def resources() -> Resources:
    """Give the protected resources of this deployment."""
    return cast("Resources", current_app.extensions["resources"])


def oauth_server() -> Server:
    """Give the token and revocation endpoints."""
    return cast("Server", current_app.extensions["oauth_server"])


def consent_server() -> ConsentServer:
    """Give the authorization endpoint."""
    return cast("ConsentServer", current_app.extensions["consent_server"])


def registration() -> Registration:
    """Give the registration endpoint."""
    return cast("Registration", current_app.extensions["registration"])


def devices() -> Devices:
    """Give what people allow devices by."""
    return cast("Devices", current_app.extensions["devices"])


def keys() -> Keys:
    """Give the keys that this server signs with."""
    return cast("Keys", current_app.extensions["keys"])


def user_info() -> UserInfo:
    """Give the userinfo endpoint."""
    return cast("UserInfo", current_app.extensions["user_info"])


def logout_server() -> LogoutServer:
    """Give the logout endpoint."""
    return cast("LogoutServer", current_app.extensions["logout_server"])


def readiness() -> Readiness:
    """Give what tells whether the database is the one this code needs."""
    return cast("Readiness", current_app.extensions["readiness"])


def declarations() -> Declarations:
    """Give what this app declares, to be held against a database."""
    return cast("Declarations", current_app.extensions["declarations"])


def invitations() -> Invitations:
    """Give what people accept invitations by."""
    return cast("Invitations", current_app.extensions["invitations"])


def sign_up() -> SignUp:
    """Give what tells who may sign up."""
    return cast("SignUp", current_app.extensions["sign_up"])


def post() -> Post:
    """Give what letters are sent by."""
    return cast("Post", current_app.extensions["post"])


def caller() -> str:
    """Give what a request without a principal counts as: the address that it comes from."""
    return network(request.remote_addr or "")


def shares() -> Shares:
    """Give how often one caller may do what."""
    return cast("Shares", current_app.extensions["shares"])
