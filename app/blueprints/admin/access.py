"""Who may sign up, and whom the workspace invites."""

from flask import Blueprint, Response, url_for

from app.blueprints.invited import invited
from app.blueprints.pages import call, for_members, form, go, may, page, wrong
from app.core.errors import Conflict, InvalidInput

_MOST = 100

bp = Blueprint("admin_access", __name__, url_prefix="/admin/access")
bp.before_request(for_members)


@bp.get("")
def index() -> Response:
    """Show the choices, and who is invited."""
    return _index()


@bp.post("")
def choose() -> Response:
    """Decide who may sign up."""
    given = form()
    try:
        call("access.set", given)
    except (Conflict, InvalidInput) as refusal:
        errors = wrong(refusal, "access")
        return _index(422, choice=given.get("access"), errors=errors)
    return go(url_for("admin_access.index"), said="That is who may sign up from now on.")


@bp.post("/invitations")
def create() -> Response:
    """Invite somebody to the workspace."""
    given = form()
    try:
        made = call("workspace_invitations.create", given)
    except (InvalidInput, Conflict) as refusal:
        typed = {"invite_values": given, "invite_errors": wrong(refusal, "email")}
        return _index(refusal.status, **typed)
    return invited("admin", made, url_for("admin_access.index"))


@bp.post("/invitations/<invitation_id>/revoke")
def revoke(invitation_id: str) -> Response:
    """Revoke an invitation."""
    try:
        gone = call("workspace_invitations.revoke", {"invitation_id": invitation_id})
    except Conflict as refusal:
        return _index(refusal.status, refused=refusal.message)
    target = url_for("admin_access.index")
    return go(target, said=f"The invitation of {gone.email} is revoked.")


def _index(status: int = 200, **context: object) -> Response:
    invites = may("users:editAll")
    shown = {
        "access": call("access.get"),
        "invitations": call("workspace_invitations.list", {"limit": _MOST}) if invites else None,
        "errors": {},
    }
    return page("admin/access/index.html", status, **{**shown, **context})
