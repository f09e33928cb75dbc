"""Every organization: find, create, look at, change, delete."""

from typing import Any

from flask import Blueprint, Response, url_for

from app.blueprints.client_form import is_confirmed
from app.blueprints.pages import asked, call, check, for_members, form, go, may, page, wrong
from app.blueprints.people import people
from app.core.errors import Conflict, InvalidInput
from app.core.patterns import NONE

_MOST = 100

bp = Blueprint("admin_organizations", __name__, url_prefix="/admin/organizations")
bp.before_request(for_members)


@bp.get("")
def index() -> Response:
    """Show the organizations that meet the search."""
    try:
        return _index(asked("q", "cursor"))
    except InvalidInput as refusal:
        return _index({}, 422, filter_errors=refusal.fields)


@bp.get("/new")
def new() -> Response:
    """Show the empty form to those who may send it."""
    check("all_organizations.create")
    return _form({}, {})


@bp.post("/new")
def create() -> Response:
    """Create an organization."""
    given = form()
    try:
        made = call("all_organizations.create", {k: v for k, v in given.items() if v})
    except (Conflict, InvalidInput) as refusal:
        return _form(given, wrong(refusal, "domain"), refusal.status)
    target = url_for("admin_organizations.detail", organization_id=made.id)
    return go(target, said=f"{made.name} is there, and you manage it. Invite its people.")


@bp.get("/<organization_id>")
def detail(organization_id: str) -> Response:
    """Show one organization: its people, and who is invited."""
    try:
        return detail_page(organization_id)
    except InvalidInput as refusal:
        return detail_page(organization_id, 422, {}, filter_errors=refusal.fields)


@bp.post("/<organization_id>")
def update(organization_id: str) -> Response:
    """Rename an organization, or say which domain is its own."""
    given = form()
    try:
        domain = given.get("domain", "").strip() or NONE
        changes = {**given, "domain": domain, "organization_id": organization_id}
        changed = call("all_organizations.update", changes)
    except (Conflict, InvalidInput) as refusal:
        typed = {"values": given, "errors": wrong(refusal, "domain")}
        return detail_page(organization_id, refusal.status, **typed)
    target = url_for("admin_organizations.detail", organization_id=organization_id)
    return go(target, said=f"What is kept about {changed.name} is changed.")


@bp.post("/<organization_id>/delete")
def delete(organization_id: str) -> Response:
    """Delete an organization whose name the admin has typed."""
    check("all_organizations.delete")
    name = call("all_organizations.get", {"organization_id": organization_id}).name
    if not is_confirmed(name):
        return detail_page(organization_id, 422, typed_error=f"Type {name} to delete it.")
    call("all_organizations.delete", {"organization_id": organization_id})
    return go(url_for("admin_organizations.index"), said=f"{name} is deleted.")


def detail_page(
    organization_id: str,
    status: int = 200,
    filters: dict[str, str] | None = None,
    **context: object,
) -> Response:
    """Show an organization's page, with what a form on it was refused for."""
    given = {"organization_id": organization_id}
    organization = call("all_organizations.get", given)
    shown = {
        "organization": organization,
        **people("all_organizations.members", "admin_organizations.detail", given, filters),
        "invitations": call("all_organizations.invitations", {**given, "limit": _MOST}),
        "may_edit": may("orgs:edit"),
        "may_manage": may("orgs:manageMembers"),
        "values": {"name": organization.name, "domain": organization.domain},
        "errors": {},
    }
    return page("admin/organizations/detail.html", status, **{**shown, **context})


def _index(filters: dict[str, str], status: int = 200, **context: object) -> Response:
    shown = call("all_organizations.list", filters)
    return page(
        "admin/organizations/index.html",
        status,
        organizations=shown,
        filters=filters,
        older=url_for("admin_organizations.index", **{**filters, "cursor": shown.next_cursor}),
        **context,
    )


def _form(values: dict[str, Any], errors: dict[str, str], status: int = 200) -> Response:
    return page("admin/organizations/new.html", status, values=values, errors=errors)
