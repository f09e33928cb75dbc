"""Resources of others that tokens are issued for: list, add, remove."""

from flask import Blueprint, Response, url_for

from app.blueprints.pages import call, for_members, form, go, page
from app.core.errors import Conflict, InvalidInput

bp = Blueprint("admin_resources", __name__, url_prefix="/admin/resources")
bp.before_request(for_members)


@bp.get("")
def index() -> Response:
    """Show the resources."""
    return _index({}, {})


@bp.post("")
def add() -> Response:
    """Add a resource."""
    given = {name: value for name, value in form().items() if value}
    try:
        made = call("resource_servers.add", given)
    except InvalidInput as refusal:
        return _index(given, refusal.fields, 422)
    except Conflict as refusal:
        return _index(given, {"identifier": refusal.message}, refusal.status)
    return go(url_for("admin_resources.index"), said=f"Tokens are issued for {made.name} now.")


@bp.post("/<resource_id>/remove")
def remove(resource_id: str) -> Response:
    """Remove a resource."""
    removed = call("resource_servers.remove", {"resource_id": resource_id})
    return go(
        url_for("admin_resources.index"), said=f"No more tokens are issued for {removed.name}."
    )


def _index(values: dict[str, str], errors: dict[str, str], status: int = 200) -> Response:
    resources = call("resource_servers.list").items
    return page(
        "admin/resources/index.html", status, resources=resources, values=values, errors=errors
    )
