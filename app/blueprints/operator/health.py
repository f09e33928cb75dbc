"""Whether the app is alive, and whether it is ready for requests."""

from http import HTTPStatus

from flask import Blueprint, Response, jsonify

from app.blueprints.road import readiness

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Response:
    """Tell that the process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
def ready() -> tuple[Response, int]:
    """Tell whether the database answers, and whether its migrations are the code's."""
    fault = readiness().fault()
    if fault:
        return jsonify(status="not ready", detail=fault), HTTPStatus.SERVICE_UNAVAILABLE
    return jsonify(status="ok"), HTTPStatus.OK
