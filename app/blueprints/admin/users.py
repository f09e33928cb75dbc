"""Everyone who has an account: find, look at, give roles, keep out, delete."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request, url_for

from app.blueprints.client_form import is_confirmed
from app.blueprints.pages import asked, call, call_all, check, for_members, go, may, page
from app.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from app.core.patterns import NONE
from app.procedures.shapes import LARGEST_PAGE

_FILTERS = ("q", "status", "role_id", "cursor")

bp = Blueprint("admin_users", __name__, url_prefix="/admin/users")
bp.before_request(for_members)


@bp.get("")
def index() -> Response:
    """Show the people who meet the search."""
    try:
        return _index(asked(*_FILTERS))
    except InvalidInput as refusal:
        return _index({}, 422, filter_errors=refusal.fields)


@bp.get("/<user_id>")
def detail(user_id: str) -> Response:
    """Show one person, and what belongs to them."""
    return _detail(user_id)


@bp.post("/<user_id>/roles")
def set_roles(user_id: str) -> Response:
    """Set which roles the person has."""
    role_ids = request.form.getlist("role_ids")
    given = {"user_id": user_id, "role_ids": role_ids}
    return _act("user_roles.set", given, lambda _: "Their roles are set: they count from now on.")


@bp.post("/<user_id>/external-id")
def set_external_id(user_id: str) -> Response:
    """Note what another system calls the person."""
    typed = request.form.get("external_id", "")
    given = {"user_id": user_id, "external_id": typed.strip() or NONE}
    return _act("users.set_external_id", given, lambda _: "The external id is kept.")


@bp.post("/<user_id>/suspend")
def suspend(user_id: str) -> Response:
    """Keep the person out."""

    def said(user: Any) -> str:  # noqa: ANN401 - what the procedure gives
        return f"{user.name} is suspended: they and the apps that act for them are refused."

    return _act("users.suspend", {"user_id": user_id}, said)


@bp.post("/<user_id>/resume")
def resume(user_id: str) -> Response:
    """Let the person in again."""
    given = {"user_id": user_id}
    return _act("users.resume", given, lambda user: f"{user.name} may sign in again.")


@bp.post("/<user_id>/sign-out")
def sign_out(user_id: str) -> Response:
    """End the person's sessions."""
    given = {"user_id": user_id}
    return _act("users.sign_out", given, lambda out: f"Signed out in {_browsers(out.sessions)}.")


@bp.post("/<user_id>/delete")
def delete(user_id: str) -> Response:
    """Delete a person whose address the admin has typed."""
    check("users.delete")
    email = call("users.get", {"user_id": user_id}).email
    if not is_confirmed(email):
        return _detail(user_id, 422, typed_error=f"Type {email} to delete this account.")
    try:
        call("users.delete", {"user_id": user_id})
    except (Conflict, Forbidden) as refusal:
        return _detail(user_id, refusal.status, refused=refusal.message)
    return go(url_for("admin_users.index"), said=f"The account {email} is deleted.")


def _act(name: str, given: dict[str, Any], said: Callable[[Any], str]) -> Response:
    """Do something to a person; a refusal comes back on their page, with what was typed."""
    try:
        done = call(name, given)
    except (InvalidInput, NotFound) as refusal:
        if not refusal.fields:
            raise
        return _detail(given["user_id"], 422, errors=refusal.fields, typed=given)
    except (Conflict, Forbidden) as refusal:
        return _detail(given["user_id"], refusal.status, refused=refusal.message, typed=given)
    return go(url_for("admin_users.detail", user_id=given["user_id"]), said=said(done))


def _index(filters: dict[str, str], status: int = 200, **context: object) -> Response:
    shown = call("users.list", filters)
    return page(
        "admin/users/index.html",
        status,
        users=shown,
        filters=filters,
        older=url_for("admin_users.index", **{**filters, "cursor": shown.next_cursor}),
        roles=call_all("roles.list") if may("roles:view") else [],
        **context,
    )


def _detail(user_id: str, status: int = 200, **context: object) -> Response:
    given = {"user_id": user_id}
    user = call("users.get", given)
    may_act = may("users:editAll") and not user.beyond_you
    return page(
        "admin/users/detail.html",
        status,
        user=user,
        organizations=call_all("users.list_organizations", given),
        apps=call("users.list_connected_apps", {**given, "limit": LARGEST_PAGE}).items,
        sessions=call("users.list_sessions", {**given, "limit": LARGEST_PAGE}).items,
        roles=call_all("user_roles.get", given) if may("users:viewRoles") else None,
        may_act=may_act,
        deletion=call("users.deletion", given) if may_act and not user.is_you else None,
        **context,
    )


def _browsers(count: int) -> str:
    return f"{count} browser{'' if count == 1 else 's'}"
