"""The bearer gate: what a request must be before the MCP SDK sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import anyio.to_thread
from anyio import CapacityLimiter
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from mcp.shared.inbound import MCP_PROTOCOL_VERSION_HEADER
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS
from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import Receive, Scope

from app.core.errors import ScopeMissing, TooManyCalls
from app.core.pipeline import Pipeline
from app.core.principal import Channel, Principal
from app.core.resource import SSE, Resources
from app.core.share import Share
from app.identity.bearer import Bearer, ProofRefused, TokenRefused, token_in
from app.mcp import batch, body
from app.mcp.answers import Refused
from app.oauth.dpop import proof_of
from app.surfaces import challenge
from app.surfaces.mcp import Tools
from app.surfaces.tool_texts import SCOPE_ADVICE
from config import Settings, is_loopback

PRINCIPAL = "latchkey.principal"
# Why the tool calls of a request to a stream are not run.
REFUSAL = "latchkey.refusal"
_VERSION = MCP_PROTOCOL_VERSION_HEADER
# More threads at once only wait for one another: each lookup holds the interpreter.
_LOOKUPS = 2
_JSON = "application/json"

Given = TypeVar("Given")


@dataclass(frozen=True, slots=True)
class Road:
    """What the gate asks, in this order: who it is, what they may see, whether it may run."""

    bearer: Bearer
    tools: Tools
    pipeline: Pipeline
    resources: Resources


class Gate:
    """Stands before each MCP transport, so that they cannot differ in whom they let through."""

    def __init__(
        self,
        road: Road,
        settings: Settings,
        cookie: str,
        calls: Share,
    ) -> None:
        self._road = road
        self._cookie = cookie
        self._public_url = settings.public_url
        self._is_loopback = settings.is_loopback
        self._calls = calls
        self._lookups = CapacityLimiter(_LOOKUPS)

    async def admitted(
        self, scope: Scope, receive: Receive, entrance: str, method: str
    ) -> tuple[Scope, Receive]:
        """Give the request as a transport may see it, with its principal.

        Raises:
            Refused: it must not go on; the answer says why.
            Disconnected: there is nobody to answer.
        """
        # The HTTP parser leaves white space at the end of values (RFC 9110 §5.5).
        scope = {**scope, "headers": [(name, value.strip()) for name, value in scope["headers"]]}
        headers = Headers(scope=scope)
        self._check_origin(headers)
        principal = await self._principal(scope, headers, entrance)
        if scope["method"] != method:
            raise _not_allowed(method)
        if method == "POST":
            _check_media_type(headers)
            content = await body.read(scope, receive)
            receive = body.replayed(content, receive)
            messages, is_batch = batch.messages_in(content, headers.get(_VERSION))
            if is_batch:
                scope[batch.BATCH] = messages
            for message in messages:
                await self._check_or_defer(scope, message, principal, entrance)
        scope[PRINCIPAL] = principal
        scope["user"] = self._user(principal)
        return scope, receive

    def _check_origin(self, headers: Headers) -> None:
        """Refuse another site's page: it may have rebound its name to us (MCP, Transports)."""
        for origin in headers.getlist("origin"):
            ours = origin.lower() == self._public_url.lower()
            if not ours and not (self._is_loopback and is_loopback(origin)):
                raise Refused(403, "origin_refused", "Pages of this origin may not call here.")

    async def _principal(self, scope: Scope, headers: Headers, entrance: str) -> Principal:
        sent = headers.getlist("authorization")
        token = token_in(sent[0]) if sent else None
        if len(sent) > 1:
            raise Refused(400, "invalid_request", "Send one Authorization header.")
        if token is None:
            raise self._unauthorized(entrance)
        if any(self._cookie in cookie_parser(cookie) for cookie in headers.getlist("cookie")):
            raise Refused(
                400,
                "ambiguous_credentials",
                "This request carries a session and a bearer token. Send one of them.",
            )
        url = self._public_url + scope["path"]
        proof = proof_of(sent[0], headers.getlist("dpop"), scope["method"], url)
        try:
            return await self._in_thread(
                lambda: self._road.bearer.principal(token, Channel.MCP, entrance, proof)
            )
        except TokenRefused as fault:
            is_dpop = isinstance(fault, ProofRefused)
            raise self._unauthorized(entrance, str(fault), is_dpop=is_dpop) from None

    async def _check_or_defer(
        self, scope: Scope, message: dict[str, Any], principal: Principal, entrance: str
    ) -> None:
        """Refuse a tool call that is one too many, or beyond the token's scopes.

        On a stream the refusal is the tool's result: most clients end the session when a POST
        of theirs fails. There the pipeline refuses what is beyond the scopes.
        """
        if message.get("method") != "tools/call":
            return
        try:
            self._calls.spend(f"grant {principal.grant_id}")
        except TooManyCalls as refusal:
            if entrance != SSE:
                raise
            scope[REFUSAL] = refusal
        if entrance != SSE:
            await self._check_call(scope, message, principal, entrance)

    async def _check_call(
        self, scope: Scope, message: dict[str, Any], principal: Principal, entrance: str
    ) -> None:
        """Refuse a tool call beyond the token's scopes.

        The body's name counts, not the `Mcp-Name` header's: it is what will run.
        """
        params = message.get("params")
        name = params.get("name") if isinstance(params, dict) else None
        item = self._road.tools.find(name, principal) if isinstance(name, str) else None
        if item is None or item.public or item.is_open_to(principal.scopes):
            return
        # The road refuses it, not the gate: so it is written down like every refusal, and
        # that needs a thread.
        try:
            await self._in_thread(lambda: self._road.pipeline.check(item.name, principal, {}))
        except ScopeMissing as refusal:
            missing = ScopeMissing(item.tool_name, refusal.needed)
            version = Headers(scope=scope).get(_VERSION)
            # MCP 2025-11-25, Scope Challenge Handling: with the scopes that the token has, or
            # the client loses them. From 2026-07-28 on clients add the scopes up themselves.
            is_handshake = version is None or version in HANDSHAKE_PROTOCOL_VERSIONS
            token_scopes = principal.scopes if is_handshake else frozenset()
            header = challenge.scope_wanted(
                self._road.resources, entrance, missing, token_scopes=token_scopes
            )
            detail = f"{missing.message} {SCOPE_ADVICE}"
            raise _challenged(403, missing.code, detail, header) from None

    async def _in_thread(self, run: Callable[[], Given]) -> Given:
        """Run what asks the database.

        On the event loop a lookup would cost a fifth less. But once a minute it writes down that
        the grant is in use, and may then wait for SQLite's write lock for seconds: each stream
        and each page would wait with it.
        """
        return await anyio.to_thread.run_sync(run, limiter=self._lookups)

    def _unauthorized(
        self, entrance: str, fault: str | None = None, *, is_dpop: bool = False
    ) -> Refused:
        header = challenge.token_wanted(self._road.resources, entrance, fault, is_dpop=is_dpop)
        detail = fault or "Send an access token; WWW-Authenticate says where to get one."
        return _challenged(401, "unauthorized", detail, header)

    def _user(self, principal: Principal) -> AuthenticatedUser:
        """Give what the SDK binds a stream to: another person or client gets a 404 there."""
        return AuthenticatedUser(
            AccessToken(
                token="",  # the SDK has no use for it, and what nobody holds cannot leak
                client_id=principal.client_id or "",
                scopes=[],
                subject=str(principal.user_id),
                claims={"iss": self._public_url},
            )
        )


def _check_media_type(headers: Headers) -> None:
    if headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise Refused(415, "unsupported_media_type", f"Send {_JSON}.")


def _not_allowed(method: str) -> Refused:
    detail = f"This address answers {method} only."
    return Refused(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", detail, {"Allow": method})


def _challenged(status: int, code: str, detail: str, header: str) -> Refused:
    """Give a 401 or 403 whose challenge a script of another origin may read too.

    Harmless: cookies count for nothing here.
    """
    cors = {
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "WWW-Authenticate",
    }
    return Refused(status, code, detail, {"WWW-Authenticate": header, **cors})
