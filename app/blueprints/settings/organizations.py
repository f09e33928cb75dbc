"""A person's organizations: list, look at, switch to another, rename, leave."""

from flask import Blueprint, Response, url_for

from app.blueprints.current import belonging, choose
from app.blueprints.pages import call, call_all, for_members, form, go, may, page
from app.blueprints.people import people
from app.core.errors import Conflict, InvalidInput
from app.identity.session import safe_next
from app.procedures.organizations import OrganizationOut

_MOST = 100

bp = Blueprint("organizations", __name__, url_prefix="/settings/organizations")
bp.before_request(for_members)
bp.app_context_processor(lambda: {"belonging": belonging})


@bp.get("")
def index() -> Response:
    """Show the organizations that the person is in."""
    return _index()


@bp.post("/current")
def switch() -> Response:
    """Let the pages be about another organization."""
    given = form()
    choose(given.get("organization_id", ""))
    return go(safe_next(given.get("next")))


@bp.get("/<organization_id>")
def detail(organization_id: str) -> Response:
    """Show an organization: its people, its teams, who is invited."""
    try:
        return detail_page(organization_id)
    except InvalidInput as refusal:
        return detail_page(organization_id, 422, {}, filter_errors=refusal.fields)


@bp.post("/<organization_id>")
def rename(organization_id: str) -> Response:
    """Rename an organization."""
    given = form()
    try:
        renamed = call("organizations.update", {**given, "organization_id": organization_id})
    except InvalidInput as refusal:
        typed = {"values": given, "errors": refusal.fields}
        return detail_page(organization_id, refusal.status, **typed)
    target = url_for("organizations.detail", organization_id=organization_id)
    return go(target, said=f"It is called {renamed.name} from now on.")


@bp.post("/<organization_id>/leave")
def leave(organization_id: str) -> Response:
    """Leave an organization."""
    try:
        left = call("organizations.leave", {"organization_id": organization_id})
    except Conflict as refusal:
        return _index(refusal.status, refused=refusal.message)
    return go(url_for("organizations.index"), said=f"You have left {left.name}.")


def detail_page(
    organization_id: str,
    status: int = 200,
    filters: dict[str, str] | None = None,
    **context: object,
) -> Response:
    """Show an organization's page, with what a form on it was refused for."""
    given = {"organization_id": organization_id}
    organization = call("organizations.get", given)
    shown = {
        "organization": organization,
        **people("members.list", "organizations.detail", given, filters),
        "teams": call_all("teams.list", given) if may("teams:view") else [],
        "invitations": _invitations(organization),
        "values": {},
        "errors": {},
    }
    return page("settings/organizations/detail.html", status, **{**shown, **context})


def _invitations(organization: OrganizationOut) -> object:
    if organization.standing != "manager" or not may("organizations:edit"):
        return None
    return call("invitations.list", {"organization_id": organization.id, "limit": _MOST})


def _index(status: int = 200, **context: object) -> Response:
    organizations = call_all("organizations.list")
    return page(
        "settings/organizations/index.html", status, organizations=organizations, **context
    )
