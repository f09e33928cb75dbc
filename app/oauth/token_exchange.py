"""The token exchange grant: a narrower token for one that the client has (RFC 8693)."""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError

from app.core import credentials, scopes
from app.oauth import families, lookup, purge
from app.oauth.audience import resource_within
from app.oauth.issue import TokenGrant

ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a name


class TokenExchange(TokenGrant):
    """Narrows scopes, audience and lifetime of a client's own access token; never widens."""

    GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
    CLEANS = purge.ACCESS_TWICE

    def validate_token_request(self) -> None:
        """Check the request, in this order."""
        self.client_may_use_it()  # RFC 6749 §5.2
        self._types_are_access_tokens()  # RFC 8693 §2.1
        self._nobody_acts_for_another()  # RFC 8693 §1.1
        self._subject_token_is_this_clients()  # RFC 8693 §2.2.2
        self._authorization_still_counts()
        self._key_is_the_same()  # RFC 9449 §5
        self.key_is_proved()  # RFC 9449 §5.2
        self._scope_does_not_widen()
        self._resource_was_authorized()  # RFC 8707 §2.2
        self._lifetime_does_not_widen()

    @property
    def lasts(self) -> int:
        """As long as was asked for, and no longer than the subject token."""
        return self._lasts

    def issued(self) -> dict[str, Any]:
        """Issue the narrower token (RFC 8693 §2.2.1)."""
        return self.with_access_token() | {"issued_token_type": ACCESS_TOKEN_TYPE}

    def _types_are_access_tokens(self) -> None:
        asked = self.request.optional("requested_token_type") or ACCESS_TOKEN_TYPE
        if {self.request.value("subject_token_type"), asked} != {ACCESS_TOKEN_TYPE}:
            raise InvalidRequestError("Only access tokens are exchanged, for access tokens.")

    def _nobody_acts_for_another(self) -> None:
        if self.request.optional("actor_token") or self.request.optional("actor_token_type"):
            raise InvalidRequestError("Delegation is not supported: send no actor_token.")

    def _subject_token_is_this_clients(self) -> None:
        digest = credentials.digest(self.request.value("subject_token"))
        token = lookup.find_access_token(self.request.session, digest)
        if token is None or token.client_key != self.request.client.key:
            raise InvalidRequestError("The subject_token is unknown.")
        if token.expires_at <= self.request.now:
            raise InvalidRequestError("The subject_token has expired.")
        self.token = token

    def _authorization_still_counts(self) -> None:
        family = families.live_family(self.request.session, self.token.family_id)
        if family is None:
            raise InvalidRequestError("The authorization was revoked.")
        self.family = family

    def _key_is_the_same(self) -> None:
        if self.token.jkt not in (None, self.request.jkt):
            raise InvalidRequestError("The subject_token is bound to another key.")

    def _scope_does_not_widen(self) -> None:
        held = scopes.parse(self.token.scopes)
        asked = scopes.parse(self.request.optional("scope"))
        if not asked <= held:
            raise InvalidScopeError("The scope is wider than that of the subject_token.")
        self.scope = scopes.render(asked or held)

    def _resource_was_authorized(self) -> None:
        asked, audience = self.request.optional("resource"), self.request.optional("audience")
        if asked and audience:
            raise InvalidRequestError("Name the target once: as resource or as audience.")
        self.resource = resource_within(self.resources, self.token.resource, asked or audience)

    def _lifetime_does_not_widen(self) -> None:
        left = self.token.expires_at - self.request.now
        asked = self.request.optional("expires_in") or str(left)
        if not asked.isascii() or not asked.isdecimal() or not int(asked[:_DIGITS]) > 0:
            raise InvalidRequestError("expires_in is a number of seconds.")
        self._lasts = min(int(asked[:_DIGITS]), left, self.request.client.lifetimes.access_token)


# Of a lifetime in seconds; more of them are longer than anything lasts.
_DIGITS = 10
