"""Whom an organization invites, as those who manage it decide."""

from flask import Blueprint, Response, url_for

from app.blueprints.invited import invited
from app.blueprints.pages import call, for_members, form, go, wrong
from app.blueprints.settings.organizations import detail_page
from app.core.errors import Conflict, InvalidInput

_PREFIX = "/settings/organizations/<organization_id>/invitations"

bp = Blueprint("organization_invitations", __name__, url_prefix=_PREFIX)
bp.before_request(for_members)


@bp.post("")
def create(organization_id: str) -> Response:
    """Invite somebody."""
    given = form()
    try:
        made = call("invitations.create", {**given, "organization_id": organization_id})
    except (Conflict, InvalidInput) as refusal:
        typed = {"invite_values": given, "invite_errors": wrong(refusal, "email")}
        return detail_page(organization_id, refusal.status, **typed)
    return invited("settings", made, _back(organization_id))


@bp.post("/<invitation_id>/revoke")
def revoke(organization_id: str, invitation_id: str) -> Response:
    """Revoke an invitation."""
    try:
        gone = call("invitations.revoke", {"invitation_id": invitation_id})
    except Conflict as refusal:
        return detail_page(organization_id, refusal.status, refused=refusal.message)
    return go(_back(organization_id), said=f"The invitation of {gone.email} is revoked.")


def _back(organization_id: str) -> str:
    return url_for("organizations.detail", organization_id=organization_id)
