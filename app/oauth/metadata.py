"""What the server says about itself (RFC 8414) and about its protected resources (RFC 9728)."""

from typing import Any

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from app.core.resource import Resources
from app.core.scopes import BASIC, THIRD_PARTY
from app.oauth.authentication import METHODS
from app.procedures.clients import GRANT_TYPES


def server_metadata(resources: Resources, *, is_registration_open: bool) -> dict[str, Any]:
    """Give the authorization server's metadata: what works, and nothing else (RFC 8414 §2)."""
    metadata = AuthorizationServerMetadata(
        {
            "issuer": resources.public_url,
            "authorization_endpoint": resources.url("/oauth/authorize"),
            "token_endpoint": resources.url("/oauth/token"),
            "revocation_endpoint": resources.url("/oauth/revoke"),
            "scopes_supported": list(THIRD_PARTY),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": GRANT_TYPES,
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": list(METHODS),
            "revocation_endpoint_auth_methods_supported": list(METHODS),
            "authorization_response_iss_parameter_supported": True,
            "service_documentation": resources.url("/docs/api"),
        }
    )
    if is_registration_open:
        metadata["registration_endpoint"] = resources.url("/oauth/register")
    return dict(metadata)


def resource_metadata(resources: Resources, path: str) -> dict[str, Any]:
    """Give a protected resource's metadata (RFC 9728 §2).

    Its scopes are the basic ones: clients ask for all that stands here.
    """
    return {
        "resource": resources.url(path),
        "authorization_servers": [resources.public_url],
        "scopes_supported": list(BASIC),
        "bearer_methods_supported": ["header"],
        "resource_name": "Latchkey",
        "resource_documentation": resources.url("/docs/api"),
    }
