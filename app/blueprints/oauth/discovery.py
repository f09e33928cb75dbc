"""The well-known documents: what a client needs to know before it asks for anything."""

from flask import Blueprint, Response, abort, jsonify

from app.blueprints.road import registration, resources
from app.core.resource import API, MCP, MCP_SLASH, ROOT, SSE
from app.oauth.metadata import resource_metadata, server_metadata

_RESOURCES = frozenset({ROOT, API, MCP, MCP_SLASH, SSE})

bp = Blueprint("discovery", __name__, url_prefix="/.well-known")


@bp.get("/oauth-authorization-server")
@bp.get("/openid-configuration")
def authorization_server() -> Response:
    """Give the authorization server's metadata (RFC 8414 §3)."""
    is_open = registration().is_open()
    return _public(jsonify(server_metadata(resources(), is_registration_open=is_open)))


@bp.get("/oauth-protected-resource", defaults={"path": ROOT})
@bp.get("/oauth-protected-resource/<path:path>")
def protected_resource(path: str) -> Response:
    """Give a protected resource's metadata (RFC 9728 §3)."""
    path = f"/{path}" if path else ROOT
    if path not in _RESOURCES or (path == SSE and not resources().has_streams):
        abort(404)
    return _public(jsonify(resource_metadata(resources(), path)))


def _public(response: Response) -> Response:
    """Let it be kept for a while: it says nothing that is not for all (RFC 8414 §3.1)."""
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
