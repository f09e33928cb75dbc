"""The people in an organization, as those who manage it change them."""

from flask import Blueprint, Response, url_for

from app.blueprints.pages import call, for_members, form, go
from app.blueprints.settings.organizations import detail_page
from app.core.errors import Conflict
from app.identity.session import principal

bp = Blueprint("members", __name__, url_prefix="/settings/organizations/<organization_id>/members")
bp.before_request(for_members)


@bp.post("/<member_id>")
def update(organization_id: str, member_id: str) -> Response:
    """Make a person a manager, or a plain member."""
    try:
        member = call("members.update", {**form(), "member_id": member_id})
    except Conflict as refusal:
        return detail_page(organization_id, refusal.status, refused=refusal.message)
    return _back(organization_id, f"{member.name} is a {member.standing} from now on.")


@bp.post("/<member_id>/remove")
def remove(organization_id: str, member_id: str) -> Response:
    """Remove a person."""
    try:
        gone = call("members.remove", {"member_id": member_id})
    except Conflict as refusal:
        return detail_page(organization_id, refusal.status, refused=refusal.message)
    if gone.user_id == str(principal().user_id):
        return go(url_for("organizations.index"), said="You have left it.")
    return _back(organization_id, f"{gone.name} is not in it any more.")


def _back(organization_id: str, said: str) -> Response:
    return go(url_for("organizations.detail", organization_id=organization_id), said=said)
