"""Consent: a server-side transaction between a validated request and a person's decision.

The form carries the transaction's id and the decision. Client, redirect URI and scopes are
never taken from it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError, InvalidScopeError
from sqlalchemy import Engine, insert, update
from sqlalchemy.orm import Session

from app.core import credentials, scopes
from app.core.errors import Conflict
from app.core.principal import Principal
from app.core.resource import Resources
from app.core.scopes import Scope
from app.core.system import acting_as_system
from app.models import redirect_uri
from app.models.client import Source
from app.models.grant import ConsentRequest
from app.oauth import tokens
from app.oauth.authorization import Asked, validated
from app.oauth.client import KnownClient, find
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
        """Check a request before its person is known.

        Raises:
            OAuth2Error: it may not be shown to anybody.
        """
        with acting_as_system(self._engine, "check an authorization request") as session:
            validated(session, self._resources, taken_apart(query))

    def ask(self, query: bytes, principal: Principal) -> Consent:
        """Open the transaction, and give what the person is to decide.

        Raises:
            OAuth2Error: the request may not be shown, or the person can grant nothing of it.
        """
        now = int(self._now())
        with acting_as_system(self._engine, "ask for consent") as session:
            asked, client = validated(session, self._resources, taken_apart(query))
            if not _grantable(asked, client, principal):
                raise InvalidScopeError(
                    "The account holds none of these scopes.",
                    redirect_uri=asked.redirect_uri,
                    state=asked.state,
                )
            consent_id = credentials.identifier()
            session.execute(
                insert(ConsentRequest).values(
                    id=consent_id,
                    user_id=principal.user_id,
                    parameters=asked.model_dump(),
                    expires_at=now + LASTS,
                )
            )
        return _shown(consent_id, asked, client, principal)

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
                denied = AccessDeniedError(redirect_uri=asked.redirect_uri, state=asked.state)
                return self.error_location(denied)
            code = _issued(session, asked, client, principal, granted, now)
        return self._location(asked.redirect_uri, {"code": code}, asked.state)

    def error_location(self, error: OAuth2Error) -> str:
        """Give where an error is reported to the client (RFC 6749 §4.1.2.1)."""
        description = printable(error.get_error_description() or "")
        answer = {"error": str(error.error), "error_description": description}
        return self._location(str(error.redirect_uri), answer, error.state)

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
        destination=redirect_uri.destination(asked.redirect_uri),
        is_on_this_computer=redirect_uri.is_loopback(target),
        scopes=[scopes.SCOPES[name] for name in grantable],
        resource=asked.resource,
        form_action=f"{target.scheme}://{target.netloc}" if is_web else f"{target.scheme}:",
    )
