"""What the grants of the token endpoint share: a client that may use them, and the answer."""

from dataclasses import replace
from typing import Any, Protocol, cast

from authlib.oauth2.rfc6749 import (
    BaseGrant,
    InvalidScopeError,
    TokenEndpointMixin,
    UnauthorizedClientError,
)

from app.core import scopes
from app.core.resource import Resources
from app.core.scopes import IDENTITY
from app.oauth import families, purge, tokens, trail
from app.oauth.errors import InvalidDpopProof
from app.oauth.families import FamilyRow
from app.oauth.id_token import Said, id_token
from app.oauth.keys import Keys
from app.oauth.outside import jwt_access_token
from app.oauth.sent import TokenRequest
from app.oauth.tokens import NewToken


class Issuer(Protocol):
    """What a grant needs of the server that it is registered with."""

    resources: Resources
    keys: Keys


class TokenGrant(BaseGrant, TokenEndpointMixin):
    """A grant type: its first lines are the ordered list of its checks.

    The checks find the family, and the scope and resource to issue an access token for.
    `nonce` is what an ID token carries on from the authorization request; `lasts` is in seconds.
    """

    GRANT_TYPE: str
    # What is cleaned up at each issue: in the long run as many rows go as come.
    CLEANS: purge.Cleaned = purge.ACCESS_AND_REFRESH
    request: TokenRequest
    family: FamilyRow
    scope: str
    resource: str | None
    nonce: str | None = None

    @property
    def resources(self) -> Resources:
        """The resources that a token may be bound to."""
        return self._server.resources

    @property
    def lasts(self) -> int:
        """How long the access token lasts, in seconds."""
        return self.request.client.lifetimes.access_token

    def issued(self) -> dict[str, Any]:
        """Issue tokens; the answer is that of RFC 6749 §5.1."""
        body = self.with_access_token()
        client, session, now = self.request.client, self.request.session, self.request.now
        if "openid" in scopes.parse(body["scope"]):
            body["id_token"] = self._id_token(body["access_token"])
        if client.check_grant_type("refresh_token"):
            latest = self.family.created_at + client.lifetimes.refresh_token
            expires_at = min(latest, now + client.lifetimes.refresh_token_idle)
            body["refresh_token"] = tokens.issue_refresh_token(
                session, self.family.id, expires_at=expires_at, now=now
            )
            if client.is_public and self.request.jkt and self.family.jkt is None:
                # RFC 9449 §5: who has no secret proves by the key that the token is theirs.
                families.bind_family(session, self.family.id, self.request.jkt)
        return body

    def with_access_token(self) -> dict[str, Any]:
        """Issue an access token; give the answer without any other token."""
        request = self.request
        token = NewToken(self.scope, self.resource, request.jkt, self.lasts)
        if not self.resources.is_own(token.resource):
            token = self._narrowed(token)
        purge.clean_as_you_go(request.session, self.CLEANS, request.now)
        return {
            "access_token": self._access_token(token),
            "token_type": "DPoP" if request.jkt else "Bearer",
            "expires_in": self.lasts,
            "scope": token.scope,
        }

    def end_family(self, family_id: int, reason: str) -> None:
        """Revoke a family, and write down why; once, or replays would fill the trail."""
        if families.revoke_family(self.request.session, family_id, self.request.now):
            trail.note(self.request, reason, family_id)

    def client_may_use_it(self) -> None:
        """Check that the client is registered for the grant type.

        Raises:
            UnauthorizedClientError: it is not.
        """
        if not self.request.client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("The client is not registered for this grant type.")

    def key_is_proved(self) -> None:
        """Check that a client which wants bound tokens only proves a key (RFC 9449 §5.2).

        Raises:
            InvalidDpopProof: it proves none.
        """
        if self.request.client.dpop_bound and self.request.jkt is None:
            raise InvalidDpopProof("The client is registered for DPoP-bound tokens: prove a key.")

    @property
    def _server(self) -> Issuer:
        return cast("Issuer", self.server)

    def _access_token(self, token: NewToken) -> str:
        request, family = self.request, self.family
        if self.resources.is_own(token.resource):
            return tokens.issue_access_token(request.session, family.id, token, request.now)
        issuer = self.resources.public_url
        signed = jwt_access_token(
            self._server.keys, issuer, request.client, family, token, request.now
        )
        tokens.keep_access_token(request.session, family.id, signed, token, request.now)
        return signed

    def _narrowed(self, token: NewToken) -> NewToken:
        """Give what the token may hold as things stand now: who verifies it does not ask us."""
        request, family = self.request, self.family
        held = families.scopes_of(request.session, family.user_id) or frozenset()
        allowed = scopes.parse(family.granted) & request.client.scopes & (held | IDENTITY)
        left = scopes.parse(token.scope) & allowed
        if not left:
            raise InvalidScopeError("None of these scopes is held any more.")
        return replace(token, scope=scopes.render(left))

    def _id_token(self, access_token: str) -> str:
        client, family = self.request.client, self.family
        said = Said(client.client_id, family.user_id, family.auth_time, self.nonce)
        keys, issuer = self._server.keys, self.resources.public_url
        return id_token(
            keys, issuer, client.id_token_alg, said, beside=access_token, now=self.request.now
        )
