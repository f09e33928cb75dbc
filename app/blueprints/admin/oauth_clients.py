"""Every OAuth client: find, create, look at, revoke, delete."""

from typing import Any

from flask import Blueprint, Response, url_for

from app.blueprints.client_form import given_client, is_confirmed
from app.blueprints.pages import (
    asked,
    call,
    check,
    for_members,
    go,
    page,
    part_or_page,
    partial_or_redirect,
)
from app.blueprints.road import resources
from app.core.errors import InvalidInput

bp = Blueprint("admin_clients", __name__, url_prefix="/admin/oauth-clients")
bp.before_request(for_members)


@bp.get("")
def index() -> Response:
    """Show the clients that meet the search."""
    try:
        return _index(asked("q", "cursor"))
    except InvalidInput as refusal:
        return _index({}, 422, filter_errors=refusal.fields)


@bp.get("/new")
def new() -> Response:
    """Show the empty form to those who may send it."""
    check("oauth_clients.create")
    return _form({}, {})


@bp.post("/new")
def create() -> Response:
    """Create a client; its secret is in this answer, and in no other."""
    given = given_client()
    try:
        made = call("oauth_clients.create", given)
    except InvalidInput as refusal:
        return _form(given, refusal.fields, 422)
    return part_or_page(
        "clients/_created.html",
        "admin/oauth_clients/created.html",
        201,
        client=made.client,
        secret=made.client_secret,
        resources=resources(),
        back=url_for("admin_clients.detail", client_id=made.client.client_id),
    )


@bp.get("/<path:client_id>")
def detail(client_id: str) -> Response:
    """Show one client."""
    return _detail(call("oauth_clients.get", {"client_id": client_id}))


@bp.post("/<path:client_id>/revoke")
def revoke(client_id: str) -> Response:
    """Revoke a client; give its row."""
    client = call("oauth_clients.revoke", {"client_id": client_id})
    return partial_or_redirect(
        "admin/oauth_clients/_row.html",
        url_for("admin_clients.detail", client_id=client_id),
        said=f"{client.name} is revoked: its tokens and its secret are refused from now on.",
        client=client,
    )


@bp.post("/<path:client_id>/delete")
def delete(client_id: str) -> Response:
    """Delete a client whose name the admin has typed."""
    client = call("oauth_clients.get", {"client_id": client_id})
    if not is_confirmed(client.name):
        return _detail(client, 422, typed_error=f"Type {client.name} to delete it.")
    call("oauth_clients.delete", {"client_id": client_id})
    return go(url_for("admin_clients.index"), said=f"{client.name} is deleted.")


def _index(filters: dict[str, str], status: int = 200, **context: object) -> Response:
    shown = call("oauth_clients.list", filters)
    older = url_for("admin_clients.index", **{**filters, "cursor": shown.next_cursor})
    return page(
        "admin/oauth_clients/index.html",
        status,
        clients=shown,
        filters=filters,
        older=older,
        **context,
    )


def _form(values: dict[str, Any], errors: dict[str, str], status: int = 200) -> Response:
    return part_or_page(
        "admin/oauth_clients/_form.html",
        "admin/oauth_clients/new.html",
        status,
        values=values,
        errors=errors,
    )


def _detail(client: object, status: int = 200, **context: str) -> Response:
    return page(
        "admin/oauth_clients/detail.html",
        status,
        client=client,
        resources=resources(),
        **context,
    )
