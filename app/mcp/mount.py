"""The whole product as one ASGI app: MCP's own addresses here, everything else Flask's."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from flask import Flask
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from app.core.errors import Busy, TooManyCalls
from app.core.resource import MCP, SSE
from app.mcp import body
from app.mcp.answers import Disconnected, Refused, RefusedPage, guarded
from app.mcp.bridge import Bridge
from app.mcp.gate import PRINCIPAL, Gate, Road
from app.mcp.server import server_of
from app.mcp.threads import Threads
from app.surfaces import page_messages
from app.surfaces.error_format import ErrorFormat, error_format, static_error
from app.surfaces.mcp import Tools

_MESSAGES = "/messages/"
_THREADS = 3
_MOST_THREADS = 16
_STREAMS_AT_ONCE = 10

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Entrance:
    """An address of MCP: the resource it belongs to, its one method, and what serves it."""

    resource: str
    method: str
    serve: Handler


class Mount:
    """Serves MCP by itself and everything else by Flask."""

    def __init__(self, app: Flask) -> None:
        built = app.extensions
        tools = Tools(built["pipeline"])
        self._gate = Gate(
            Road(built["bearer"], tools, built["pipeline"], built["resources"]),
            built["settings"],
            app.config["SESSION_COOKIE_NAME"],
            built["shares"].calls,
        )
        self._server = server_of(tools)
        # Stateless: any worker answers any request, and a restart loses nothing.
        self._streamable = StreamableHTTPSessionManager(
            self._server, stateless=True, json_response=True
        )
        self._sse = SseServerTransport(_MESSAGES)
        self._streams: Counter[int] = Counter()
        self._bridge = Bridge(app, Threads(_THREADS, _MOST_THREADS))
        streamable = Entrance(MCP, "POST", self._streamable.handle_request)
        messages = Entrance(SSE, "POST", self._sse.handle_post_message)
        self._entrances = {
            MCP: streamable,
            f"{MCP}/": streamable,
            SSE: Entrance(SSE, "GET", self._serve_stream),
            _MESSAGES: messages,
            _MESSAGES.rstrip("/"): messages,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        entrance = self._entrances.get(scope["path"])
        try:
            if entrance is None:
                await self._serve_flask(scope, receive, send)
            else:
                await self._serve_mcp(entrance, scope, receive, guarded(send))
        except Refused as refusal:
            await refusal.answer(scope, receive, guarded(send))
        except (TooManyCalls, Busy) as refusal:
            await _later(refusal).answer(scope, receive, guarded(send))
        except Disconnected:
            return

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the transports alive; once per mount."""
        async with self._streamable.run():
            yield

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with self.running():
            await send({"type": "lifespan.startup.complete"})
            await receive()
        await send({"type": "lifespan.shutdown.complete"})

    async def _serve_mcp(
        self, entrance: Entrance, scope: Scope, receive: Receive, send: Send
    ) -> None:
        admitted = await self._gate.admitted(scope, receive, entrance.resource, entrance.method)
        await entrance.serve(*admitted, send)

    async def _serve_stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        options = self._server.create_initialization_options()
        with self._one_stream_more(scope[PRINCIPAL].grant_id):
            async with self._sse.connect_sse(scope, receive, send) as (incoming, outgoing):
                await self._server.run(incoming, outgoing, options)

    @contextmanager
    def _one_stream_more(self, grant_id: int) -> Iterator[None]:
        """Count a grant's open streams: each holds a connection for as long as it likes."""
        if self._streams[grant_id] >= _STREAMS_AT_ONCE:
            raise Refused(429, "too_many_requests", "Too many open streams. Close one first.")
        self._streams[grant_id] += 1
        try:
            yield
        finally:
            self._streams[grant_id] -= 1
            self._streams += Counter()  # forgets the grants that have none left

    async def _serve_flask(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            content = await _content(scope, receive)
            await self._bridge.serve(scope, content, _until_gone(send))
        except (Refused, TooManyCalls, Busy) as refusal:
            if error_format(scope["path"]) is not ErrorFormat.PAGE:
                raise
            await _error_page(refusal, scope).answer(scope, receive, guarded(send))


def _later(refusal: TooManyCalls | Busy) -> Refused:
    wait = {"Retry-After": str(refusal.retry_after)}
    return Refused(refusal.status, refusal.code, refusal.message, wait)


async def _content(scope: Scope, receive: Receive) -> bytes:
    if not scope["query_string"].isascii():
        raise Refused(400, "bad_request", "Percent-encode what is not ASCII in the address.")
    return await body.read(scope, receive)


def _error_page(refusal: Refused | TooManyCalls | Busy, scope: Scope) -> Refused:
    """Return the same refusal in words for people, as a page or as a notice above theirs."""
    refused = refusal if isinstance(refusal, Refused) else _later(refusal)
    is_htmx = Headers(scope=scope).get("hx-request") == "true"
    detail = page_messages.detail(refused.status)
    headers, content = static_error(scope["path"], refused.status, detail, is_partial=is_htmx)
    return RefusedPage(refused.status, content, {**headers, **refused.headers})


def _until_gone(send: Send) -> Send:
    """Give a `send` that notices when the client has gone in the middle of the answer."""

    async def send_until_gone(message: Message) -> None:
        try:
            await send(message)
        except RuntimeError as error:
            # The event loop's word for a connection that is closed.
            raise Disconnected from error

    return send_until_gone
