"""The whole product as one ASGI app: MCP's own addresses here, everything else Flask's."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

from flask import Flask
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Message, Receive, Scope, Send

from app.core.errors import Busy, TooManyCalls
from app.core.resource import MCP, SSE
from app.identity.cookies import CookieSessions
from app.mcp import body
from app.mcp.answers import Disconnected, Refused, guarded, no_content
from app.mcp.bridge import Bridge
from app.mcp.connection import IS_OVERLOADED
from app.mcp.gate import PRINCIPAL, Gate, Road
from app.mcp.server import server_of
from app.mcp.threads import Threads
from app.surfaces import cross_origin
from app.surfaces.cross_origin import MESSAGES, CrossOrigin
from app.surfaces.mcp import Tools

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
        self._cross_origin: CrossOrigin = built["cross_origin"]
        self._gate = Gate(
            Road(built["bearer"], tools, built["pipeline"], built["resources"]),
            built["cross_origin"],
            partial(_has_sign_in, app),
            built["shares"].calls,
        )
        self._server = server_of(tools)
        # Stateless: any worker answers any request, and a restart loses nothing.
        self._streamable = StreamableHTTPSessionManager(
            self._server, stateless=True, json_response=True
        )
        self._sse = SseServerTransport(MESSAGES)
        self._streams: Counter[int] = Counter()
        self._bridge = Bridge(app, Threads(_THREADS, _MOST_THREADS))
        streamable = Entrance(MCP, "POST", self._streamable.handle_request)
        messages = Entrance(SSE, "POST", self._sse.handle_post_message)
        self._entrances = {
            MCP: streamable,
            f"{MCP}/": streamable,
            SSE: Entrance(SSE, "GET", self._serve_stream),
            MESSAGES: messages,
            MESSAGES.rstrip("/"): messages,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        headers = Headers(scope=scope)
        cors, is_for_programs = self._cross_origin, cross_origin.is_for_programs(scope["path"])
        more = cors.headers(headers.get("origin")) if is_for_programs else {}
        guarded_send = guarded(send, more)
        try:
            if is_for_programs and _is_preflight(scope, headers):
                # Also while there are too many connections: the page then reads that.
                await no_content(guarded_send, cors.preflight_headers(headers["origin"]))
            elif scope.get(IS_OVERLOADED):
                raise _overloaded()
            else:
                await self._serve(scope, receive, send, guarded_send)
        except Refused as refusal:
            await refusal.answer(scope, receive, guarded_send)
        except (TooManyCalls, Busy) as refusal:
            await _later(refusal).answer(scope, receive, guarded_send)
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

    async def _serve(self, scope: Scope, receive: Receive, send: Send, guarded_send: Send) -> None:
        entrance = self._entrances.get(scope["path"])
        if entrance is None:
            await self._serve_flask(scope, receive, send)
        elif scope["method"] == "OPTIONS":
            await no_content(guarded_send, {"Allow": f"{entrance.method}, OPTIONS"})
        else:
            await self._serve_mcp(entrance, scope, receive, guarded_send)

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
        if not scope["query_string"].isascii():
            raise Refused(400, "bad_request", "Percent-encode what is not ASCII in the address.")
        content = await body.read(scope, receive)
        await self._bridge.serve(scope, content, _until_gone(send))


def _has_sign_in(app: Flask, cookies: str) -> bool:
    sessions = cast("CookieSessions", app.session_interface)
    cookie = cookie_parser(cookies).get(sessions.get_cookie_name(app), "")
    return sessions.has_sign_in(app, cookie)


def _later(refusal: TooManyCalls | Busy) -> Refused:
    wait = {"Retry-After": str(refusal.retry_after)}
    return Refused(refusal.status, refusal.code, refusal.message, wait)


def _overloaded() -> Refused:
    detail = "Too many connections are open. Try again in a second."
    # The connection makes room for another one.
    return Refused(503, "overloaded", detail, {"Retry-After": "1", "Connection": "close"})


def _is_preflight(scope: Scope, headers: Headers) -> bool:
    requested_method = headers.get("access-control-request-method")
    return cross_origin.is_preflight(scope["method"], headers.get("origin"), requested_method)


def _until_gone(send: Send) -> Send:
    """Give a `send` that notices when the client has gone in the middle of the answer."""

    async def send_until_gone(message: Message) -> None:
        try:
            await send(message)
        except RuntimeError as error:
            # The event loop's word for a connection that is closed.
            raise Disconnected from error

    return send_until_gone
