"""The client credentials grant: a client acts for itself (RFC 6749 §4.4)."""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidScopeError, UnauthorizedClientError

from app.core import scopes
from app.core.scopes import IDENTITY
from app.models.client import SELF_DESCRIBED
from app.oauth import families, purge
from app.oauth.audience import resource_asked
from app.oauth.client import NEW_APP_PATH
from app.oauth.families import Authorization
from app.oauth.issue import TokenGrant
from app.oauth.scope_refusal import scope_refusal


class ClientCredentials(TokenGrant):
    """Gives a confidential client a token of its own, good for its owner's rows at the most."""

    GRANT_TYPE = "client_credentials"
    CLEANS = purge.ACCESS_TWICE

    def validate_token_request(self) -> None:
        """Check the request, in this order."""
        self._client_is_not_self_registered()  # RFC 7591 §2
        self.client_may_use_it()  # RFC 6749 §5.2
        self._client_is_confidential()  # RFC 6749 §4.4
        self._client_has_an_owner()
        self.key_is_proved()  # RFC 9449 §5.2
        self._scope_is_the_clients()  # RFC 6749 §3.3
        self._resource_exists()  # RFC 8707 §2.2
        self._service_is_known()

    def issued(self) -> dict[str, Any]:
        """Issue an access token, and no refresh token (RFC 6749 §4.4.3)."""
        return self.with_access_token()

    def _client_is_not_self_registered(self) -> None:
        if self.request.client.source in SELF_DESCRIBED:
            page = self.resources.url(NEW_APP_PATH)
            raise UnauthorizedClientError(
                f"client_credentials needs an app with an owner. Register one: {page}"
            )

    def _client_is_confidential(self) -> None:
        if self.request.client.is_public:
            raise UnauthorizedClientError("A public client cannot act for itself.")

    def _client_has_an_owner(self) -> None:
        owner_id = self.request.client.owner_id
        held = None if owner_id is None else families.scopes_of(self.request.session, owner_id)
        if owner_id is None or held is None:
            raise UnauthorizedClientError(
                "The client belongs to nobody whose rows it could see: it needs an owner."
            )
        self.owner_id, self._held = owner_id, held

    def _scope_is_the_clients(self) -> None:
        allowed = self.request.client.scopes - IDENTITY
        asked = scopes.parse(self.request.optional("scope"))
        if excess := asked - allowed:
            raise InvalidScopeError(scope_refusal(excess))
        granted = (asked or allowed) & self._held
        if not granted:
            raise InvalidScopeError("The client's owner holds none of these scopes.")
        self.scope = scopes.render(granted)

    def _resource_exists(self) -> None:
        self.resource = resource_asked(self.resources, self.request.optional("resource"))

    def _service_is_known(self) -> None:
        request = self.request
        wanted = Authorization(
            self.owner_id,
            request.client.key,
            request.client.scopes - IDENTITY,
            resource=None,
            is_service=True,
        )
        self.family = families.service_family(request.session, wanted, request.now)
