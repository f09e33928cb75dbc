"""One HTTP connection: how much, and how long, its client may take until a request is whole."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.surfaces import page_messages
from app.surfaces.error_format import static_error

# Where the ASGI scope tells that there is no room for this request.
IS_OVERLOADED = "latchkey.is_overloaded"
# Below the 1024 files that a process may have open where nobody has said otherwise.
MAX_CONNECTIONS = 800


class HeadTooLarge(Exception):
    """The request line, the header fields or the trailers go on and on."""


class Connection(HttpToolsProtocol):
    """Uvicorn's connection, whose parser by itself takes heads of any size, for any time."""

    # Not uvicorn's own limit: its answer has no header that lets another origin's page read it.
    most_connections = MAX_CONNECTIONS
    # A `state` of 16 KiB is 48 KiB where each of its characters is escaped, and 80 KiB where the
    # whole URL is escaped again, as the page to go to after signing in.
    largest_head = 96 * 1024
    # Seconds, from the connection's or the request's beginning to the end of the head.
    head_takes: float = 10
    # Seconds that an answer may lie here because the client reads nothing of it.
    unread_for: float = 30

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deadline: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None
        self._is_head_open = False
        self._received = 0
        self._parsed = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # uvicorn's own
        """Begin to wait for the first request."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop waiting."""
        self._stop_waiting()
        self._stop_counting()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Hold the answer back, for a while: the client does not read what it was sent."""
        super().pause_writing()
        self._stop_counting()
        # To close would wait until it has read the rest.
        self._unread = self.loop.call_later(self.unread_for, self.transport.abort)

    def resume_writing(self) -> None:
        """Go on: the client reads again."""
        self._stop_counting()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Parse what came; a line that has no end yet is held by the parser, and counted here."""
        super().data_received(data)
        if self._is_head_open:
            self._received += len(data)
            if self._received > self.largest_head and not self.transport.is_closing():
                self.send_400_response("The request's head is too large.")

    def on_message_begin(self) -> None:
        """Begin a request."""
        super().on_message_begin()
        self._is_head_open = True
        self._received = self._parsed = 0
        self._wait_for_head()

    def on_url(self, url: bytes) -> None:
        """Take a part of the request line."""
        self._count(url)
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header field, and leave a trailer: it is no header field (RFC 9110 §6.5.1)."""
        self._count(name, value)
        if self._is_head_open:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Begin to answer."""
        self._is_head_open = False
        self._stop_waiting()
        if len(self.connections) > self.most_connections:
            self.logger.warning("Too many connections are open.")
            cast("dict[str, Any]", self.scope)[IS_OVERLOADED] = True
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own words are for nobody
        """Answer what cannot be read: with a page, for whoever looks at it."""
        headers, content = static_error("/", 400, page_messages.detail(400))
        sent = {**headers, "Content-Length": str(len(content)), "Connection": "close"}
        lines = ["HTTP/1.1 400 Bad Request", *(f"{name}: {value}" for name, value in sent.items())]
        self.transport.write("\r\n".join([*lines, "", ""]).encode("latin-1") + content)
        self.transport.close()

    def _count(self, *parts: bytes) -> None:
        self._parsed += sum(map(len, parts))
        if self._parsed > self.largest_head:
            # The parser stops at it, and uvicorn answers with a 400.
            raise HeadTooLarge

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(self.head_takes, self._give_up)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _stop_counting(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _give_up(self) -> None:
        self.transport.close()
