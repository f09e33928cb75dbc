"""Every OAuth client: find, create, look at, rule, revoke, delete."""

from typing import Any

from flask import Blueprint, Response, url_for

from app.blueprints.client_form import (
    given_client,
    given_rules,
    given_secret,
    is_confirmed,
    offered,
    offered_on_trust,
)
from app.blueprints.pages import (
    asked,
    call,
    check,
    for_members,
    form,
    go,
    page,
    part_or_page,
    partial_or_redirect,
    wrong,
)
from app.blueprints.road import registration, resources
from app.core.errors import Conflict, InvalidInput
from app.identity.session import viewer
from app.procedures.client_rules import ClientRulesOut
from app.procedures.client_secrets import SecretOut
from app.procedures.oauth_clients import AnyClientOut

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


@bp.post("/registration")
def switch_registration() -> Response:
    """Let programs register themselves, or not any more."""
    switched = call("registration.switch", form())
    said = f"Self-registration is {'on' if switched.is_open else 'off'} from now on."
    return go(url_for("admin_clients.index"), said=said)


@bp.get("/bans")
def bans() -> Response:
    """Show the banned hosts."""
    return _bans(asked("host"))


@bp.post("/bans")
def ban_host() -> Response:
    """Ban a host."""
    given = form()
    try:
        banned = call("banned_hosts.add", given)
    except (InvalidInput, Conflict) as refusal:
        return _bans(given, refusal.status, wrong(refusal, "host"))
    said = f"{banned.host} banned. {_clients(banned.clients)} stopped working."
    return go(url_for("admin_clients.bans"), said=said)


@bp.post("/bans/<ban_id>/remove")
def remove_ban(ban_id: str) -> Response:
    """Remove a ban."""
    removed = call("banned_hosts.remove", {"ban_id": ban_id})
    said = f"Ban of {removed.host} removed. {_clients(removed.clients)} can work again."
    return go(url_for("admin_clients.bans"), said=said)


# The verb stands first: the URL that is a client's id may end in any word.
@bp.get("/rules/<path:client_id>")
def rules(client_id: str) -> Response:
    """Show what is set about a client."""
    check("client_rules.set")
    found = call("client_rules.get", {"client_id": client_id})
    lifetimes = {each.name: each.seconds for each in found.lifetimes}
    return _rules(found, {**found.model_dump(), **lifetimes}, {})


@bp.post("/rules/<path:client_id>")
def set_rules(client_id: str) -> Response:
    """Set it."""
    found = call("client_rules.get", {"client_id": client_id})
    given = given_rules(client_id, [each.name for each in found.lifetimes])
    try:
        call("client_rules.set", given)
    except InvalidInput as refusal:
        return _rules(found, given, refusal.fields, 422)
    except Conflict as refusal:
        return _rules(found, given, {"is_verified": refusal.message}, refusal.status)
    target = url_for("admin_clients.detail", client_id=client_id)
    return go(target, said=f"The rules for {found.name} count from now on.")


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


@bp.post("/<path:client_id>/secrets")
def add_secret(client_id: str) -> Response:
    """Give a client that is nobody's one more secret; show it for the only time."""
    given = given_secret(client_id)
    try:
        made = call("client_secrets.add", given)
    except (InvalidInput, Conflict) as refusal:
        client = call("oauth_clients.get", {"client_id": client_id})
        form_state = {"secret_values": given, "secret_errors": refusal.fields}
        error = "" if refusal.fields else refusal.message
        return _detail(client, refusal.status, **form_state, secret_error=error)
    back = url_for("admin_clients.detail", client_id=client_id)
    return page("admin/oauth_clients/secret.html", made=made, back=back)


@bp.post("/<path:client_id>/secrets/<secret_id>/remove")
def remove_secret(client_id: str, secret_id: str) -> Response:
    """Remove a secret of a client."""
    call("client_secrets.remove", {"client_id": client_id, "secret_id": secret_id})
    target = url_for("admin_clients.detail", client_id=client_id)
    return go(target, said="The secret is removed: it is refused from now on.")


def _index(filters: dict[str, str], status: int = 200, **context: object) -> Response:
    shown = call("oauth_clients.list", filters)
    older = url_for("admin_clients.index", **{**filters, "cursor": shown.next_cursor})
    return page(
        "admin/oauth_clients/index.html",
        status,
        clients=shown,
        filters=filters,
        older=older,
        is_registration_allowed=registration().is_allowed,
        is_registration_open=call("registration.get").is_open,
        **context,
    )


def _bans(
    values: dict[str, str], status: int = 200, errors: dict[str, str] | None = None
) -> Response:
    return page(
        "admin/oauth_clients/bans.html",
        status,
        bans=call("banned_hosts.list").items,
        values=values,
        errors=errors or {},
    )


def _clients(count: int) -> str:
    return "1 client" if count == 1 else f"{count or 'No'} clients"


def _form(values: dict[str, Any], errors: dict[str, str], status: int = 200) -> Response:
    return part_or_page(
        "admin/oauth_clients/_form.html",
        "admin/oauth_clients/new.html",
        status,
        values=values,
        errors=errors,
    )


def _rules(
    found: ClientRulesOut, values: dict[str, Any], errors: dict[str, str], status: int = 200
) -> Response:
    return page(
        "admin/oauth_clients/rules.html",
        status,
        rules=found,
        values=values,
        errors=errors,
        scopes=offered(),
        ruling=offered_on_trust(),
    )


def _detail(client: AnyClientOut, status: int = 200, **context: object) -> Response:
    return page(
        "admin/oauth_clients/detail.html",
        status,
        client=client,
        secrets=_secrets(client),
        resources=resources(),
        **context,
    )


def _secrets(client: AnyClientOut) -> list[SecretOut]:
    seen = viewer()
    if client.kind == "public" or seen is None or not seen.may("oauth-clients:edit"):
        return []
    secrets: list[SecretOut] = call("client_secrets.list", {"client_id": client.client_id}).items
    return secrets
