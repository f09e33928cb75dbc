"""The endpoints that clients prove themselves at: each request is answered in one transaction."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, cast

from authlib.oauth2 import AuthorizationServer, OAuth2Error
from sqlalchemy import Engine

from app.core.resource import Resources
from app.core.share import Share, Shares
from app.core.system import connected_as_system
from app.oauth.assertion import Assertions, claimed_client
from app.oauth.authentication import Authentication
from app.oauth.client import note_use
from app.oauth.client_credentials import ClientCredentials
from app.oauth.code_exchange import CodeExchange
from app.oauth.device import authorized
from app.oauth.device_code import DeviceCode
from app.oauth.documents import Documents
from app.oauth.dpop import Proof, Proofs
from app.oauth.errors import TryAgainLater, UseDpopNonce
from app.oauth.fetch_queue import Requester
from app.oauth.introspection import introspected
from app.oauth.issue import TokenGrant
from app.oauth.keys import Keys
from app.oauth.published_keys import PublishedKeys
from app.oauth.pushed import push
from app.oauth.refresh import Refresh
from app.oauth.revocation import revoke
from app.oauth.sent import TokenRequest, posted, printable
from app.oauth.token_exchange import TokenExchange

GRANTS = (CodeExchange, Refresh, ClientCredentials, DeviceCode, TokenExchange)
NONCE = "DPoP-Nonce"

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
    body: dict[str, Any] = {"error": error.error, "error_description": description}
    if isinstance(error, TryAgainLater):
        # Not every client knows that slow_down means five seconds more.
        body["interval"] = error.interval_seconds
    return Answer(error.status_code, body, headers)


@dataclass(frozen=True, slots=True)
class Posted:
    """An HTTP POST, as far as the endpoints for clients look at it."""

    content_type: str
    query: bytes
    body: bytes
    authorization: str | None
    path: str
    caller: str
    proofs: Sequence[str] = ()


class Server(AuthorizationServer):
    """Authlib's registry of grants, bound to our tables."""

    def __init__(  # noqa: PLR0913 - the composition root names each
        self,
        engine: Engine,
        resources: Resources,
        *,
        keys: Keys,
        proofs: Proofs,
        documents: Documents,
        published: PublishedKeys,
        shares: Shares,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__()
        self.resources = resources
        self.keys = keys
        self._proofs = proofs
        self._clients = Authentication(Assertions(engine, resources, published, now))
        self._engine = engine
        self._documents = documents
        self._shares = shares
        self._now = now
        for grant in GRANTS:
            self.register_grant(grant)

    def token(self, sent: Posted) -> Answer:
        """Answer a token request (RFC 6749 §3.2)."""
        return self._answered("answer a token request", sent, self._token, self._shares.tokens)

    def revocation(self, sent: Posted) -> Answer:
        """Answer a revocation request (RFC 7009 §2)."""
        share = self._shares.tokens
        return self._answered("revoke a token", sent, _revocation, share, endpoint="revocation")

    def introspection(self, sent: Posted) -> Answer:
        """Answer an introspection request (RFC 7662 §2)."""
        answer = partial(_introspection, self.resources.public_url)
        share = self._shares.introspections
        return self._answered(
            "introspect a token", sent, answer, share, reads=True, endpoint="introspection"
        )

    def push(self, sent: Posted) -> Answer:
        """Take an authorization request ahead (RFC 9126 §2)."""
        answer = partial(_pushed, self.resources)
        return self._answered("push a request", sent, answer, self._shares.tokens, begins=True)

    def device_authorization(self, sent: Posted) -> Answer:
        """Answer a device authorization request (RFC 8628 §3.1)."""
        answer = partial(_device, self.resources)
        share = self._shares.tokens
        return self._answered("authorize a device", sent, answer, share, begins=True)

    def _token(self, request: TokenRequest) -> Answer:
        request.value("grant_type")
        grant = cast("TokenGrant", self.get_token_grant(request))
        try:
            grant.validate_token_request()
        except OAuth2Error as error:
            # Answered within the transaction: that a family was revoked must stay written.
            return error_answer(error)
        return Answer(200, grant.issued())

    def _answered(  # noqa: PLR0913 - what the five endpoints differ in
        self,
        reason: str,
        sent: Posted,
        answer: Callable[[TokenRequest], Answer],
        share: Share,
        *,
        reads: bool = False,
        begins: bool = False,
        endpoint: str = "token",
    ) -> Answer:
        """Answer a client; with the request that `begins` an authorization it may be new here."""
        now = int(self._now())
        try:
            requester = Requester(sent.caller)
            form = posted(sent.content_type, sent.query, sent.body)
            if begins or "client_assertion" in form:
                # What it may do, and the keys it signs with, may stand in a document.
                signed = form.get("client_assertion", "")
                named = form.get("client_id") or claimed_client(signed)
                self._documents.look_up(named, requester)
            # Apart, and without a lock: what is no client's must not hold clients up.
            with connected_as_system(self._engine, reason, reads=True) as session:
                known = self._clients.client_of(
                    session, sent.authorization, form, now, requester, endpoint=endpoint
                )
                # A public client is whoever says so: nobody may use its share up from elsewhere.
                whose = "" if known.is_proved else f" at {sent.caller}"
                share.spend(f"client {known.client.key}{whose}")
                jkt = self._proved(sent)
                if reads:
                    return answer(TokenRequest(form, known.client, session, now, jkt=jkt))
            # A key that is made now would wait for the transaction below.
            self.keys.ready()
            with connected_as_system(self._engine, reason) as session:
                if known.secret:
                    note_use(session, known.secret, now)
                return answer(TokenRequest(form, known.client, session, now, jkt=jkt))
        except UseDpopNonce as error:
            answered = error_answer(error)
            return replace(answered, headers={**answered.headers, NONCE: self._proofs.nonce()})
        except OAuth2Error as error:
            return error_answer(error)

    def _proved(self, sent: Posted) -> str | None:
        """Give the thumbprint of the key that the client proves to hold, if it does."""
        if not sent.proofs:
            return None
        proof = Proof(sent.proofs, "POST", self.resources.url(sent.path))
        return self._proofs.jkt_of_request(proof)


def _revocation(request: TokenRequest) -> Answer:
    revoke(request)
    return Answer(200, {})


def _introspection(issuer: str, request: TokenRequest) -> Answer:
    return Answer(200, introspected(request, issuer))


def _pushed(resources: Resources, request: TokenRequest) -> Answer:
    return Answer(201, push(request, resources))


def _device(resources: Resources, request: TokenRequest) -> Answer:
    return Answer(200, authorized(request, resources))
