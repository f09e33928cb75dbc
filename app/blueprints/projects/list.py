"""The projects of the current organization: list them, add one."""

from flask import Blueprint, Response, url_for

from app.blueprints.current import belonging
from app.blueprints.pages import asked, call, check, for_members, form, go, page, wrong
from app.core.errors import Conflict, InvalidInput

bp = Blueprint("projects", __name__, url_prefix="/projects")
bp.before_request(for_members)


@bp.get("")
def index() -> Response:
    """Show the projects of the current organization."""
    try:
        return _index(asked("cursor"))
    except InvalidInput as refusal:
        return _index({}, 422, filter_errors=refusal.fields)


@bp.post("")
def create() -> Response:
    """Add a project to the organization that the form was about."""
    given = form()
    try:
        made = call("projects.create", given)
    except (Conflict, InvalidInput) as refusal:
        return _index({}, refusal.status, values=given, errors=wrong(refusal, "name"))
    return go(url_for("projects.index"), said=f"{made.name} is there.")


def _index(filters: dict[str, str], status: int = 200, **context: object) -> Response:
    check("projects.list")
    here = belonging().current
    shown = call("projects.list", {**filters, "organization_id": here.id}) if here else None
    return page(
        "projects/index.html",
        status,
        **{
            "here": here,
            "projects": shown,
            "older": url_for("projects.index", cursor=shown.next_cursor) if shown else "",
            "values": {},
            "errors": {},
            **context,
        },
    )
