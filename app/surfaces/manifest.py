"""What `GET /api` says: where to get a token, and what can be called with it."""

from typing import Any

from app.core.principal import Channel
from app.core.procedure import AnyProcedure, Catalogue
from app.core.resource import API, MCP, SSE, Resources
from app.core.scopes import SCOPES
from app.oauth.metadata import server_metadata
from app.surfaces import plain_schema
from app.surfaces.examples import input_example, output_example

NAME = "Latchkey"
VERSION = "0.1.0"
_ENDPOINTS = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "revocation_endpoint",
    "registration_endpoint",
)


def manifest(
    catalogue: Catalogue, resources: Resources, *, is_registration_open: bool
) -> dict[str, Any]:
    """Give the manifest: each procedure of the API with its schemas, and the ways to a token."""
    procedures = catalogue.on(Channel.API)
    return {
        "name": NAME,
        "version": VERSION,
        "openapi": resources.url("/api/openapi.json"),
        "documentation": resources.url("/docs/api"),
        "oauth": _oauth(resources, is_registration_open=is_registration_open),
        "mcp": {
            "streamable_http": resources.url(MCP),
            **({"sse": resources.url(SSE)} if resources.has_streams else {}),
        },
        "scopes": scopes_of(procedures),
        "procedures": [_entry(item, resources) for item in procedures],
    }


def scopes_of(procedures: list[AnyProcedure]) -> dict[str, str]:
    """Give the scopes that procedures need, each with the sentence of the consent page."""
    needed = {scope for item in procedures for scope in item.scopes}
    return {name: scope.sentence for name, scope in SCOPES.items() if name in needed}


def _oauth(resources: Resources, *, is_registration_open: bool) -> dict[str, str]:
    server = server_metadata(resources, is_registration_open=is_registration_open)
    return {
        **{name: server[name] for name in _ENDPOINTS if name in server},
        "authorization_server_metadata": resources.url("/.well-known/oauth-authorization-server"),
        "protected_resource_metadata": resources.metadata_url(API),
    }


def _entry(item: AnyProcedure, resources: Resources) -> dict[str, Any]:
    return {
        "name": item.name,
        "method": item.method,
        "path": item.path,
        "url": resources.url(item.path),
        "tool": item.tool_name if Channel.MCP in item.channels else None,
        "summary": item.summary,
        "description": item.description,
        "public": item.public,
        "scopes": list(item.scopes),
        "any_scope": item.any_scope,
        "destructive": item.destructive,
        "idempotent": item.idempotent,
        "input_schema": plain_schema.of_input(item.input),
        "output_schema": plain_schema.of_output(item.output),
        "input_example": input_example(item),
        "output_example": output_example(item),
    }
