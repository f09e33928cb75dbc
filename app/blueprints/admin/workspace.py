"""The workspace's settings: what it is called, and what its people read."""

from flask import Blueprint, Response, url_for

from app.blueprints.pages import call, check, for_members, form, go, page
from app.core.errors import InvalidInput

bp = Blueprint("admin_workspace", __name__, url_prefix="/admin/workspace")
bp.before_request(for_members)


@bp.get("")
def index() -> Response:
    """Show the form to those who may send it."""
    check("settings.update")
    return _form(call("settings.get").model_dump(), {})


@bp.post("")
def update() -> Response:
    """Change the settings."""
    given = form()
    try:
        changed = call("settings.update", given)
    except InvalidInput as refusal:
        return _form(given, refusal.fields, refusal.status)
    return go(url_for("admin_workspace.index"), said=f"The settings of {changed.name} are kept.")


def _form(values: dict[str, str], errors: dict[str, str], status: int = 200) -> Response:
    return page("admin/workspace/index.html", status, values=values, errors=errors)
