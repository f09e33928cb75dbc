"""The first page: to one's tasks, or to the door."""

from flask import Blueprint, Response, make_response, redirect, url_for

from app.blueprints.pages import page
from app.identity.session import viewer

bp = Blueprint("home", __name__)


@bp.get("/")
def index() -> Response:
    """Send people to their tasks, and tell strangers what this is."""
    if viewer():
        return make_response(redirect(url_for("tasks.index"), 303))
    return page("home/index.html")
