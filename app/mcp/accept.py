"""The `Accept` header of requests to `/mcp`."""

from starlette.datastructures import Headers
from starlette.types import Scope

from app.mcp.answers import Refused

_ACCEPTED = frozenset({"*/*", "application/*", "application/json"})


def checked(scope: Scope) -> Scope:
    """Return the request with an `Accept` header that admits what `/mcp` answers.

    RFC 9110 §12.5.1: without one, any media type is acceptable.

    Raises:
        Refused: it admits no JSON.
    """
    accept = Headers(scope=scope).getlist("accept")
    types = {part.partition(";")[0].strip().lower() for line in accept for part in line.split(",")}
    if types <= {""}:
        headers = [(name, value) for name, value in scope["headers"] if name != b"accept"]
        return {**scope, "headers": [*headers, (b"accept", b"*/*")]}
    if _ACCEPTED.isdisjoint(types):
        raise Refused(406, "not_acceptable", "Accept application/json: it is all this sends.")
    return scope
