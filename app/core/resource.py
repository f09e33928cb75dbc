"""The protected resources of one deployment, by the names that clients use (RFC 8707)."""

from collections.abc import Callable
from urllib.parse import urlsplit

API = "/api"
MCP = "/mcp"
# What a user typed with a slash: clients compare it with the metadata as a string.
MCP_SLASH = "/mcp/"
SSE = "/sse"
ROOT = ""
_OF_MCP = frozenset({MCP, MCP_SLASH, SSE})


class Resources:
    """The resources below one public URL; `is_outside` tells which others there are.

    `has_streams` is false where several processes serve: MCP over HTTP+SSE needs a single one.
    """

    def __init__(
        self,
        public_url: str,
        is_outside: Callable[[str], bool] = lambda _identifier: False,
        *,
        has_streams: bool = True,
    ) -> None:
        self.public_url = public_url
        self.has_streams = has_streams
        self._is_outside = is_outside

    def url(self, path: str) -> str:
        """Give a resource's identifier: what its metadata says, and what a client asks for."""
        return self.public_url + path

    def metadata_url(self, path: str) -> str:
        """Give where a resource's metadata are found (RFC 9728 §3.1)."""
        return f"{self.public_url}/.well-known/oauth-protected-resource{path}"

    def audience(self, requested: str) -> str | None:
        """Give what a token for the requested resource is bound to: None is the whole app.

        Both MCP transports are one audience. Scheme and host compare without case, and one
        slash at the end is let through (RFC 3986 §6.2). An outside one is named to the letter.

        Raises:
            ValueError: it is not a resource of this deployment.
        """
        parts = urlsplit(requested)
        origin = f"{parts.scheme}://{parts.netloc}".lower()
        path = parts.path.removesuffix("/")
        extra = parts.query or parts.fragment or "#" in requested or "?" in requested
        if origin != self.public_url.lower() or extra or path not in {ROOT, API, MCP, SSE}:
            if self._is_outside(requested):
                return requested
            raise ValueError("no such resource")
        if path == ROOT:
            return None
        return self.url(MCP if path == SSE else path)

    def is_own(self, bound_to: str | None) -> bool:
        """Tell whether what a token is bound to is this app, or a part of it."""
        return bound_to is None or bound_to.removesuffix("/") in {self.url(API), self.url(MCP)}

    def admits(self, bound_to: str | None, path: str) -> bool:
        """Tell whether a token bound to this resource may be used at an entrance."""
        entrance = self.url(MCP if path in _OF_MCP else path)
        return bound_to is None or bound_to.removesuffix("/") == entrance
