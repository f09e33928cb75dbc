"""Whether the app is alive, and whether it is ready for requests."""

from http import HTTPStatus

from flask import Blueprint, Response, jsonify

from app.blueprints.road import readiness
from app.core.errors import Busy

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Response:
    """Tell that the process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
def ready() -> Response:
    """Tell whether the database reads and writes, and whether its migrations are the code's."""
    fault = readiness().fault() or readiness().write_fault()
    if fault is None:
        return jsonify(status="ok")
    response = jsonify(status="not ready", detail=fault)
    response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    response.headers["Retry-After"] = str(Busy.retry_after)
    return response
