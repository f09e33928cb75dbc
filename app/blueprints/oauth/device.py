"""The page where a person types the code that a device shows (RFC 8628 §3.3)."""

from flask import Blueprint, Response, request, url_for
from flask_login import login_required

from app.blueprints.pages import go, page
from app.blueprints.road import caller, devices, shares
from app.core.errors import CallError, NotFound
from app.identity.session import principal, viewer

bp = Blueprint("device", __name__, url_prefix="/oauth/device")


@bp.get("")
@login_required  # type: ignore[untyped-decorator] # flask-login carries no types
def type_code() -> Response:
    """Ask for the code; one in the URL is filled in, and still has to be compared."""
    return _form(request.args.get("user_code", "")[:20])


@bp.post("")
@login_required  # type: ignore[untyped-decorator] # flask-login carries no types
def look_up() -> Response:
    """Show who asks behind the code, and for what."""
    typed = request.form.get("user_code", "")[:40]
    # RFC 8628 §5.1: nobody may try all codes; each try counts.
    for who in (f"user {principal().user_id}", caller()):
        shares().device_codes.spend(who)
    try:
        consent = devices().ask(typed, principal())
    except NotFound as refusal:
        return _form(typed, 422, error=refusal.message)
    return page("oauth/device_consent.html", consent=consent)


@bp.post("/decision")
@login_required  # type: ignore[untyped-decorator] # flask-login carries no types
def decide() -> Response:
    """Write the person's decision down."""
    seen = viewer()
    try:
        is_allowed = devices().decide(
            request.form.get("consent", ""),
            principal(),
            is_allowed=request.form.get("decision") == "allow",
            ticked=frozenset(request.form.getlist("scope")),
            auth_time=seen.auth_time if seen else 0,
        )
    except CallError as refusal:
        return _form("", refusal.status, error=refusal.message)
    return go(url_for("device.done", allowed=int(is_allowed)))


@bp.get("/done")
@login_required  # type: ignore[untyped-decorator] # flask-login carries no types
def done() -> Response:
    """Send the person back to the device."""
    return page("oauth/device_done.html", is_allowed=request.args.get("allowed") == "1")


def _form(user_code: str, status: int = 200, error: str = "") -> Response:
    return page("oauth/device.html", status, user_code=user_code, error=error)
