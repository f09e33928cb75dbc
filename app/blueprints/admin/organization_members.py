"""The people in any organization, and whom it invites."""

from flask import Blueprint, Response, url_for

from app.blueprints.admin.organizations import detail_page
from app.blueprints.invited import invited
from app.blueprints.pages import call, for_members, form, go, wrong
from app.core.errors import Conflict, InvalidInput, NotFound

_PREFIX = "/admin/organizations/<organization_id>"

bp = Blueprint("admin_organization_members", __name__, url_prefix=f"{_PREFIX}/members")
invitations = Blueprint("admin_invitations", __name__, url_prefix=f"{_PREFIX}/invitations")
for each in (bp, invitations):
    each.before_request(for_members)


@bp.post("")
def add(organization_id: str) -> Response:
    """Put a person who has an account into it."""
    given = form()
    try:
        added = call("all_organizations.add_member", {**given, "organization_id": organization_id})
    except (InvalidInput, Conflict, NotFound) as refusal:
        if isinstance(refusal, NotFound) and not refusal.fields:
            raise
        typed = {"member_values": given, "member_errors": wrong(refusal, "email")}
        status = 422 if isinstance(refusal, NotFound) else refusal.status
        return detail_page(organization_id, status, **typed)
    return _back(organization_id, f"{added.name} is in it now.")


@bp.post("/<member_id>")
def update(organization_id: str, member_id: str) -> Response:
    """Make a person a manager, or a plain member."""
    try:
        member = call("all_organizations.update_member", {**form(), "member_id": member_id})
    except Conflict as refusal:
        return detail_page(organization_id, refusal.status, refused=refusal.message)
    return _back(organization_id, f"{member.name} is a {member.standing} from now on.")


@bp.post("/<member_id>/remove")
def remove(organization_id: str, member_id: str) -> Response:
    """Remove a person."""
    try:
        gone = call("all_organizations.remove_member", {"member_id": member_id})
    except Conflict as refusal:
        return detail_page(organization_id, refusal.status, refused=refusal.message)
    return _back(organization_id, f"{gone.name} is not in it any more.")


@invitations.post("")
def create(organization_id: str) -> Response:
    """Invite somebody."""
    given = form()
    try:
        made = call("all_organizations.invite", {**given, "organization_id": organization_id})
    except (InvalidInput, Conflict) as refusal:
        typed = {"invite_values": given, "invite_errors": wrong(refusal, "email")}
        return detail_page(organization_id, refusal.status, **typed)
    return invited("admin", made, _detail(organization_id))


@invitations.post("/<invitation_id>/revoke")
def revoke(organization_id: str, invitation_id: str) -> Response:
    """Revoke an invitation."""
    try:
        gone = call("all_organizations.revoke_invitation", {"invitation_id": invitation_id})
    except Conflict as refusal:
        return detail_page(organization_id, refusal.status, refused=refusal.message)
    return _back(organization_id, f"The invitation of {gone.email} is revoked.")


def _back(organization_id: str, said: str) -> Response:
    return go(_detail(organization_id), said=said)


def _detail(organization_id: str) -> str:
    return url_for("admin_organizations.detail", organization_id=organization_id)
