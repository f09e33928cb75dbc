"""The admins' first page."""

from flask import Blueprint, Response
from flask_login import login_required

from app.blueprints.pages import call, page

_NEWEST = 5

bp = Blueprint("admin", __name__, url_prefix="/admin")


@bp.get("")
@login_required  # type: ignore[untyped-decorator] # flask-login carries no types
def index() -> Response:
    """Show what there is to look after, and what is new."""
    newest = call("oauth_clients.list", {"limit": _NEWEST})
    return page("admin/index.html", clients=newest.items)
