"""The keys that clients publish at an address of theirs: `jwks_uri` (RFC 7591 §2)."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.core.share import Share
from app.oauth import signatures
from app.oauth.fetching import Fetcher, NotFetched

# Seconds after which a key that is not there may have come.
_AGAIN_AFTER = 60
# Of sets that are kept, and of keys in one.
_MOST = 200
_MOST_KEYS = 50


@dataclass(frozen=True, slots=True)
class _Known:
    jwks: dict[str, Any]
    at: int
    until: int


class PublishedKeys:
    """Reads key sets, and keeps them in this process for as long as their headers say."""

    def __init__(
        self, fetcher: Fetcher, share: Share, now: Callable[[], float] = time.time
    ) -> None:
        self._fetcher = fetcher
        self._share = share
        self._now = now
        self._known: dict[str, _Known] = {}

    def at(self, url: str) -> Iterator[dict[str, Any]]:
        """Give the key set as it was last read; then, for who misses a key, as it is now.

        Raises:
            TooManyCalls: its host was asked too often.
            Busy: too many are being read.
        """
        known, now = self._known.get(url), int(self._now())
        if known is not None and known.until > now:
            yield known.jwks
            if now < known.at + _AGAIN_AFTER:
                return
        self._share.spend(f"host {urlsplit(url).hostname}")
        try:
            document = self._fetcher.document(url)
        except NotFetched:
            return
        if len(self._known) >= _MOST:
            self._known.pop(next(iter(self._known)))
        usable = _usable(document.members)
        self._known[url] = _Known(usable, now, now + document.lasts)
        yield usable


def _usable(published: dict[str, Any]) -> dict[str, Any]:
    """Give those keys of a published set that can verify here (RFC 7517 §5 ignores others)."""
    keys = published.get("keys")
    known = keys[:_MOST_KEYS] if isinstance(keys, list) else []
    return {"keys": [signatures.public_members(key) for key in known if _is_usable(key)]}


def _is_usable(key: object) -> bool:
    try:
        signatures.public_key(key)
    except ValueError:
        return False
    return True
