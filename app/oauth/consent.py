"""Consent: a server-side transaction between a validated request and a person's decision.

The form carries the transaction's id and the decision. Client, redirect URI and scopes are
never taken from it.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from urllib.parse import urlencode, urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError, InvalidScopeError
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.orm import Session

from app.core import credentials, scopes
from app.core.errors import Conflict
from app.core.principal import Principal
from app.core.resource import Resources
from app.core.scopes import IDENTITY, Scope
from app.core.system import acting_as_system
from app.models import redirect_uri as uris
from app.models.client import Source
from app.models.grant import ConsentRequest, Grant
from app.oauth import pushed, tokens
from app.oauth.authorization import Asked, client_of, redirect_uri_of, validated
from app.oauth.client import KnownClient, find
from app.oauth.documents import Documents
from app.oauth.errors import ConsentRequired, InvalidRequestUri, LoginRequired, Reported
from app.oauth.sent import Sent, printable, taken_apart
from app.oauth.tokens import Authorization, NewCode
from app.oauth.trail import note_decision

# Seconds.
LASTS = 600
_BY_THEMSELVES = frozenset({Source.REGISTRATION, Source.DOCUMENT})
# They say how a client works, not what it may do: nothing to tick.
_FIXED = frozenset({"openid", "offline_access"})


@dataclass(frozen=True, slots=True)
class Offered:
    """A scope on the consent page; one that `is_fixed` comes with the others."""

    scope: Scope
    is_fixed: bool


@dataclass(frozen=True, slots=True)
class Consent:
    """What the person is shown, and has to decide: `new` scopes, and those allowed `before`."""

    id: str
    client: KnownClient
    destination: str
    is_on_this_computer: bool
    new: list[Offered]
    before: list[Scope]
    resource: str | None
    form_action: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """How the person in front of the browser has signed in.

    `at` is when, in seconds since the epoch, and `asked_since` when this very request first
    made them do it again.
    """

    at: int
    asked_since: int | None = None

    def is_within(self, max_age: int, now: int) -> bool:
        """Tell whether it is so many seconds old at the most, or follows the request."""
        follows = self.asked_since is not None and self.at >= self.asked_since
        return follows or now - self.at <= max_age


class SignInAgain(Exception):
    """The client wants the person to sign in now (OpenID Connect Core §3.1.2.1)."""


class ConsentServer:
    """The authorization endpoint of one deployment."""

    def __init__(
        self,
        engine: Engine,
        resources: Resources,
        documents: Documents,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._documents = documents
        self._resources = resources
        self._now = now

    def check(self, query: bytes) -> str | None:
        """Check who asks, before a person signs in to be asked (RFC 9700 §4.11.2).

        Gives the account that the client expects to sign in (`login_hint`).

        Raises:
            OAuth2Error: client or redirect URI are in doubt.
            Reported: nobody may be asked to sign in.
        """
        client, redirect_uri, sent = self._addressed(query)
        if sent.values.get("prompt") == "none":
            raise self._reported(LoginRequired("Nobody is signed in."), client, redirect_uri, sent)
        return sent.values.get("login_hint")

    def ask(self, query: bytes, principal: Principal, sign_in: SignIn) -> Consent | str:
        """Open the transaction, and give what the person is to decide.

        Where there is nothing to decide, it gives the location that the browser goes to.

        Raises:
            OAuth2Error: client or redirect URI are in doubt.
            Reported: the request may not be shown, or the person can grant nothing of it.
            SignInAgain: the person has to do that first.
        """
        client, redirect_uri, sent = self._addressed(query)
        try:
            asked = validated(self._resources, sent, client, redirect_uri)
            grantable = _grantable(asked, client, principal)
            if not grantable:
                raise InvalidScopeError("The account holds none of these scopes.")
            self._check_sign_in(asked, sign_in)
            with self._reading("read what was allowed before") as session:
                before = _granted_before(session, client, principal)
            if _is_settled(asked, client, grantable - before):
                return self._answered(asked, client, principal, grantable, sign_in)
            if "none" in asked.prompt:
                raise ConsentRequired("The person has to decide.")
        except OAuth2Error as error:
            raise self._reported(error, client, redirect_uri, sent) from error
        consent_id = self._kept(asked, principal, sign_in)
        return _shown(consent_id, asked, client, grantable, before)

    def decide(
        self, consent_id: str, principal: Principal, *, is_allowed: bool, ticked: frozenset[str]
    ) -> str:
        """Close the transaction; give where the browser goes.

        Of the scopes that it does not work without, and of those allowed before, none can be
        removed; each other one is granted if it is `ticked`.

        Raises:
            Conflict: it is over, decided, or another person's.
            OAuth2Error: the client no longer counts, or its pushed request was used.
        """
        now = int(self._now())
        with acting_as_system(self._engine, "decide on a consent") as session:
            asked, sign_in = _taken(session, consent_id, principal, now)
            client = find(session, asked.client_id)
            if client is None or not client.check_redirect_uri(asked.redirect_uri):
                raise InvalidRequestError(
                    "The app was revoked, or has changed. Nothing was allowed."
                )
            before = _granted_before(session, client, principal)
            grantable = _grantable(asked, client, principal)
            granted = grantable & (ticked | before | client.required_scopes | _FIXED)
            # With every tick removed there is nothing left to allow.
            is_allowed = is_allowed and bool(granted - _FIXED or grantable <= granted != set())
            note_decision(session, principal, client.client_id, allowed=is_allowed, now=now)
            _use_up(session, asked)
            if not is_allowed:
                return self._error_location(AccessDeniedError(), asked.redirect_uri, asked.state)
            authorization = _authorization(asked, client, principal, granted, sign_in)
            code = _issued(session, asked, client, authorization, now)
        return self._location(asked.redirect_uri, {"code": code}, asked.state)

    def _answered(
        self,
        asked: Asked,
        client: KnownClient,
        principal: Principal,
        granted: frozenset[str],
        sign_in: SignIn,
    ) -> str:
        """Give where the browser goes with a code, where the person has decided before."""
        authorization = _authorization(asked, client, principal, granted, sign_in)
        with acting_as_system(self._engine, "remember a consent") as session:
            _use_up(session, asked)
            code = _issued(session, asked, client, authorization, int(self._now()))
        return self._location(asked.redirect_uri, {"code": code}, asked.state)

    def _addressed(self, query: bytes) -> tuple[KnownClient, str, Sent]:
        """Give who asks, where the answer goes, and the request, which may have been pushed."""
        sent = taken_apart(query)
        self._documents.look_up(sent.values.get("client_id", ""))
        with self._reading("read an authorization request") as session:
            client = client_of(session, sent)
            sent = pushed.resolved(session, sent, client, int(self._now()))
            return client, redirect_uri_of(client, sent), sent

    def _check_sign_in(self, asked: Asked, sign_in: SignIn) -> None:
        longest = 0 if "login" in asked.prompt else asked.max_age
        # "login" is met by a sign-in that this request led to, and by no other.
        at = replace(sign_in, at=0) if _is_old(asked, sign_in) else sign_in
        if longest is None or at.is_within(longest, int(self._now())):
            return
        if "none" in asked.prompt:
            raise LoginRequired("The person signed in too long ago.")
        raise SignInAgain

    def _kept(self, asked: Asked, principal: Principal, sign_in: SignIn) -> str:
        """Give the id under which the request waits for the person's decision."""
        now, consent_id = int(self._now()), credentials.identifier()
        mine = ConsentRequest.user_id == principal.user_id
        with acting_as_system(self._engine, "ask for consent") as session:
            session.execute(delete(ConsentRequest).where(mine, ConsentRequest.expires_at <= now))
            session.execute(
                insert(ConsentRequest).values(
                    id=consent_id,
                    user_id=principal.user_id,
                    parameters={"asked": asked.model_dump(mode="json"), "auth_time": sign_in.at},
                    expires_at=now + LASTS,
                )
            )
        return consent_id

    def _reading(self, reason: str) -> AbstractContextManager[Session]:
        return acting_as_system(self._engine, reason, reads=True)

    def _reported(
        self, error: OAuth2Error, client: KnownClient, redirect_uri: str, sent: Sent
    ) -> Reported:
        state = None if "state" in sent.repeated else sent.values.get("state")
        is_local = uris.is_loopback(urlsplit(redirect_uri))
        return Reported(
            error.get_error_description() or str(error.error),
            location=self._error_location(error, redirect_uri, state),
            destination=uris.destination(redirect_uri),
            is_vouched_for=is_local or client.source not in _BY_THEMSELVES,
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


def _is_settled(asked: Asked, client: KnownClient, new: frozenset[str]) -> bool:
    """Tell whether the person need not be asked, or not again."""
    if asked.prompt & {"consent", "select_account"}:
        return False
    if client.source in _BY_THEMSELVES and client.is_public:
        # Anybody can be such a client, and say that they are another (RFC 8252 §8.6).
        return False
    if client.is_first_party and client.source not in _BY_THEMSELVES:
        return True
    uri = urlsplit(asked.redirect_uri)
    is_web = uri.scheme == "https" or client.source == Source.BUILT_IN
    return not new and (is_web or not client.is_public)


def _is_old(asked: Asked, sign_in: SignIn) -> bool:
    return "login" in asked.prompt and (
        sign_in.asked_since is None or sign_in.at < sign_in.asked_since
    )


def _grantable(asked: Asked, client: KnownClient, principal: Principal) -> frozenset[str]:
    """Give what can be granted: asked for, allowed to the client, and held by the person."""
    return scopes.parse(asked.scope) & client.scopes & (principal.scopes | IDENTITY)


def _granted_before(session: Session, client: KnownClient, principal: Principal) -> frozenset[str]:
    """Give what the person allows the client already."""
    mine = (Grant.user_id == principal.user_id, Grant.client_key == client.key)
    live = (Grant.revoked_at.is_(None), ~Grant.is_service)
    return scopes.parse(session.scalar(select(Grant.scopes).where(*mine, *live)))


def _use_up(session: Session, asked: Asked) -> None:
    if asked.request_uri and not pushed.use_up(session, asked.request_uri):
        raise InvalidRequestUri("The request_uri was used. Start again from the app.")


def _taken(
    session: Session, consent_id: str, principal: Principal, now: int
) -> tuple[Asked, SignIn]:
    kept = session.scalar(
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
    if kept is None or "asked" not in kept:
        raise Conflict(
            "This request was decided already, or is too old. Start again from the app."
        )
    return Asked.model_validate(kept["asked"]), SignIn(kept["auth_time"])


def _authorization(
    asked: Asked,
    client: KnownClient,
    principal: Principal,
    granted: frozenset[str],
    sign_in: SignIn,
) -> Authorization:
    if principal.user_id is None:
        raise Conflict("Nobody is signed in.")
    return Authorization(
        principal.user_id, client.key, granted, asked.resource, auth_time=sign_in.at
    )


def _issued(
    session: Session, asked: Asked, client: KnownClient, authorization: Authorization, now: int
) -> str:
    code = NewCode(
        redirect_uri=asked.redirect_uri if asked.is_redirect_uri_sent else None,
        code_challenge=asked.code_challenge,
        nonce=asked.nonce,
        jkt=asked.dpop_jkt,
        lasts=client.lifetimes.code,
    )
    family_id = tokens.open_family(session, authorization, now)
    return tokens.issue_code(session, family_id, code, now)


def _shown(
    consent_id: str,
    asked: Asked,
    client: KnownClient,
    grantable: frozenset[str],
    before: frozenset[str],
) -> Consent:
    target = urlsplit(asked.redirect_uri)
    is_web = target.scheme in ("http", "https")
    fixed = client.required_scopes | _FIXED
    return Consent(
        id=consent_id,
        client=client,
        destination=uris.destination(asked.redirect_uri),
        is_on_this_computer=uris.is_loopback(target),
        new=[Offered(scope, scope.name in fixed) for scope in _explained(grantable - before)],
        before=_explained(grantable & before),
        resource=asked.resource,
        form_action=f"{target.scheme}://{target.netloc}" if is_web else f"{target.scheme}:",
    )


def _explained(names: frozenset[str]) -> list[Scope]:
    return [scopes.SCOPES[name] for name in scopes.render(names).split()]
