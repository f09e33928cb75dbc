"""Consent: a server-side transaction between a validated request and a person's decision.

The form carries the transaction's id and the decision. Client, redirect URI and scopes are
never taken from it.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AccessDeniedError, InvalidRequestError, InvalidScopeError
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.core.errors import Busy
from app.core.principal import Principal
from app.core.resource import Resources
from app.core.scopes import THIRD_PARTY
from app.core.system import acting_as_system
from app.models import redirect_uri as uris
from app.oauth import families, pending, pushed, tokens
from app.oauth.authorization import Asked, client_of, redirect_uri_of, validated
from app.oauth.authorization_response import (
    Responses,
    is_consent_reusable,
    is_silent,
    may_redirect_error,
    silent_refusal,
)
from app.oauth.client import KnownClient, find
from app.oauth.consent_page import Consent, shown
from app.oauth.documents import Documents
from app.oauth.errors import InvalidRequestUri, LoginRequired, Reported, TemporarilyUnavailable
from app.oauth.families import Authorization
from app.oauth.fetch_queue import Requester
from app.oauth.id_token import Hint, hinted
from app.oauth.impersonation import is_misleading
from app.oauth.keys import Keys
from app.oauth.opened import Opened
from app.oauth.sent import Sent, taken_apart
from app.oauth.sign_in import SignIn, check_sign_in
from app.oauth.standing import Standing, grantable, is_connected
from app.oauth.standing import standing as standing_of
from app.oauth.tokens import NewCode
from app.oauth.trail import note_decision

_KIND = "consent"


class ConsentServer:
    """The authorization endpoint of one deployment."""

    def __init__(
        self,
        engine: Engine,
        resources: Resources,
        keys: Keys,
        *,
        documents: Documents,
        opened: Opened,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._documents = documents
        self._resources = resources
        self._keys = keys
        self._responses = Responses(resources.public_url)
        self._opens = opened
        self._now = now

    def grantable_scopes(self, client_id: str, principal: Principal) -> frozenset[str]:
        """Return the scopes that this person can grant to a client; none if it is unknown.

        For a visitor these are the scopes that need no admin's trust: sign-in narrows them.
        """
        with self._reading("read the scopes of a client") as session:
            client = find(session, client_id)
        if client is None:
            return frozenset()
        if principal.user_id is None:
            return client.scopes & frozenset(THIRD_PARTY)
        return grantable(client, principal, " ".join(client.scopes))

    def check(self, query: bytes, *, is_framed: bool = False) -> str | None:
        """Check who asks, before a person signs in to be asked (RFC 9700 §4.11.2).

        Gives the account that the client expects to sign in (`login_hint`). A document about
        the client is read when somebody has signed in, and not for anybody who passes. In a
        frame (`is_framed`) a request that forbids pages gets its answer at the redirect URI.

        Raises:
            OAuth2Error: client or redirect URI are in doubt.
            Reported: nobody may be asked to sign in.
        """
        sent = taken_apart(query)
        if self._documents.is_new(sent.values.get("client_id", "")):
            if is_silent(sent):
                raise InvalidRequestError("Nobody is signed in, and the app is not known here.")
            return sent.values.get("login_hint")
        client, redirect_uri, sent = self._addressed(sent)
        if is_silent(sent):
            error = LoginRequired("Nobody is signed in.")
            is_redirected = is_framed or may_redirect_error(client, redirect_uri)
            raise self._reported(error, redirect_uri, sent, is_redirected=is_redirected)
        return sent.values.get("login_hint")

    def ask(
        self, query: bytes, principal: Principal, sign_in: SignIn, *, is_framed: bool = False
    ) -> Consent | str:
        """Open the transaction, and give what the person is to decide.

        Where there is nothing to decide, it gives the location that the browser goes to.
        `is_framed` is as for `check`.

        Raises:
            OAuth2Error: client or redirect URI are in doubt.
            Reported: the request may not be shown, or the person can grant nothing of it.
            SignInAgain: the person has to do that first.
        """
        sent = taken_apart(query)
        requester = Requester(f"user {principal.user_id}", is_signed_in=True)
        self._documents.look_up(sent.values.get("client_id", ""), requester)
        client, redirect_uri, sent = self._addressed(sent)
        is_answered = is_framed and is_silent(sent)
        is_answered = is_answered or may_redirect_error(client, redirect_uri)
        try:
            asked = validated(self._resources, sent, client, redirect_uri)
            if not grantable(client, principal, asked.scope):
                raise InvalidScopeError("The account holds none of these scopes.")
            is_expected = self._is_expected(asked, principal)
            check_sign_in(asked, sign_in, is_expected=is_expected, now=int(self._now()))
            answer = self._remembered(asked, principal, sign_in)
            if answer is None and "none" in asked.prompt:
                raise self._silent_refusal(asked, principal)
            return answer or self._opened(asked, principal, sign_in)
        except OAuth2Error as error:
            is_redirected = is_answered or self._is_connected(client, principal)
            raise self._reported(error, redirect_uri, sent, is_redirected=is_redirected) from error
        except Busy as refusal:
            if not is_answered:
                # Whether the user has connected the client can't be read now: they see the 503.
                raise
            unavailable = TemporarilyUnavailable(refusal.message)
            raise self._reported(unavailable, redirect_uri, sent, is_redirected=True) from refusal

    def decide(
        self, consent_id: str, principal: Principal, *, is_allowed: bool, ticked: frozenset[str]
    ) -> str:
        """Close the transaction; give where the browser goes.

        Of the scopes that it does not work without, and of those that the page said were
        allowed before, none can be removed; each other one is granted if it is `ticked`.

        Raises:
            Conflict: it is over, decided, or another person's.
            OAuth2Error: the client no longer counts, or its pushed request was used.
        """
        now = int(self._now())
        with acting_as_system(self._engine, "decide on a consent") as session:
            kept = pending.take(session, consent_id, principal, _KIND, now)
            asked, sign_in = Asked.model_validate(kept["asked"]), SignIn(kept["auth_time"])
            standing = _standing(session, asked, principal)
            granted = standing.allowed(kept["said"], ticked)
            is_allowed = is_allowed and bool(granted)
            note_decision(session, principal, asked.client_id, allowed=is_allowed, now=now)
            _use_up(session, asked)
            if not is_allowed:
                denied = AccessDeniedError()
                return self._responses.with_error(asked.redirect_uri, denied, asked.state)
            code = _issued(session, asked, standing, granted, sign_in, now)
        return self._responses.with_code(asked.redirect_uri, code, asked.state)

    def _remembered(self, asked: Asked, principal: Principal, sign_in: SignIn) -> str | None:
        """Give where the browser goes with a code, where the person need not be asked."""
        now = int(self._now())
        with self._reading("read what was allowed before") as session:
            if not self._is_settled(asked, _standing(session, asked, principal)):
                return None
        with acting_as_system(self._engine, "remember a consent") as session:
            # Again, now that nothing can be revoked between the look and the code.
            standing = _standing(session, asked, principal)
            if not self._is_settled(asked, standing):
                return None
            _use_up(session, asked)
            if standing.grantable - standing.before:
                note_decision(session, principal, asked.client_id, allowed=True, now=now)
            code = _issued(session, asked, standing, standing.grantable, sign_in, now)
        return self._responses.with_code(asked.redirect_uri, code, asked.state)

    def _is_settled(self, asked: Asked, standing: Standing) -> bool:
        is_own = self._resources.is_own(asked.resource)
        return is_consent_reusable(asked, standing, is_own_resource=is_own)

    def _silent_refusal(self, asked: Asked, principal: Principal) -> OAuth2Error:
        is_own = self._resources.is_own(asked.resource)
        with self._reading("tell why no code is issued silently") as session:
            return silent_refusal(_standing(session, asked, principal), is_own_resource=is_own)

    def _is_connected(self, client: KnownClient, principal: Principal) -> bool:
        with self._reading("look for a live grant") as session:
            return is_connected(session, client, principal)

    def _opened(self, asked: Asked, principal: Principal, sign_in: SignIn) -> Consent:
        """Give the page; the request waits for the person's decision."""
        with acting_as_system(self._engine, "ask for consent") as session:
            standing = _standing(session, asked, principal)
            waits = {
                "asked": asked.model_dump(mode="json"),
                "auth_time": sign_in.at,
                "said": standing.said,
            }
            now = int(self._now())
            consent_id = pending.keep(session, principal, _KIND, waits, now)
            misleads = is_misleading(session, standing.client)
        is_own = self._resources.is_own(asked.resource)
        opens = self._opens.by(standing.grantable, principal) if is_own else []
        elsewhere = None if is_own else asked.resource
        return shown(
            consent_id, asked, standing, elsewhere=elsewhere, opens=opens, is_misleading=misleads
        )

    def _addressed(self, sent: Sent) -> tuple[KnownClient, str, Sent]:
        """Give who asks, where the answer goes, and the request, which may have been pushed."""
        with self._reading("read an authorization request") as session:
            client = client_of(session, sent)
            sent = pushed.resolved(session, sent, client, int(self._now()))
            return client, redirect_uri_of(client, sent), sent

    def _is_expected(self, asked: Asked, principal: Principal) -> bool:
        """Tell whether the client expects this person, or says nothing about it."""
        if asked.id_token_hint is None:
            return True
        hint = hinted(self._keys, self._resources.public_url, asked.id_token_hint)
        return hint == Hint(asked.client_id, str(principal.user_id))

    def _reading(self, reason: str) -> AbstractContextManager[Session]:
        return acting_as_system(self._engine, reason, reads=True)

    def _reported(
        self, error: OAuth2Error, redirect_uri: str, sent: Sent, *, is_redirected: bool
    ) -> Reported:
        state = None if "state" in sent.repeated else sent.values.get("state")
        return Reported(
            error.get_error_description() or str(error.error),
            location=self._responses.with_error(redirect_uri, error, state),
            destination=uris.destination(redirect_uri),
            is_redirected=is_redirected,
        )


def _standing(session: Session, asked: Asked, principal: Principal) -> Standing:
    client = find(session, asked.client_id)
    if client is None or not client.check_redirect_uri(asked.redirect_uri):
        raise InvalidRequestError("The app was revoked, or has changed. Nothing was allowed.")
    return standing_of(session, client, principal, asked.scope)


def _use_up(session: Session, asked: Asked) -> None:
    if asked.request_uri and not pushed.use_up(session, asked.request_uri):
        raise InvalidRequestUri("The request_uri was used. Start again from the app.")


def _issued(
    session: Session,
    asked: Asked,
    standing: Standing,
    granted: frozenset[str],
    sign_in: SignIn,
    now: int,
) -> str:
    client = standing.client
    given = Authorization(
        standing.user_id, client.key, granted, asked.resource, auth_time=sign_in.at
    )
    code = NewCode(
        redirect_uri=asked.redirect_uri if asked.is_redirect_uri_sent else None,
        code_challenge=asked.code_challenge,
        nonce=asked.nonce,
        jkt=asked.dpop_jkt,
        lasts=client.lifetimes.code,
    )
    family_id = families.open_family(session, given, now)
    return tokens.issue_code(session, family_id, code, now)
