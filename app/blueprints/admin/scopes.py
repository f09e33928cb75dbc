"""Scopes: what each opens, and who holds it."""

from flask import Blueprint, Response

from app.blueprints.admin.role_form import GROUPS
from app.blueprints.pages import call_all, for_members, page

bp = Blueprint("admin_scopes", __name__, url_prefix="/admin/scopes")
bp.before_request(for_members)


@bp.get("")
def index() -> Response:
    """Show every scope."""
    return page("admin/scopes/index.html", scopes=call_all("scopes.list"), groups=GROUPS)
