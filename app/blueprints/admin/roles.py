"""Roles: who may do what, at a glance and one by one; make, change, delete."""

from typing import Any

from flask import Blueprint, Response, url_for

from app.blueprints.admin.role_form import GROUPS, given_changes, given_role, ticks
from app.blueprints.client_form import is_confirmed
from app.blueprints.pages import call, call_all, check, for_members, go, page, wrong
from app.core.errors import Conflict, InvalidInput
from app.core.scopes import OF_ROLES, SCOPES
from app.procedures.roles import RoleOut

_SCOPES = [SCOPES[name] for name in OF_ROLES]

bp = Blueprint("admin_roles", __name__, url_prefix="/admin/roles")
bp.before_request(for_members)


@bp.get("")
def index() -> Response:
    """Show every role, and which scopes each holds."""
    roles = call_all("roles.list")
    return page("admin/roles/index.html", roles=roles, groups=GROUPS, scopes=_SCOPES)


@bp.get("/new")
def new() -> Response:
    """Show the empty form to those who may send it."""
    check("roles.create")
    return _new({"scopes": []}, {})


@bp.post("/new")
def create() -> Response:
    """Make a role."""
    given = given_role()
    try:
        made = call("roles.create", given)
    except (InvalidInput, Conflict) as refusal:
        return _new(given, wrong(refusal, "name"), refusal.status)
    said = f"The role {made.name} is there: give it to people on their pages."
    return go(url_for("admin_roles.detail", role_id=made.id), said=said)


@bp.get("/<role_id>")
def detail(role_id: str) -> Response:
    """Show one role, and the form to those who may change it."""
    role = call("roles.get", {"role_id": role_id})
    return _detail(role, role.model_dump(), {})


@bp.post("/<role_id>")
def update(role_id: str) -> Response:
    """Change a role."""
    given = given_changes(role_id)
    try:
        role = call("roles.update", given)
    except (InvalidInput, Conflict) as refusal:
        role = call("roles.get", {"role_id": role_id})
        return _detail(role, given, wrong(refusal, "is_default"), refusal.status)
    said = f"The role {role.name} is changed: it counts from now on."
    return go(url_for("admin_roles.detail", role_id=role_id), said=said)


@bp.post("/<role_id>/delete")
def delete(role_id: str) -> Response:
    """Delete a role whose name the admin has typed."""
    role = call("roles.get", {"role_id": role_id})
    typed_error = f"Type {role.name} to delete it."
    if is_confirmed(role.name):
        try:
            call("roles.delete", {"role_id": role_id})
        except Conflict as refusal:
            typed_error = refusal.message
        else:
            return go(url_for("admin_roles.index"), said=f"The role {role.name} is deleted.")
    return _detail(role, role.model_dump(), {}, 422, typed_error=typed_error)


def _new(values: dict[str, Any], errors: dict[str, str], status: int = 200) -> Response:
    groups = ticks(values["scopes"])
    return page("admin/roles/new.html", status, values=values, errors=errors, groups=groups)


def _detail(
    role: RoleOut,
    values: dict[str, Any],
    errors: dict[str, str],
    status: int = 200,
    **context: object,
) -> Response:
    return page(
        "admin/roles/detail.html",
        status,
        role=role,
        values=values,
        errors=errors,
        groups=ticks(values["scopes"], role),
        **context,
    )
