"""Signing out at a client's wish (OpenID Connect RP-Initiated Logout 1.0)."""

from flask import Blueprint, Response, request

from app.blueprints.edge import error_page
from app.blueprints.oauth.as_get import as_get
from app.blueprints.oauth.redirect import ClientRedirect
from app.blueprints.pages import page
from app.blueprints.road import logout_server
from app.extensions import csrf
from app.identity.session import sign_out, viewer
from app.oauth.errors import OAuth2Error
from app.oauth.logout import Leaving

bp = Blueprint("logout", __name__, url_prefix="/oauth")


@bp.get("/logout")
def ask_to_leave() -> Response:
    """Sign the person out at a client's wish, if it knows who they are; else ask them."""
    asked = logout_server().leaving(request.query_string)
    seen = viewer()
    if seen is None or asked.subject == str(seen.principal.user_id):
        return _left(asked)
    return page("oauth/logout.html", asked=asked, query=request.query_string.decode())


@bp.post("/logout")
@csrf.exempt  # type: ignore[untyped-decorator] # flask-wtf carries no types
def ask_by_form() -> Response:
    """Take a client's wish that comes as a form (§2)."""
    return as_get()


@bp.post("/logout/confirmed")
def leave() -> Response:
    """Sign the person out: they have said so."""
    return _left(logout_server().leaving(request.form.get("query", "").encode()))


@bp.errorhandler(OAuth2Error)
def refused(error: OAuth2Error) -> Response:
    """Tell the person what is wrong; the browser goes nowhere."""
    return error_page(400, error.get_error_description())


def _left(asked: Leaving) -> Response:
    sign_out()
    if asked.location is None or not asked.is_vouched_for:
        # RFC 9700 §4.11.2: anybody can register an address to be sent to.
        return page("oauth/logged_out.html", location=asked.location)
    return ClientRedirect(asked.location)
