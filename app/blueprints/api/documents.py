"""What the API says about itself: the manifest and the OpenAPI document."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request
from flask.blueprints import BlueprintSetupState

from app.surfaces.http import MEDIA_TYPE
from app.surfaces.manifest import manifest
from app.surfaces.openapi import document

bp = Blueprint("api_documents", __name__)


@bp.record
def publish(state: BlueprintSetupState) -> None:
    """Write both documents once, for as long as the app runs: its catalogue does not change."""
    given = state.app.extensions
    catalogue, resources = given["pipeline"].catalogue, given["resources"]
    is_open = given["settings"].registration == "open"
    about = manifest(catalogue, resources, is_registration_open=is_open)
    state.add_url_rule("/api", "manifest", _published(about))
    state.add_url_rule("/api/openapi.json", "openapi", _published(document(catalogue, resources)))


def _published(content: Mapping[str, Any]) -> Callable[[], Response]:
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    etag = hashlib.sha256(body).hexdigest()[:32]

    def answer() -> Response:
        response = Response(body, mimetype=MEDIA_TYPE)
        response.set_etag(etag)
        response.headers["Cache-Control"] = "no-cache"
        response.make_conditional(request)
        return response

    return answer
