"""Cross-origin access: which paths pages of other origins may call, and from which origins.

Fetch Standard, "CORS protocol". Only what a request carries in `Authorization` or its body counts
at these paths, never a cookie: so any origin is safe, without credentials.
"""

from collections.abc import Mapping

from app.core.errors import CallError
from app.core.resource import API, MCP, SSE
from config import Settings, is_loopback

MESSAGES = "/messages/"
OAUTH_ENDPOINTS = (
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/introspect",
    "/oauth/par",
    "/oauth/device_authorization",
    "/oauth/register",
    "/oauth/userinfo",
    "/oauth/jwks",
)
WELL_KNOWN = "/.well-known/"
_PATHS = frozenset(
    {API, MCP, f"{MCP}/", SSE, MESSAGES, MESSAGES.removesuffix("/"), *OAUTH_ENDPOINTS}
)
_PREFIXES = (f"{API}/", WELL_KNOWN, "/oauth/register/")

# Named one by one: `*` never covers Authorization.
_ALLOWED_HEADERS = (
    "Authorization, Content-Type, Accept, X-Requested-With, DPoP, Idempotency-Key, If-Match, "
    "If-None-Match, Last-Event-ID, MCP-Protocol-Version, Mcp-Session-Id, Mcp-Method, Mcp-Name"
)
_EXPOSED_HEADERS = (
    "WWW-Authenticate, Retry-After, ETag, Link, Location, DPoP-Nonce, Mcp-Session-Id, "
    "X-Request-ID, RateLimit, RateLimit-Policy"
)
# For every path alike: a page that uses the wrong method can then read the 405.
_ALLOWED_METHODS = "GET, POST, PUT, DELETE"
# Chromium keeps no preflight for longer.
_PREFLIGHT_TTL_SECONDS = 7200


class OriginRefused(CallError):
    """A page of this origin may not call here."""

    code = "origin_refused"
    status = 403

    def __init__(self) -> None:
        super().__init__(
            "Pages of this origin may not call this server. Ask its operator to add the origin "
            "to LATCHKEY_ALLOWED_ORIGINS."
        )


def is_for_programs(path: str) -> bool:
    """Whether programs call this path, so that pages of other origins may call it too."""
    return path in _PATHS or path.startswith(_PREFIXES)


class CrossOrigin:
    """The rules of one deployment about pages of other origins."""

    def __init__(self, settings: Settings) -> None:
        self._own = settings.origin
        self._allowed = settings.origins
        self._is_loopback = settings.is_loopback

    def is_foreign(self, origin: str | None) -> bool:
        """Whether a request's Origin header names another origin than this server's."""
        return origin is not None and origin.lower() != self._own

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin may call with a token."""
        return self._allowed is None or not self.is_foreign(origin) or self._is_listed(origin)

    def allows_mcp(self, origin: str, host: str, *, has_token: bool) -> bool:
        """Whether a page of this origin may call MCP at this host, by the request's Host header.

        MCP, Transports, "Security Warning": a page whose host name was rebound to a loopback
        address must get a 403. It has no token, and calls us by its own name. A public host is
        reached by its own name anyway, and there browser clients need the 401 to find the
        authorization server.
        """
        if not self.allows(origin):
            return False
        is_guarded = self._is_loopback and self._allowed is None
        if not is_guarded or not self.is_foreign(origin) or is_loopback(origin):
            return True
        return has_token and is_loopback(f"http://{host}")

    def headers(self, origin: str | None) -> Mapping[str, str]:
        """Return what a response carries so that a page of this origin may read it."""
        if self._allowed is None:
            return _FOR_ANY_ORIGIN
        vary = {"Vary": "Origin"}
        if origin is None or not self.allows(origin):
            return vary
        return {**_FOR_ANY_ORIGIN, "Access-Control-Allow-Origin": origin, **vary}

    def preflight_headers(self, origin: str) -> Mapping[str, str]:
        """Return what the response to a preflight carries besides."""
        return _PREFLIGHT if self.allows(origin) else {}

    def _is_listed(self, origin: str) -> bool:
        return self._allowed is not None and origin.lower() in self._allowed


def is_preflight(method: str, origin: str | None, requested_method: str | None) -> bool:
    """Whether a browser asks if a page may send a request (Fetch Standard, "CORS-preflight")."""
    return method == "OPTIONS" and origin is not None and requested_method is not None


_FOR_ANY_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": _EXPOSED_HEADERS,
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": _ALLOWED_METHODS,
    "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
    "Access-Control-Max-Age": str(_PREFLIGHT_TTL_SECONDS),
}
