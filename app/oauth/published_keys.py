"""The keys that clients publish at an address of theirs: `jwks_uri` (RFC 7591 §2)."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from app.core.errors import Busy
from app.core.share import Share
from app.oauth import signatures
from app.oauth.fetch_queue import Requester
from app.oauth.fetching import Fetcher, NotFetched, Unreachable

# Seconds after which a key that is not there may have come.
_AGAIN_AFTER = 60
# Of sets that are kept, and of keys in one.
_MOST = 200
_MOST_KEYS = 50
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class _Known:
    """A key set as it was read; times are in seconds since the epoch."""

    jwks: dict[str, Any]
    at: int
    until: int
    stale_until: int


class PublishedKeys:
    """Reads key sets, and keeps them in this process for as long as their headers say."""

    def __init__(
        self, fetcher: Fetcher, share: Share, now: Callable[[], float] = time.time
    ) -> None:
        self._fetcher = fetcher
        self._share = share
        self._now = now
        self._known: dict[str, _Known] = {}
        # When the last attempt for a URL failed.
        self._failed_at: dict[str, int] = {}

    def at(self, url: str, requester: Requester) -> Iterator[dict[str, Any]]:
        """Give the key set as it was last read; then, for who misses a key, as it is now.

        While its server does not answer, the set is used past its end (RFC 9111 §4.2.4). Only a
        set that was never read counts for its requester.

        Raises:
            TooManyCalls: the requester asked for too many unknown key sets.
            Busy: too many are being read.
        """
        known, now = self._known.get(url), int(self._now())
        if known is not None and known.until > now:
            yield known.jwks
            if now < known.at + _AGAIN_AFTER:
                return
        # What was never read counts for its requester; a known set is not tried at each request.
        is_due = known is None or now >= self._failed_at.get(url, 0) + _AGAIN_AFTER
        jwks = self._read(url, known, requester, now) if is_due else None
        if jwks is not None:
            yield jwks
        elif (copy := self._known.get(url)) is not None and copy.until <= now < copy.stale_until:
            yield copy.jwks

    def _read(
        self, url: str, known: _Known | None, requester: Requester, now: int
    ) -> dict[str, Any] | None:
        """Return the key set as its server has it now, or None if that fails."""
        is_usable = known is not None and now < known.stale_until
        if known is None:
            self._share.spend(requester.name)
        else:
            requester = requester.for_known_client()
        try:
            document = self._fetcher.document(url, requester, waits=not is_usable)
        except Busy:
            if not is_usable:
                raise
            return None
        except NotFetched as error:
            if not isinstance(error, Unreachable):
                # Its server says that there are no such keys any more.
                self._known.pop(url, None)
            _put(self._failed_at, url, now)
            return None
        self._failed_at.pop(url, None)
        until = now + document.lasts
        usable = _usable(document.members)
        _put(self._known, url, _Known(usable, now, until, until + document.stale_seconds))
        return usable


def _put(kept: dict[str, _Value], url: str, value: _Value) -> None:
    """Store a value, and drop the oldest where there are too many."""
    if url not in kept and len(kept) >= _MOST:
        kept.pop(next(iter(kept)), None)
    kept[url] = value


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
