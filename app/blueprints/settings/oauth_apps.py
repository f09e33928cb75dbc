"""A person's OAuth apps: list, register, look at, revoke, delete."""

from typing import Any

from flask import Blueprint, Response, url_for

from app.blueprints.client_form import (
    given_changes,
    given_client,
    given_secret,
    is_confirmed,
    offered,
)
from app.blueprints.pages import (
    call,
    check,
    for_members,
    go,
    page,
    part_or_page,
    partial_or_redirect,
)
from app.blueprints.road import resources
from app.core.errors import Conflict, InvalidInput
from app.procedures.clients import ClientOut

bp = Blueprint("oauth_apps", __name__, url_prefix="/settings/oauth-apps")
bp.before_request(for_members)


@bp.get("")
def index() -> Response:
    """Show the apps that the person registered."""
    return page("settings/oauth_apps/index.html", apps=call("oauth_apps.list").items)


@bp.get("/new")
def new() -> Response:
    """Show the empty form to those who may send it."""
    check("oauth_apps.create")
    return _form({}, {})


@bp.post("/new")
def create() -> Response:
    """Register an app; its secret is in this answer, and in no other."""
    given = given_client()
    try:
        made = call("oauth_apps.create", given)
    except InvalidInput as refusal:
        return _form(given, refusal.fields, 422)
    return part_or_page(
        "clients/_created.html",
        "settings/oauth_apps/created.html",
        201,
        client=made.app,
        secret=made.client_secret,
        resources=resources(),
        back=url_for("oauth_apps.detail", client_id=made.app.client_id),
    )


@bp.get("/<client_id>")
def detail(client_id: str) -> Response:
    """Show one app."""
    return _detail(call("oauth_apps.get", {"client_id": client_id}))


@bp.get("/<client_id>/edit")
def edit(client_id: str) -> Response:
    """Show what can be changed about an app."""
    check("oauth_apps.update")
    app = call("oauth_apps.get", {"client_id": client_id})
    return _edit_form(app, app.model_dump(), {})


@bp.post("/<client_id>/edit")
def update(client_id: str) -> Response:
    """Change an app."""
    given = given_changes(client_id)
    try:
        app = call("oauth_apps.update", given)
    except InvalidInput as refusal:
        app = call("oauth_apps.get", {"client_id": client_id})
        return _edit_form(app, given, refusal.fields, 422)
    target = url_for("oauth_apps.detail", client_id=client_id)
    return go(target, said=f"{app.name} is changed: it counts from now on.")


@bp.post("/<client_id>/revoke")
def revoke(client_id: str) -> Response:
    """Revoke an app; give its row."""
    client = call("oauth_apps.revoke", {"client_id": client_id})
    return partial_or_redirect(
        "settings/oauth_apps/_row.html",
        url_for("oauth_apps.detail", client_id=client_id),
        said=f"{client.name} is revoked: its tokens and its secret are refused from now on.",
        client=client,
    )


@bp.post("/<client_id>/delete")
def delete(client_id: str) -> Response:
    """Delete an app whose name the person has typed."""
    client = call("oauth_apps.get", {"client_id": client_id})
    if not is_confirmed(client.name):
        return _detail(client, 422, typed_error=f"Type {client.name} to delete it.")
    call("oauth_apps.delete", {"client_id": client_id})
    return go(url_for("oauth_apps.index"), said=f"{client.name} is deleted.")


@bp.post("/<client_id>/secrets")
def add_secret(client_id: str) -> Response:
    """Give an app one more secret; show it for the only time."""
    given = given_secret(client_id)
    try:
        made = call("client_secrets.add", given)
    except (InvalidInput, Conflict) as refusal:
        client = call("oauth_apps.get", {"client_id": client_id})
        form_state = {"secret_values": given, "secret_errors": refusal.fields}
        error = "" if refusal.fields else refusal.message
        return _detail(client, refusal.status, **form_state, secret_error=error)
    back = url_for("oauth_apps.detail", client_id=client_id)
    return page("settings/oauth_apps/secret.html", made=made, back=back)


@bp.post("/<client_id>/secrets/<secret_id>/remove")
def remove_secret(client_id: str, secret_id: str) -> Response:
    """Remove a secret of an app."""
    call("client_secrets.remove", {"client_id": client_id, "secret_id": secret_id})
    target = url_for("oauth_apps.detail", client_id=client_id)
    return go(target, said="The secret is removed: it is refused from now on.")


def _form(values: dict[str, Any], errors: dict[str, str], status: int = 200) -> Response:
    return part_or_page(
        "settings/oauth_apps/_form.html",
        "settings/oauth_apps/new.html",
        status,
        values=values,
        errors=errors,
    )


def _edit_form(
    app: ClientOut, values: dict[str, Any], errors: dict[str, str], status: int = 200
) -> Response:
    return page(
        "settings/oauth_apps/edit.html",
        status,
        client_id=app.client_id,
        values=values,
        errors=errors,
        scopes=[
            option
            for option in offered(is_trusted=app.is_trusted)
            if option[0] not in app.withheld_scopes
        ],
        withheld=app.withheld_scopes,
    )


def _detail(client: ClientOut, status: int = 200, **context: object) -> Response:
    return page(
        "settings/oauth_apps/detail.html",
        status,
        client=client,
        secrets=call("client_secrets.list", {"client_id": client.client_id}).items,
        resources=resources(),
        **context,
    )
