"""Fetching what a stranger names, without being led into our own network (RFC 9700 §4.11.3)."""

import ipaddress
import json
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import cache
from threading import Thread, Timer
from typing import Any
from urllib.parse import urlsplit

import httpx2

from app.core.errors import Busy
from app.oauth.fetch_queue import FetchQueue, Place, Requester

# Seconds for all of it, and bytes.
WITHIN = 5.0
LARGEST = 64 * 1024
# Seconds that a document holds without asking again: the least, by default, and the most.
_LEAST, _DEFAULT, _MOST = 60, 3600, 24 * 3600
_MAX_AGE = re.compile(r"(?:^|,)\s*max-age=([0-9]{1,9})\s*(?:,|$)", re.IGNORECASE)
_HTTPS = 443
_OK, _TOO_MANY_REQUESTS, _SERVER_ERROR = 200, 429, 500
# At the most that a copy is used past its end, where its server does not answer.
MAX_STALE_SECONDS = 24 * 3600
_NOT_STALE = re.compile(r"(?:^|[,\s])(?:no-store|no-cache|must-revalidate)\b", re.IGNORECASE)
_STALE_IF_ERROR = re.compile(r"(?:^|,)\s*stale-if-error=([0-9]{1,9})\s*(?:,|$)", re.IGNORECASE)
_SERVER = Requester("")


class NotFetched(Exception):
    """The document could not be had; the message says why."""


class Unreachable(NotFetched):
    """No answer came that says anything about the document: an earlier copy may be used.

    RFC 9111 §4.2.4, §4.3.3: that is so when the server cannot be reached, or answers with a 5xx.
    Any other answer (404, 410, a redirect, something else than a document) is its word.
    """


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object, and the headers that it came with."""

    members: dict[str, Any]
    headers: Mapping[str, str]

    @property
    def lasts(self) -> int:
        """For how many seconds it holds without asking again (RFC 9111 §4.2.1, §5.2.2)."""
        said = self.headers.get("cache-control", "")
        if "no-store" in said.lower() or "no-cache" in said.lower():
            return _LEAST
        age = _MAX_AGE.search(said)
        wanted = int(age[1]) if age else self._until_it_expires()
        return min(max(wanted, _LEAST), _MOST)

    @property
    def stale_seconds(self) -> int:
        """How long past its end a copy may be used while its server does not answer.

        RFC 9111 §4.2.4 forbids it where the headers do; RFC 5861 §4 lets them say how long.
        """
        directives = self.headers.get("cache-control", "")
        if _NOT_STALE.search(directives):
            return 0
        limit = _STALE_IF_ERROR.search(directives)
        return min(int(limit[1]), MAX_STALE_SECONDS) if limit else MAX_STALE_SECONDS

    def _until_it_expires(self) -> int:
        expires, date = self.headers.get("expires"), self.headers.get("date")
        if not expires or not date:
            return _DEFAULT
        try:
            left = parsedate_to_datetime(expires) - parsedate_to_datetime(date)
        except (ValueError, TypeError, OverflowError):
            # RFC 9111 §5.3: what is no date is over already.
            return _LEAST
        return int(left.total_seconds())


class Fetcher:
    """Fetches JSON documents over HTTPS, from public addresses unless `is_private_allowed`."""

    def __init__(
        self, *, is_private_allowed: bool = False, trusted: ssl.SSLContext | None = None
    ) -> None:
        self._is_private_allowed = is_private_allowed
        self._trusted = trusted
        self._queue = FetchQueue()

    def document(
        self, url: str, requester: Requester = _SERVER, *, waits: bool = True
    ) -> Document:
        """Give the document at an https URL; `waits` says whether to queue for it.

        Raises:
            NotFetched: it is not there, too large, too slow, no JSON object, or not public.
            Busy: too many are being fetched.
        """
        place = self._queue.enter(urlsplit(url).hostname or "", requester, waits=waits)
        fetched: Future[Document] = Future()
        # In a thread of its own: neither a name's look-up nor a read can be ended from outside.
        # It leaves the queue itself, because a thread that hangs still holds its place.
        thread = Thread(target=self._fetch, args=(url, fetched, place), daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the system has no thread left
            self._queue.leave(place)
            raise Busy("Too many documents are being read. Try again in a moment.") from error
        try:
            return fetched.result(WITHIN)
        except TimeoutError as error:
            raise Unreachable("The document came too slowly.") from error

    def _fetch(self, url: str, fetched: Future[Document], place: Place) -> None:
        try:
            fetched.set_result(self._fetched(url))
        except BaseException as error:  # noqa: BLE001 - it is raised again, where it is waited for
            fetched.set_exception(error)
        finally:
            self._queue.leave(place)

    def _fetched(self, url: str) -> Document:
        # The name is resolved once, and the connection made to that very address.
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _HTTPS
        address = self._resolved(host, port)
        shown = f"[{address}]" if ":" in address else address
        # The certificate is that of the name, though the connection goes to the address.
        request = httpx2.Request(
            "GET",
            parts._replace(netloc=f"{shown}:{port}").geturl(),
            headers={"Host": parts.netloc, "Accept": "application/json"},
            extensions={"sni_hostname": host, "timeout": dict.fromkeys(_TIMES, WITHIN)},
        )
        try:
            with (
                httpx2.Client(verify=self._trusted or _system_trust(), trust_env=False) as client,
                # Each byte in time would still let the whole take for ever.
                _ended_after(WITHIN, client),
            ):
                response = client.send(request, stream=True, follow_redirects=False)
                return Document(_read(response), response.headers)
        except (httpx2.HTTPError, httpx2.InvalidURL, RuntimeError, OSError) as error:
            raise Unreachable(f"{host} did not give the document.") from error

    def _resolved(self, host: str, port: int) -> str:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"There is no host {host}.") from error
        addresses = [str(entry[4][0]) for entry in found]
        if not self._is_private_allowed and not all(map(_is_public, addresses)):
            raise Unreachable(f"{host} is not on the public network.")
        return addresses[0]


@cache
def _system_trust() -> ssl.SSLContext:
    # Reading the certificates takes 20 ms: not at each start, and once a process.
    return ssl.create_default_context()


@contextmanager
def _ended_after(seconds: float, client: httpx2.Client) -> Iterator[None]:
    timer = Timer(seconds, client.close)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


_TIMES = ("connect", "read", "write", "pool")


def _is_public(address: str) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        # An IPv4 address in IPv6 clothes leads where that one does.
        inner = found.sixtofour or (found.teredo or (None, None))[1]
        if inner is not None or found not in _UNICAST or any(found in net for net in _RESERVED):
            return False
    return found.is_global and not found.is_multicast


# What is given out (RFC 4291 §2.4), and what of it leads nowhere (RFC 9637, RFC 9602).
_UNICAST = ipaddress.IPv6Network("2000::/3")
_RESERVED = (ipaddress.IPv6Network("3fff::/20"), ipaddress.IPv6Network("5f00::/16"))


def _read(response: httpx2.Response) -> dict[str, Any]:
    if response.status_code == _TOO_MANY_REQUESTS or response.status_code >= _SERVER_ERROR:
        raise Unreachable(f"The document's server answered {response.status_code}.")
    if response.status_code != _OK:
        raise NotFetched(f"The document's server answered {response.status_code}.")
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise NotFetched("The document is not JSON.")
    content = b""
    for part in response.iter_raw(4096):
        content += part
        if len(content) > LARGEST:
            raise NotFetched("The document is too large.")
    try:
        members = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise NotFetched("The document is not JSON.") from error
    if not isinstance(members, dict):
        raise NotFetched("The document is no JSON object.")
    return members
