"""The keys that clients publish at an address of theirs: `jwks_uri` (RFC 7591 §2)."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from app.core.share import Share
from app.oauth.fetching import Fetcher, NotFetched

# Seconds after which a key that is not there may have come.
_AGAIN_AFTER = 60
_MOST = 1000


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
            self._known.clear()
        self._known[url] = _Known(document.members, now, now + document.lasts)
        yield document.members
