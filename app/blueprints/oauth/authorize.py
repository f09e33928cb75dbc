"""The authorization endpoint: a person is asked, and decides."""

from flask import Blueprint, Response, request, url_for
from flask_login import login_required

from app.blueprints.edge import content_security_policy, error_page
from app.blueprints.oauth.as_get import as_get
from app.blueprints.oauth.redirect import ClientRedirect
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
        hint = consent_server().check(query, is_framed=_is_framed())
        return _to_sign_in(login_hint=hint)
    try:
        sign_in = SignIn(seen.auth_time, is_answer=is_sign_in_for(query))
        consent = consent_server().ask(query, principal(), sign_in, is_framed=_is_framed())
    except SignInAgain:
        return _to_sign_in(again=1, login_hint=seen.email)
    if isinstance(consent, str):
        forget_what_asked()
        return ClientRedirect(consent)
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
    return ClientRedirect(location)


@bp.errorhandler(OAuth2Error)
def refused(error: OAuth2Error) -> Response:
    """Tell the person what is wrong, where nobody else may be told."""
    return error_page(400, error.get_error_description())


@bp.errorhandler(Reported)
def reported(refusal: Reported) -> Response:
    """Tell the client what is wrong; for one that nobody vouches for, if the person wants to."""
    if refusal.is_redirected:
        return ClientRedirect(refusal.location)
    return page("oauth/refused.html", status=400, refusal=refusal)


def _is_framed() -> bool:
    """Whether the browser loads a frame (Fetch Metadata §2.2): no page of ours shows in one.

    The user's address bar keeps the client's address, so nothing lends it our good name.
    """
    return request.headers.get("Sec-Fetch-Dest") in ("iframe", "frame")


def _to_sign_in(login_hint: str | None, again: int | None = None) -> Response:
    ask_to_sign_in(request.query_string)
    target = request.full_path
    return go(url_for("auth.login", next=target, login_hint=login_hint, again=again))
