"""What the grants of the token endpoint share: a client that may use them, and the answer."""

from typing import Any

from authlib.oauth2.rfc6749 import BaseGrant, TokenEndpointMixin, UnauthorizedClientError

from app.core.resource import Resources
from app.oauth import tokens, trail
from app.oauth.sent import TokenRequest
from app.oauth.tokens import FamilyRow


class TokenGrant(BaseGrant, TokenEndpointMixin):
    """A grant type: its first lines are the ordered list of its checks.

    The checks find the family, and the scope and resource to issue an access token for.
    """

    GRANT_TYPE: str
    request: TokenRequest
    family: FamilyRow
    scope: str
    resource: str | None

    @property
    def resources(self) -> Resources:
        """The resources that a token may be bound to."""
        resources: Resources = self.server.resources
        return resources

    def issued(self) -> dict[str, Any]:
        """Issue an access token, and a refresh token if the client is registered for them.

        The answer is that of RFC 6749 §5.1.
        """
        session, now = self.request.session, self.request.now
        body: dict[str, Any] = {
            "access_token": tokens.issue_access_token(
                session, self.family.id, granted=self.scope, resource=self.resource, now=now
            ),
            "token_type": "Bearer",
            "expires_in": tokens.ACCESS_TOKEN_LASTS,
            "scope": self.scope,
        }
        if self.request.client.check_grant_type("refresh_token"):
            body["refresh_token"] = tokens.issue_refresh_token(session, self.family.id, now)
        return body

    def end_family(self, family_id: int, reason: str) -> None:
        """Revoke a family, and write down why; once, or replays would fill the trail."""
        if tokens.revoke_family(self.request.session, family_id, self.request.now):
            trail.note(self.request, reason, family_id)

    def client_may_use_it(self) -> None:
        """Check that the client is registered for the grant type.

        Raises:
            UnauthorizedClientError: it is not.
        """
        if not self.request.client.check_grant_type(self.GRANT_TYPE):
            raise UnauthorizedClientError("The client is not registered for this grant type.")
