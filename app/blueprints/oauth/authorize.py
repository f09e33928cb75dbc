"""The authorization endpoint: a person is asked, and decides."""

from flask import Blueprint, Response, request, url_for
from flask_login import login_required

from app.blueprints.edge import content_security_policy, error_page
from app.blueprints.oauth.as_get import as_get
from app.blueprints.pages import go, page
from app.blueprints.road import consent_server
from app.extensions import csrf
from app.identity.session import (
    ask_to_sign_in,
    forget_what_asked,
    is_sign_in_for,
    principal,
    viewer,
)
from app.oauth.errors import OAuth2Error, Reported
from app.oauth.sign_in import SignIn, SignInAgain

bp = Blueprint("authorize", __name__, url_prefix="/oauth")


@bp.get("/authorize")
def authorize() -> Response:
    """Show who asks, for what, and where the browser will be sent (RFC 6749 §4.1.1)."""
    query, seen = request.query_string, viewer()
    if seen is None:
        return _to_sign_in(login_hint=consent_server().check(query))
    try:
        sign_in = SignIn(seen.auth_time, is_answer=is_sign_in_for(query))
        consent = consent_server().ask(query, principal(), sign_in)
    except SignInAgain:
        return _to_sign_in(again=1, login_hint=seen.email)
    if isinstance(consent, str):
        forget_what_asked()
        return _sent_to(consent)
    response = page("oauth/consent.html", consent=consent)
    # Without the client's origin in it, the browser would not follow the answer's redirect.
    response.headers["Content-Security-Policy"] = content_security_policy(consent.form_action)
    return response


@bp.post("/authorize")
@csrf.exempt  # type: ignore[untyped-decorator] # flask-wtf carries no types
def authorize_by_form() -> Response:
    """Take a request that comes as a form (OpenID Connect Core §3.1.2.1)."""
    return as_get()


@bp.post("/consent")
@login_required  # type: ignore[untyped-decorator] # flask-login carries no types
def decide() -> Response:
    """Write the person's decision down, and send the browser back to the client."""
    is_allowed = request.form.get("decision") == "allow"
    location = consent_server().decide(
        request.form.get("consent", ""),
        principal(),
        is_allowed=is_allowed,
        ticked=frozenset(request.form.getlist("scope")),
    )
    forget_what_asked()
    return _sent_to(location)


@bp.errorhandler(OAuth2Error)
def refused(error: OAuth2Error) -> Response:
    """Tell the person what is wrong, where nobody else may be told."""
    return error_page(400, error.get_error_description())


@bp.errorhandler(Reported)
def reported(refusal: Reported) -> Response:
    """Tell the client what is wrong; for one that nobody vouches for, if the person wants to."""
    if refusal.is_vouched_for:
        return _sent_to(refusal.location)
    return page("oauth/refused.html", status=400, refusal=refusal)


def _to_sign_in(login_hint: str | None, again: int | None = None) -> Response:
    ask_to_sign_in(request.query_string)
    target = request.full_path
    return go(url_for("auth.login", next=target, login_hint=login_hint, again=again))


def _sent_to(location: str) -> Response:
    # Not Flask's redirect(): the client's URI goes out as it was registered, to the letter.
    return Response(status=303, headers={"Location": location, "Cache-Control": "no-store"})
