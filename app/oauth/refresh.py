"""The refresh token grant: rotated at each use; reuse ends its family (RFC 9700 §4.14)."""

import json
from typing import Any

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidScopeError

from app.core import credentials, scopes, sealing
from app.models.grant import RefreshToken
from app.oauth import families, lookup, tokens
from app.oauth.audience import resource_within
from app.oauth.issue import TokenGrant

# Seconds in which the same answer is given again: it may have been lost on its way, or two
# processes of the client renew at once.
RETRIED_WITHIN = 60


class Refresh(TokenGrant):
    """Exchanges a refresh token for a new one and an access token."""

    GRANT_TYPE = "refresh_token"
    _answer: dict[str, Any] | None = None

    def validate_token_request(self) -> None:
        """Check the request, in this order."""
        self.client_may_use_it()  # RFC 6749 §5.2
        self._token_is_this_clients()  # RFC 6749 §6; before reuse: no other client ends a family
        self._authorization_still_counts()  # also before: what was revoked is never given again
        self._key_is_the_one_it_is_bound_to()  # RFC 9449 §5
        self.key_is_proved()  # RFC 9449 §5.2
        self._scope_does_not_widen()  # RFC 6749 §6
        self._resource_was_authorized()  # RFC 8707 §2.2
        self._token_was_not_used_before()  # RFC 9700 §4.14.2
        self._token_is_used_up()

    def issued(self) -> dict[str, Any]:
        """Issue new tokens, or give a retry what was issued."""
        if self._answer is not None:
            return self._answer
        answer = super().issued()
        sealed = sealing.seal(self._key, json.dumps(answer).encode(), self._context)
        tokens.keep_answer(self.request.session, self.digest, sealed)
        return answer

    def _token_is_this_clients(self) -> None:
        self.digest = credentials.digest(self.request.value("refresh_token"))
        token = lookup.find_refresh_token(self.request.session, self.digest)
        if token is None or token.client_key != self.request.client.key:
            raise InvalidGrantError("The refresh token is unknown.")
        self.token = token

    def _authorization_still_counts(self) -> None:
        family = families.live_family(self.request.session, self.token.family_id)
        if family is None:
            raise InvalidGrantError("The authorization was revoked.")
        self.family = family

    def _key_is_the_one_it_is_bound_to(self) -> None:
        if self.family.jkt not in (None, self.request.jkt):
            raise InvalidGrantError("The refresh token is bound to another key.")

    def _scope_does_not_widen(self) -> None:
        asked = scopes.parse(self.request.optional("scope"))
        if not asked <= scopes.parse(self.family.scopes):
            raise InvalidScopeError("The scope is wider than what was granted.")
        self.scope = scopes.render(asked) or self.family.scopes

    def _resource_was_authorized(self) -> None:
        self.resource = resource_within(
            self.resources, self.family.resource, self.request.optional("resource")
        )

    def _token_was_not_used_before(self) -> None:
        used_at = self.token.consumed_at
        if used_at is None:
            if self.token.expires_at <= self.request.now:
                raise InvalidGrantError("The refresh token has expired.")
            return
        answer = self._answer_before() if self.request.now <= used_at + RETRIED_WITHIN else None
        if answer is None:
            self.end_family(self.token.family_id, "oauth.refresh_token_reused")
            raise InvalidGrantError("The refresh token was used before. Its family is revoked.")
        self._answer = answer

    def _answer_before(self) -> dict[str, Any] | None:
        """Give what the token was exchanged for; None where that was used up in its turn.

        Raises:
            InvalidGrantError: it asked for something else then.
        """
        try:
            plain = sealing.opened(self._key, self.token.answer or b"", self._context)
        except sealing.Unsealed as error:
            raise InvalidGrantError(
                "The refresh token was used just now, with other parameters."
            ) from error
        answer: dict[str, Any] = json.loads(plain)
        digest = credentials.digest(answer["refresh_token"])
        successor = lookup.find_refresh_token(self.request.session, digest)
        return None if successor is None or successor.consumed_at is not None else answer

    def _token_is_used_up(self) -> None:
        request = self.request
        if self._answer is None and not tokens.consume(
            request.session, RefreshToken, self.digest, request.now
        ):
            raise InvalidGrantError("The refresh token was used before.")

    @property
    def _key(self) -> bytes:
        return sealing.key_for("refresh answer", self.request.value("refresh_token"))

    @property
    def _context(self) -> bytes:
        """What makes two requests the same one: a retry repeats it."""
        return json.dumps([self.scope, self.resource, self.request.jkt]).encode()
