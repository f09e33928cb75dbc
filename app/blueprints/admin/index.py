"""The admins' first page."""

from typing import Any

from flask import Blueprint, Response

from app.blueprints.admin.tabs import TABS, tabs
from app.blueprints.pages import call, check, for_members, page
from app.identity.session import viewer

_NEWEST = 5

bp = Blueprint("admin", __name__, url_prefix="/admin")
bp.before_request(for_members)
bp.app_context_processor(lambda: {"admin_tabs": tabs})


@bp.get("")
def index() -> Response:
    """Show what there is for the person to look after, and what of it is new."""
    shown = tabs(viewer())
    if not shown:
        check(TABS[0].procedure)
    lists = {tab.procedure for tab in shown}
    users, clients = (
        _newest(name) if name in lists else None for name in ("users.list", "oauth_clients.list")
    )
    return page("admin/index.html", tabs=shown, users=users, clients=clients)


def _newest(name: str) -> list[Any]:
    items: list[Any] = call(name, {"limit": _NEWEST}).items
    return items
