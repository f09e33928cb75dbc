"""The admins' first page."""

from flask import Blueprint, Response

from app.blueprints.pages import call, for_members, page

_NEWEST = 5

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_request(for_members)


@bp.get("")
def index() -> Response:
    """Show what there is to look after, and what is new."""
    newest = call("oauth_clients.list", {"limit": _NEWEST})
    return page("admin/index.html", clients=newest.items)
