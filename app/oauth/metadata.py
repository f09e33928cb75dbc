"""What the server says about itself (RFC 8414) and about its protected resources (RFC 9728)."""

from typing import Any

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from app.core.resource import Resources
from app.core.scopes import BASIC, THIRD_PARTY
from app.oauth import keys
from app.oauth.authentication import METHODS
from app.oauth.signatures import ALGORITHMS
from app.procedures.clients import GRANT_TYPES

_CONFIDENTIAL = [method for method in METHODS if method != "none"]
_SIGNED_BY = list(ALGORITHMS)
_ENDPOINTS = {
    "authorization_endpoint": "/oauth/authorize",
    "token_endpoint": "/oauth/token",
    "revocation_endpoint": "/oauth/revoke",
    "introspection_endpoint": "/oauth/introspect",
    "pushed_authorization_request_endpoint": "/oauth/par",
    "device_authorization_endpoint": "/oauth/device_authorization",
    "userinfo_endpoint": "/oauth/userinfo",
    "end_session_endpoint": "/oauth/logout",
    "jwks_uri": "/oauth/jwks",
}


def server_metadata(resources: Resources, *, is_registration_open: bool) -> dict[str, Any]:
    """Give the authorization server's metadata: what works, and nothing else (RFC 8414 §2)."""
    metadata = AuthorizationServerMetadata(
        {
            "issuer": resources.public_url,
            **{name: resources.url(path) for name, path in _ENDPOINTS.items()},
            "scopes_supported": list(THIRD_PARTY),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": GRANT_TYPES,
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": list(METHODS),
            "revocation_endpoint_auth_methods_supported": list(METHODS),
            "introspection_endpoint_auth_methods_supported": _CONFIDENTIAL,
            **{
                f"{endpoint}_endpoint_auth_signing_alg_values_supported": _SIGNED_BY
                for endpoint in ("token", "revocation", "introspection")
            },
            "dpop_signing_alg_values_supported": _SIGNED_BY,
            "authorization_response_iss_parameter_supported": True,
            "service_documentation": resources.url("/docs/api"),
            **_OPENID,
        }
    )
    if is_registration_open:
        metadata["registration_endpoint"] = resources.url("/oauth/register")
        metadata["client_id_metadata_document_supported"] = True
    return dict(metadata)


# OpenID Connect Discovery §3.
_OPENID = {
    "subject_types_supported": ["public"],
    "id_token_signing_alg_values_supported": list(keys.ALGORITHMS),
    "claims_supported": [
        *("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash"),
        *("name", "email", "email_verified"),
    ],
    "prompt_values_supported": ["none", "login", "consent", "select_account"],
    "claims_parameter_supported": False,
    "request_parameter_supported": False,
    "request_uri_parameter_supported": False,
}


def resource_metadata(resources: Resources, path: str) -> dict[str, Any]:
    """Give a protected resource's metadata (RFC 9728 §2).

    Its scopes are the basic ones: clients ask for all that stands here.
    """
    return {
        "resource": resources.url(path),
        "authorization_servers": [resources.public_url],
        "scopes_supported": list(BASIC),
        "bearer_methods_supported": ["header"],
        "dpop_signing_alg_values_supported": _SIGNED_BY,
        "resource_name": "Latchkey",
        "resource_documentation": resources.url("/docs/api"),
    }
