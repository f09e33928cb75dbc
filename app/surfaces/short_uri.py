"""URIs for lists: their host in full, and of a long path its two ends."""

import re

MAX_CHARS = 60
_END_CHARS = 12
# RFC 3986 appendix B: scheme and authority.
_ORIGIN = re.compile(r"[^:/?#]+:(?://[^/?#]*)?")


def short_uri(uri: str) -> str:
    """Return a URI as it is, or its origin with the two ends of what follows."""
    origin = _ORIGIN.match(uri)
    end = origin.end() if origin else 0
    if len(uri) <= MAX_CHARS or len(uri) - end <= 2 * _END_CHARS + 1:
        return uri
    return f"{uri[: end + _END_CHARS]}…{uri[-_END_CHARS:]}"
