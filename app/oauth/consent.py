"""Consent: a server-side transaction between a validated request and a person's decision.

The form carries the transaction's id and the decision. Client, redirect URI and scopes are
never taken from it.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError, InvalidScopeError
from sqlalchemy import Engine, delete, insert, update
from sqlalchemy.orm import Session

from app.core import credentials, scopes
from app.core.errors import Conflict
from app.core.principal import Principal
from app.core.resource import Resources
from app.core.scopes import Scope
from app.core.system import acting_as_system
from app.models import redirect_uri as uris
from app.models.client import Source
from app.models.grant import ConsentRequest
from app.oauth import tokens
from app.oauth.authorization import Asked, addressed, validated
from app.oauth.client import KnownClient, find
from app.oauth.errors import Reported
from app.oauth.sent import printable, taken_apart
from app.oauth.tokens import Authorization
from app.oauth.trail import note_decision

# Seconds.
LASTS = 600


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person is shown, and has to decide."""

    id: str
    client_name: str
    description: str
    publisher: str | None
    source: Source
    destination: str
    is_on_this_computer: bool
    scopes: list[Scope]
    resource: str | None
    form_action: str


class ConsentServer:
    """The authorization endpoint of one deployment."""

    def __init__(
        self, engine: Engine, resources: Resources, now: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._resources = resources
        self._now = now

    def check(self, query: bytes) -> None:
        """Check who asks, before a person signs in to be asked (RFC 9700 §4.11.2).

        Raises:
            OAuth2Error: client or redirect URI are in doubt.
        """
        with self._reading("check an authorization request") as session:
            addressed(session, taken_apart(query))

    def ask(self, query: bytes, principal: Principal) -> Consent:
        """Open the transaction, and give what the person is to decide.

        Raises:
            OAuth2Error: client or redirect URI are in doubt.
            Reported: the request may not be shown, or the person can grant nothing of it.
        """
        sent = taken_apart(query)
        with self._reading("read an authorization request") as session:
            client, redirect_uri = addressed(session, sent)
        try:
            asked = validated(self._resources, sent, client, redirect_uri)
            if not _grantable(asked, client, principal):
                raise InvalidScopeError("The account holds none of these scopes.")
        except OAuth2Error as error:
            state = None if "state" in sent.repeated else sent.values.get("state")
            raise self._reported(error, client, redirect_uri, state) from error
        return _shown(self._kept(asked, principal), asked, client, principal)

    def decide(self, consent_id: str, principal: Principal, *, is_allowed: bool) -> str:
        """Close the transaction; give where the browser goes.

        Raises:
            Conflict: it is over, decided, or another person's.
            InvalidRequestError: the client no longer counts.
        """
        now = int(self._now())
        with acting_as_system(self._engine, "decide on a consent") as session:
            asked = _taken(session, consent_id, principal, now)
            client = find(session, asked.client_id)
            if client is None or not client.check_redirect_uri(asked.redirect_uri):
                raise InvalidRequestError(
                    "The app was revoked, or has changed. Nothing was allowed."
                )
            granted = _grantable(asked, client, principal)
            is_allowed = is_allowed and bool(granted)
            note_decision(session, principal, client.client_id, allowed=is_allowed, now=now)
            if not is_allowed:
                return self._error_location(AccessDeniedError(), asked.redirect_uri, asked.state)
            code = _issued(session, asked, client, principal, granted=granted, now=now)
        return self._location(asked.redirect_uri, {"code": code}, asked.state)

    def _kept(self, asked: Asked, principal: Principal) -> str:
        """Give the id under which the request waits for the person's decision."""
        now, consent_id = int(self._now()), credentials.identifier()
        mine = ConsentRequest.user_id == principal.user_id
        with acting_as_system(self._engine, "ask for consent") as session:
            session.execute(delete(ConsentRequest).where(mine, ConsentRequest.expires_at <= now))
            session.execute(
                insert(ConsentRequest).values(
                    id=consent_id,
                    user_id=principal.user_id,
                    parameters=asked.model_dump(),
                    expires_at=now + LASTS,
                )
            )
        return consent_id

    def _reading(self, reason: str) -> AbstractContextManager[Session]:
        return acting_as_system(self._engine, reason, reads=True)

    def _reported(
        self, error: OAuth2Error, client: KnownClient, redirect_uri: str, state: str | None
    ) -> Reported:
        is_local = uris.is_loopback(urlsplit(redirect_uri))
        return Reported(
            error.get_error_description() or str(error.error),
            location=self._error_location(error, redirect_uri, state),
            destination=uris.destination(redirect_uri),
            is_vouched_for=is_local or client.source != Source.REGISTRATION,
        )

    def _error_location(self, error: OAuth2Error, redirect_uri: str, state: str | None) -> str:
        """Give where an error is reported to the client (RFC 6749 §4.1.2.1)."""
        description = printable(error.get_error_description() or "")
        answer = {"error": str(error.error), "error_description": description}
        return self._location(redirect_uri, answer, state)

    def _location(self, uri: str, answer: dict[str, str], state: str | None) -> str:
        if state is not None:
            answer["state"] = state
        # RFC 9207 §2: in every answer, errors too.
        answer["iss"] = self._resources.public_url
        return f"{uri}{'&' if '?' in uri else '?'}{urlencode(answer)}"


def _grantable(asked: Asked, client: KnownClient, principal: Principal) -> frozenset[str]:
    """Give what can be granted: asked for, allowed to the client, and held by the person."""
    return scopes.parse(asked.scope) & client.scopes & principal.scopes


def _taken(session: Session, consent_id: str, principal: Principal, now: int) -> Asked:
    parameters = session.scalar(
        update(ConsentRequest)
        .where(
            ConsentRequest.id == consent_id,
            ConsentRequest.user_id == principal.user_id,
            ConsentRequest.decided_at.is_(None),
            ConsentRequest.expires_at > now,
        )
        .values(decided_at=now)
        .returning(ConsentRequest.parameters)
    )
    if parameters is None:
        raise Conflict(
            "This request was decided already, or is too old. Start again from the app."
        )
    return Asked.model_validate(parameters)


def _issued(
    session: Session,
    asked: Asked,
    client: KnownClient,
    principal: Principal,
    *,
    granted: frozenset[str],
    now: int,
) -> str:
    if principal.user_id is None:
        raise Conflict("Nobody is signed in.")
    authorization = Authorization(principal.user_id, client.key, granted, asked.resource)
    return tokens.issue_code(
        session,
        tokens.open_family(session, authorization, now),
        redirect_uri=asked.redirect_uri if asked.is_redirect_uri_sent else None,
        code_challenge=asked.code_challenge,
        now=now,
    )


def _shown(consent_id: str, asked: Asked, client: KnownClient, principal: Principal) -> Consent:
    target = urlsplit(asked.redirect_uri)
    grantable = scopes.render(_grantable(asked, client, principal)).split()
    is_web = target.scheme in ("http", "https")
    return Consent(
        id=consent_id,
        client_name=client.name,
        description=client.description,
        publisher=client.publisher,
        source=client.source,
        destination=uris.destination(asked.redirect_uri),
        is_on_this_computer=uris.is_loopback(target),
        scopes=[scopes.SCOPES[name] for name in grantable],
        resource=asked.resource,
        form_action=f"{target.scheme}://{target.netloc}" if is_web else f"{target.scheme}:",
    )
