"""The token and revocation endpoints: each request is answered within one transaction."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from authlib.oauth2 import AuthorizationServer, OAuth2Error
from sqlalchemy import Engine

from app.core.resource import Resources
from app.core.system import acting_as_system
from app.oauth.authentication import client_of
from app.oauth.code_exchange import CodeExchange
from app.oauth.issue import TokenGrant
from app.oauth.refresh import Refresh
from app.oauth.revocation import revoke
from app.oauth.sent import TokenRequest, posted, printable

_UNAUTHORIZED = 401
_NOT_STORED = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answers: a status, a JSON body, and headers."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=lambda: _NOT_STORED)


def error_answer(error: OAuth2Error) -> Answer:
    """Give an error as JSON (RFC 6749 §5.2)."""
    description = printable(error.get_error_description() or "")
    headers = dict(_NOT_STORED)
    if error.status_code == _UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="latchkey"'
    return Answer(
        error.status_code, {"error": error.error, "error_description": description}, headers
    )


@dataclass(frozen=True, slots=True)
class Posted:
    """An HTTP POST, as far as the endpoints for clients look at it."""

    content_type: str
    query: bytes
    body: bytes
    authorization: str | None


class Server(AuthorizationServer):
    """Authlib's registry of grants, bound to our tables."""

    def __init__(
        self, engine: Engine, resources: Resources, now: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self.resources = resources
        self._engine = engine
        self._now = now
        self.register_grant(CodeExchange)
        self.register_grant(Refresh)

    def token(self, sent: Posted) -> Answer:
        """Answer a token request (RFC 6749 §3.2)."""
        return self._answered("answer a token request", sent, self._token)

    def revocation(self, sent: Posted) -> Answer:
        """Answer a revocation request (RFC 7009 §2)."""
        return self._answered("revoke a token", sent, _revocation)

    def _token(self, request: TokenRequest) -> Answer:
        request.value("grant_type")
        grant = cast("TokenGrant", self.get_token_grant(request))
        try:
            grant.validate_token_request()
        except OAuth2Error as error:
            # Answered within the transaction: that a family was revoked must stay written.
            return error_answer(error)
        return Answer(200, grant.issued())

    def _answered(
        self, reason: str, sent: Posted, answer: Callable[[TokenRequest], Answer]
    ) -> Answer:
        try:
            form = posted(sent.content_type, sent.query, sent.body)
            # Apart, and without a lock: what is no client's must not hold clients up.
            with acting_as_system(self._engine, "authenticate a client", reads=True) as session:
                client = client_of(session, sent.authorization, form)
            with acting_as_system(self._engine, reason) as session:
                return answer(TokenRequest(form, client, session, int(self._now())))
        except OAuth2Error as error:
            return error_answer(error)


def _revocation(request: TokenRequest) -> Answer:
    revoke(request)
    return Answer(200, {})
