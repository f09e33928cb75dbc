"""The road as this app built it, for the blueprints that call it."""

from typing import cast

from flask import current_app

from app.core.pipeline import Pipeline
from app.core.readiness import Readiness
from app.core.resource import Resources
from app.identity.bearer import Bearer
from app.oauth.consent import ConsentServer
from app.oauth.registration import Registration
from app.oauth.server import Server


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


def readiness() -> Readiness:
    """Give what tells whether the database is the one this code needs."""
    return cast("Readiness", current_app.extensions["readiness"])
