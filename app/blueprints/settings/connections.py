"""The apps that a person has connected."""

from flask import Blueprint, Response, url_for

from app.blueprints.pages import call, for_members, is_partial, page, partial_or_redirect

bp = Blueprint("connections", __name__, url_prefix="/settings/connections")
bp.before_request(for_members)


@bp.get("")
def index() -> Response:
    """Show what the person has allowed, and to whom."""
    return page("settings/connections/index.html", connections=call("connections.list").items)


@bp.post("/<path:client_id>/disconnect")
def disconnect(client_id: str) -> Response:
    """Take back what the person allowed an app; give the connections that are left."""
    gone = call("connections.revoke", {"client_id": client_id})
    left = call("connections.list").items if is_partial() else []
    return partial_or_redirect(
        "settings/connections/_list.html",
        url_for("connections.index"),
        said=f"{gone.name} is disconnected: what you allowed it is refused from now on.",
        connections=left,
    )
