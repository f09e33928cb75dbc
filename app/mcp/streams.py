"""Open HTTP+SSE streams: how many there may be, and for how long each stays open."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio
import anyio.to_thread
from starlette.types import Message, Receive, Send

from app.core.principal import Principal
from app.mcp.answers import Refused
from app.mcp.connection import MAX_CONNECTIONS

log = logging.getLogger(__name__)

MAX_STREAMS_PER_USER: Final = 10
# The other half is for pages, calls and health checks.
MAX_STREAMS: Final = MAX_CONNECTIONS // 2
# How long a stream may outlive its token: each check is one query for all streams.
CHECK_INTERVAL_SECONDS: Final = 5
_RETRY_AFTER_SECONDS: Final = 30

# Returns those of some tokens, by their digests, that are still valid.
FindValid = Callable[[frozenset[bytes]], frozenset[bytes]]


@dataclass(eq=False, slots=True)
class Stream:
    """An open stream: whose it is, and the last token that its client presented."""

    user_id: int | None
    client_id: str | None
    token_digest: bytes
    session_id: str = ""
    invalid: anyio.Event = field(default_factory=anyio.Event)


class Streams:
    """The open streams of this process."""

    def __init__(
        self, find_valid: FindValid, *, interval_seconds: float = CHECK_INTERVAL_SECONDS
    ) -> None:
        self._find_valid = find_valid
        self._interval_seconds = interval_seconds
        self._open: set[Stream] = set()
        self._per_user: Counter[int | None] = Counter()

    @contextmanager
    def opened(self, principal: Principal, token_digest: bytes) -> Iterator[Stream]:
        """Count a stream for as long as the block runs.

        Raises:
            Refused: the user, or this process, has too many.
        """
        self._check_room(principal.user_id)
        stream = Stream(principal.user_id, principal.client_id, token_digest)
        self._open.add(stream)
        self._per_user[stream.user_id] += 1
        try:
            yield stream
        finally:
            self._open.discard(stream)
            self._per_user[stream.user_id] -= 1
            self._per_user += Counter()  # forgets the users that have none left

    def renew(self, session_id: str, principal: Principal, token_digest: bytes) -> None:
        """Note a newer token of a stream's client: a refreshed one keeps the stream open."""
        for stream in self._open:
            is_owner = (stream.user_id, stream.client_id) == (
                principal.user_id,
                principal.client_id,
            )
            if stream.session_id == session_id and is_owner:
                stream.token_digest = token_digest

    async def close_invalid(self) -> None:
        """Close streams whose token, client or user is no longer valid; runs until cancelled."""
        while True:
            await anyio.sleep(self._interval_seconds)
            digests = frozenset(stream.token_digest for stream in self._open)
            if not digests:
                continue
            try:
                valid = await anyio.to_thread.run_sync(self._find_valid, digests)
            except Exception:
                # Raised here, it would end the server.
                log.exception("could not check the tokens of open streams")
                continue
            for stream in self._open:
                if stream.token_digest in digests - valid:
                    stream.invalid.set()

    def _check_room(self, user_id: int | None) -> None:
        if self._per_user[user_id] >= MAX_STREAMS_PER_USER:
            detail = f"You have {MAX_STREAMS_PER_USER} open streams. Close one, or use /mcp."
            raise Refused(429, "too_many_requests", detail, _RETRY)
        if len(self._open) >= MAX_STREAMS:
            detail = f"Too many open streams. Try again in {_RETRY_AFTER_SECONDS} seconds."
            raise Refused(503, "busy", f"{detail} Or use /mcp, which needs none.", _RETRY)


_RETRY = {"Retry-After": str(_RETRY_AFTER_SECONDS)}


def until_invalid(stream: Stream, receive: Receive) -> Receive:
    """Return a `receive` that reports a disconnect when the stream becomes invalid.

    The SDK then releases what it holds, which it does not where its task is cancelled.
    """

    async def receive_until_invalid() -> Message:
        message: Message = {"type": "http.disconnect"}
        async with anyio.create_task_group() as tasks:

            async def wait() -> None:
                await stream.invalid.wait()
                tasks.cancel_scope.cancel()

            tasks.start_soon(wait)
            message = await receive()
            tasks.cancel_scope.cancel()
        return message

    return receive_until_invalid


def noting_session(stream: Stream, send: Send) -> Send:
    """Return a `send` that reads the session's id from the stream's first event."""

    async def send_noting(message: Message) -> None:
        if not stream.session_id and message["type"] == "http.response.body":
            _, _, rest = message.get("body", b"").partition(b"session_id=")
            stream.session_id = rest.split()[0].decode() if rest else ""
        await send(message)

    return send_noting
