"""What the API says about itself: the manifest and the OpenAPI document."""

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from flask import Blueprint, Response, redirect, request
from flask.blueprints import BlueprintSetupState

from app.surfaces.http import MEDIA_TYPE
from app.surfaces.manifest import manifest
from app.surfaces.openapi import document

bp = Blueprint("api_documents", __name__)


@bp.record
def publish(state: BlueprintSetupState) -> None:
    """Serve both documents; each is written at its first request, once for a running app."""
    built = state.app.extensions
    catalogue, resources = built["pipeline"].catalogue, built["resources"]
    is_open = built["settings"].registration == "open"
    state.add_url_rule(
        "/api",
        "manifest",
        _published(lambda: manifest(catalogue, resources, is_registration_open=is_open)),
    )
    # The base URL of a client library often ends in a slash.
    state.add_url_rule("/api/", "manifest_with_slash", lambda: redirect("/api", 308))
    state.add_url_rule(
        "/api/openapi.json", "openapi", _published(lambda: document(catalogue, resources))
    )


def _published(write: Callable[[], Mapping[str, Any]]) -> Callable[[], Response]:
    @cache
    def content() -> tuple[bytes, str]:
        body = json.dumps(write(), ensure_ascii=False, separators=(",", ":")).encode()
        return body, hashlib.sha256(body).hexdigest()[:32]

    def answer() -> Response:
        body, etag = content()
        response = Response(body, mimetype=MEDIA_TYPE)
        response.set_etag(etag)
        response.headers["Cache-Control"] = "no-cache"
        response.make_conditional(request)
        return response

    return answer
