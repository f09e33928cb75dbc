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
from app.surfaces.cross_origin import CrossOrigin, OriginRefused
from app.surfaces.mcp import Tools
from app.surfaces.tool_texts import SCOPE_ADVICE

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
        cross_origin: CrossOrigin,
        has_sign_in: Callable[[str], bool],
        calls: Share,
    ) -> None:
        self._road = road
        self._cross_origin = cross_origin
        self._has_sign_in = has_sign_in
        self._public_url = road.resources.public_url
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

    def _check_origin(self, headers: Headers, *, has_token: bool) -> None:
        """Refuse a page that may not call here, or whose host was rebound to this one."""
        rules, host = self._cross_origin, headers.get("host", "")
        origins = headers.getlist("origin")
        if not all(rules.allows_mcp(each, host, has_token=has_token) for each in origins):
            refusal = OriginRefused()
            raise Refused(refusal.status, refusal.code, refusal.message)

    def _is_ambiguous(self, headers: Headers) -> bool:
        # A page of another origin may not use a session: its cookies count for nothing.
        is_foreign = any(map(self._cross_origin.is_foreign, headers.getlist("origin")))
        return not is_foreign and any(map(self._has_sign_in, headers.getlist("cookie")))

    async def _principal(self, scope: Scope, headers: Headers, entrance: str) -> Principal:
        sent = headers.getlist("authorization")
        token = token_in(sent[0]) if sent else None
        self._check_origin(headers, has_token=token is not None)
        if len(sent) > 1:
            raise Refused(400, "invalid_request", "Send one Authorization header.")
        if token is None:
            raise self._unauthorized(entrance)
        if self._is_ambiguous(headers):
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
            raise self._unfit(entrance, fault) from None

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

    def _unauthorized(self, entrance: str) -> Refused:
        header = challenge.token_wanted(self._road.resources, entrance)
        detail = "Send an access token; WWW-Authenticate says where to get one."
        return _challenged(401, "unauthorized", detail, header)

    def _unfit(self, entrance: str, fault: TokenRefused) -> Refused:
        header = challenge.token_wanted(
            self._road.resources,
            entrance,
            str(fault),
            is_dpop=isinstance(fault, ProofRefused),
            error=fault.error,
        )
        refused = _challenged(401, "unauthorized", str(fault), header)
        if fault.nonce is not None:
            refused.headers["DPoP-Nonce"] = fault.nonce
        return refused

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
    return Refused(status, code, detail, {"WWW-Authenticate": header})
