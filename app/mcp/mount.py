"""The whole product as one ASGI app: MCP's own addresses here, everything else Flask's."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import cast

import anyio
from flask import Flask
from mcp.server.sse import SseServerTransport
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.datastructures import Headers, QueryParams
from starlette.requests import cookie_parser
from starlette.types import Message, Receive, Scope, Send

from app.core import credentials
from app.core.errors import Busy, TooManyCalls
from app.core.resource import MCP, MCP_SLASH, SSE, Resources
from app.identity.bearer import Bearer, token_in
from app.identity.cookies import CookieSessions
from app.mcp import accept, batch, body, jsonrpc
from app.mcp.answers import Disconnected, Refused, StaticRefusal, guarded, no_content
from app.mcp.bridge import Bridge
from app.mcp.connection import IS_OVERLOADED
from app.mcp.gate import PRINCIPAL, Gate, Road
from app.mcp.server import server_of
from app.mcp.streams import CHECK_INTERVAL_SECONDS, Streams, noting_session, until_invalid
from app.mcp.threads import Threads
from app.surfaces import cross_origin, page_messages
from app.surfaces.cross_origin import MESSAGES, CrossOrigin
from app.surfaces.error_format import ErrorFormat, error_format, static_error
from app.surfaces.mcp import Tools

_THREADS = 3
_MOST_THREADS = 16
# Where an error is no problem document.
_STATIC_FORMATS = (ErrorFormat.PAGE, ErrorFormat.OAUTH)

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Entrance:
    """An address of MCP: the resource it belongs to, its one method, and what serves it."""

    resource: str
    method: str
    serve: Handler


class Mount:
    """Serves MCP by itself and everything else by Flask."""

    def __init__(
        self, app: Flask, *, check_streams_every_seconds: float = CHECK_INTERVAL_SECONDS
    ) -> None:
        built = app.extensions
        tools = Tools(built["pipeline"])
        self._cross_origin: CrossOrigin = built["cross_origin"]
        self._gate = Gate(
            Road(built["bearer"], tools, built["pipeline"], built["resources"]),
            built["cross_origin"],
            partial(_has_sign_in, app),
            built["shares"].calls,
        )
        self._resources: Resources = built["resources"]
        self._server = server_of(tools, self._resources)
        # Stateless: any worker answers any request, and a restart loses nothing.
        self._streamable = StreamableHTTPSessionManager(
            self._server, stateless=True, json_response=True
        )
        self._sse = SseServerTransport(MESSAGES)
        bearer: Bearer = built["bearer"]
        self._streams = Streams(bearer.valid_tokens, interval_seconds=check_streams_every_seconds)
        self._bridge = Bridge(app, Threads(_THREADS, _MOST_THREADS))
        messages = Entrance(SSE, "POST", self._serve_messages)
        self._entrances = {
            MCP: Entrance(MCP, "POST", self._serve_streamable),
            MCP_SLASH: Entrance(MCP_SLASH, "POST", self._serve_streamable),
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
                raise self._overloaded(scope)
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
        async with self._streamable.run(), anyio.create_task_group() as tasks:
            tasks.start_soon(self._streams.close_invalid)
            yield
            tasks.cancel_scope.cancel()

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
        if entrance.resource == SSE and not self._resources.has_streams:
            raise _no_streams(self._resources)
        content = b""
        try:
            if scope["method"] == "POST":
                content = await body.read(scope, receive)
                receive = body.replayed(content, receive)
            admitted = await self._gate.admitted(
                scope, receive, entrance.resource, entrance.method
            )
            await entrance.serve(*admitted, send)
        except (Refused, TooManyCalls, Busy) as error:
            refusal = error if isinstance(error, Refused) else _later(error)
            if entrance.resource == SSE or scope["method"] != "POST":
                raise refusal from None
            raise jsonrpc.with_error_body(refusal, content) from None

    def _overloaded(self, scope: Scope) -> Refused:
        detail = "Too many connections are open. Try again in a second."
        # The connection makes room for another one.
        headers = {"Retry-After": "1", "Connection": "close"}
        refusal = Refused(503, "overloaded", detail, headers)
        if error_format(scope["path"]) in _STATIC_FORMATS:
            return _static(refusal, scope)
        entrance = self._entrances.get(scope["path"])
        if entrance is None or entrance.resource == SSE or scope["method"] != "POST":
            return refusal
        # Nothing of the body is read: the error has no id.
        return jsonrpc.with_error_body(refusal, b"")

    async def _serve_streamable(self, scope: Scope, receive: Receive, send: Send) -> None:
        serve_one = self._streamable.handle_request
        scope = accept.checked(scope)
        if batch.BATCH in scope:
            await batch.serve(serve_one, scope, receive, send)
        else:
            await serve_one(scope, receive, send)

    async def _serve_messages(self, scope: Scope, receive: Receive, send: Send) -> None:
        session_id = QueryParams(scope["query_string"]).get("session_id", "")
        self._streams.renew(session_id, scope[PRINCIPAL], _token_digest(scope))
        serve_one = self._sse.handle_post_message
        if batch.BATCH in scope:
            await batch.serve(serve_one, scope, receive, send)
        else:
            await serve_one(scope, receive, send)

    async def _serve_stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        options = self._server.create_initialization_options()
        with self._streams.opened(scope[PRINCIPAL], _token_digest(scope)) as stream:
            receive_valid, send_noting = (
                until_invalid(stream, receive),
                noting_session(stream, send),
            )
            async with self._sse.connect_sse(scope, receive_valid, send_noting) as streams:
                incoming, outgoing = streams
                await self._server.run(incoming, outgoing, options)
            if stream.invalid.is_set():
                # What is left of the response: its end.
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _serve_flask(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            content = await _content(scope, receive)
            await self._bridge.serve(scope, content, _until_gone(send))
        except (Refused, TooManyCalls, Busy) as refusal:
            if error_format(scope["path"]) not in _STATIC_FORMATS:
                raise
            await _static(refusal, scope).answer(scope, receive, guarded(send, {}))


def _has_sign_in(app: Flask, cookies: str) -> bool:
    sessions = cast("CookieSessions", app.session_interface)
    cookie = cookie_parser(cookies).get(sessions.get_cookie_name(app), "")
    return sessions.has_sign_in(app, cookie)


def _later(refusal: TooManyCalls | Busy) -> Refused:
    wait = {"Retry-After": str(refusal.retry_after)}
    return Refused(refusal.status, refusal.code, refusal.message, wait)


def _is_preflight(scope: Scope, headers: Headers) -> bool:
    requested_method = headers.get("access-control-request-method")
    return cross_origin.is_preflight(scope["method"], headers.get("origin"), requested_method)


def _no_streams(resources: Resources) -> Refused:
    detail = (
        "This server runs several worker processes, and MCP over HTTP+SSE works with one only. "
        f"Connect to {resources.url(MCP)} instead."
    )
    return Refused(501, "not_implemented", detail)


def _token_digest(scope: Scope) -> bytes:
    return credentials.digest(token_in(Headers(scope=scope).get("authorization")) or "")


async def _content(scope: Scope, receive: Receive) -> bytes:
    if not scope["query_string"].isascii():
        raise Refused(400, "bad_request", "Percent-encode what is not ASCII in the address.")
    return await body.read(scope, receive)


def _static(refusal: Refused | TooManyCalls | Busy, scope: Scope) -> Refused:
    """Return the same refusal as OAuth's error, a page, or a notice above the user's page."""
    refused = refusal if isinstance(refusal, Refused) else _later(refusal)
    is_htmx = Headers(scope=scope).get("hx-request") == "true"
    detail = page_messages.detail(refused.status)
    headers, content = static_error(scope["path"], refused.status, detail, is_partial=is_htmx)
    return StaticRefusal(refused.status, content, {**headers, **refused.headers})


def _until_gone(send: Send) -> Send:
    """Give a `send` that notices when the client has gone in the middle of the answer."""

    async def send_until_gone(message: Message) -> None:
        try:
            await send(message)
        except RuntimeError as error:
            # The event loop's word for a connection that is closed.
            raise Disconnected from error

    return send_until_gone
