"""The first page: to one's tasks, or to the door."""

from flask import Blueprint, Response, url_for

from app.blueprints.pages import go, page
from app.identity.session import viewer

bp = Blueprint("home", __name__)


@bp.get("/")
def index() -> Response:
    """Send people to their tasks, and tell strangers what this is."""
    if viewer():
        return go(url_for("tasks.index"))
    return page("home/index.html")
