"""The refresh token grant: rotated at each use; reuse ends its family (RFC 9700 §4.14)."""

from authlib.oauth2.rfc6749 import InvalidGrantError, InvalidScopeError

from app.core import credentials, scopes
from app.models.grant import RefreshToken
from app.oauth import lookup, tokens
from app.oauth.audience import resource_within
from app.oauth.issue import TokenGrant


class Refresh(TokenGrant):
    """Exchanges a refresh token for a new one and an access token."""

    GRANT_TYPE = "refresh_token"

    def validate_token_request(self) -> None:
        """Check the request, in this order."""
        self.client_may_use_it()  # RFC 6749 §5.2
        self._token_is_this_clients()  # RFC 6749 §6; before reuse: no other client ends a family
        self._token_was_not_used_before()  # RFC 9700 §4.14.2
        self._authorization_still_counts()
        self._scope_does_not_widen()  # RFC 6749 §6
        self._resource_was_authorized()  # RFC 8707 §2.2
        self._token_is_used_up()

    def _token_is_this_clients(self) -> None:
        self.digest = credentials.digest(self.request.value("refresh_token"))
        token = lookup.find_refresh_token(self.request.session, self.digest)
        if token is None or token.client_key != self.request.client.key:
            raise InvalidGrantError("The refresh token is unknown.")
        self.token = token

    def _token_was_not_used_before(self) -> None:
        if self.token.consumed_at is not None:
            self.end_family(self.token.family_id, "oauth.refresh_token_reused")
            raise InvalidGrantError("The refresh token was used before. Its family is revoked.")
        if self.token.expires_at <= self.request.now:
            raise InvalidGrantError("The refresh token has expired.")

    def _authorization_still_counts(self) -> None:
        family = tokens.live_family(self.request.session, self.token.family_id)
        if family is None:
            raise InvalidGrantError("The authorization was revoked.")
        self.family = family

    def _scope_does_not_widen(self) -> None:
        asked = scopes.parse(self.request.optional("scope"))
        if not asked <= scopes.parse(self.family.scopes):
            raise InvalidScopeError("The scope is wider than what was granted.")
        self.scope = scopes.render(asked) or self.family.scopes

    def _resource_was_authorized(self) -> None:
        self.resource = resource_within(
            self.resources, self.family.resource, self.request.optional("resource")
        )

    def _token_is_used_up(self) -> None:
        request = self.request
        if not tokens.consume(request.session, RefreshToken, self.digest, request.now):
            raise InvalidGrantError("The refresh token was used before.")
