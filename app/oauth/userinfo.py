"""Who a person is, told to a client that may know (OpenID Connect Core §5.3)."""

import time
from collections.abc import Callable
from typing import Any, cast

from authlib.oauth2 import OAuth2Error
from sqlalchemy import Engine, Row, select

from app.core import credentials, scopes
from app.core.credentials import Prefix
from app.core.system import acting_as_system
from app.models.client import Client
from app.models.grant import AccessToken, Family, Grant
from app.models.user import User
from app.oauth.dpop import Proof, Proofs
from app.oauth.errors import InvalidDpopProof, UseDpopNonce
from app.oauth.lookup import STANDS

_FOUND = (
    select(
        User.id,
        User.name,
        User.email,
        AccessToken.scopes,
        AccessToken.resource,
        AccessToken.jkt,
        AccessToken.expires_at,
        Grant.scopes.label("granted"),
        Grant.is_service,
        Client.chosen_scopes.label("chosen_scopes"),
        Client.scope_bound,
        Client.is_trusted,
    )
    .join_from(AccessToken, Family, Family.id == AccessToken.family_id)
    .join(Grant, Grant.id == Family.grant_id)
    .join(Client, Client.id == Grant.client_key)
    .join(User, User.id == Grant.user_id)
    .where(
        *STANDS,
    )
)


class TokenUnfit(OAuth2Error):
    """The access token is no good here (RFC 6750 §3.1); `scheme` is the one to use."""

    status_code = 401
    error = "invalid_token"
    nonce: str | None = None

    def __init__(self, description: str, scheme: str = "Bearer") -> None:
        super().__init__(description=description)
        self.scheme = scheme


class NonceRequired(TokenUnfit):
    """The proof has to hold this server's nonce (RFC 9449 §9)."""

    error = "use_dpop_nonce"

    def __init__(self, description: str, nonce: str) -> None:
        super().__init__(description, "DPoP")
        self.nonce = nonce


class ScopeLacking(TokenUnfit):
    """The access token was not issued for signing in."""

    status_code = 403
    error = "insufficient_scope"


class UserInfo:
    """The userinfo endpoint of one deployment."""

    def __init__(
        self, engine: Engine, proofs: Proofs, now: Callable[[], float] = time.time
    ) -> None:
        self._engine = engine
        self._proofs = proofs
        self._now = now

    def claims(self, token: str, proof: Proof | None) -> dict[str, Any]:
        """Give what the scopes of an access token tell about its person.

        Raises:
            TokenUnfit: it is unknown, over, meant for elsewhere, or lacks the scope openid.
        """
        row = self._row(token)
        if row is None or row.expires_at <= int(self._now()) or row.is_service:
            raise TokenUnfit("The access token is unknown, expired or revoked.")
        if row.resource is not None:
            raise TokenUnfit("The access token was issued for another resource.")
        self._check_key(token, row.jkt, proof)
        allowed = scopes.allowed(row.chosen_scopes, row.scope_bound, is_trusted=row.is_trusted)
        held = scopes.parse(row.scopes) & scopes.parse(row.granted) & allowed
        if "openid" not in held:
            raise ScopeLacking("This needs the scope openid.")
        claims: dict[str, Any] = {"sub": str(row.id)}
        if "profile" in held:
            claims["name"] = row.name
        if "email" in held:
            # Nobody has proved that the address is theirs.
            claims |= {"email": row.email, "email_verified": False}
        return claims

    def _row(self, token: str) -> Row[Any] | None:
        if not credentials.is_well_formed(token, Prefix.ACCESS_TOKEN):
            return None
        mine = AccessToken.digest == credentials.digest(token)
        with acting_as_system(self._engine, "tell who a person is", reads=True) as session:
            return cast("Row[Any] | None", session.execute(_FOUND.where(mine)).one_or_none())

    def _check_key(self, token: str, jkt: str | None, proof: Proof | None) -> None:
        if jkt is None and proof is None:
            return
        if jkt is None or proof is None:
            raise TokenUnfit("Use the scheme that the access token was issued for.", "DPoP")
        try:
            proved = self._proofs.jkt_of_use(proof, token)
        except UseDpopNonce as error:
            raise NonceRequired(error.get_error_description(), self._proofs.nonce()) from error
        except InvalidDpopProof as error:
            raise TokenUnfit(error.get_error_description(), "DPoP") from error
        if proved != jkt:
            raise TokenUnfit("The access token is bound to another key.", "DPoP")
