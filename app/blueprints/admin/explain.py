"""The page that says why a call of somebody's would be allowed or refused."""

from flask import Blueprint, Response

from app.blueprints.pages import asked, call, check, for_members, page
from app.blueprints.road import pipeline
from app.core.errors import InvalidInput

_ASKED = ("procedure", "user", "client_id")

bp = Blueprint("admin_explain", __name__, url_prefix="/admin/explain")
bp.before_request(for_members)


@bp.get("")
def index() -> Response:
    """Show the form, and below it the answer to what the address asks."""
    given = asked(*_ASKED)
    if not given:
        check("explanations.get")
        return _page({}, {})
    try:
        explanation = call("explanations.get", given)
    except InvalidInput as refusal:
        return _page(given, refusal.fields, 422)
    return _page(given, {}, explanation=explanation)


def _page(
    values: dict[str, str], errors: dict[str, str], status: int = 200, **context: object
) -> Response:
    names = [item.name for item in pipeline().catalogue]
    return page(
        "admin/explain/index.html", status, values=values, errors=errors, names=names, **context
    )
