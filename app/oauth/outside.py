"""The resources of others that this server issues JWT access tokens for (RFC 9068)."""

from collections.abc import Callable

from sqlalchemy import Engine, select

from app.core import credentials, scopes
from app.core.system import acting_as_system
from app.models.signing import ResourceServer
from app.oauth.client import KnownClient
from app.oauth.families import FamilyRow
from app.oauth.keys import Keys
from app.oauth.tokens import NewToken

_ALG = "ES256"


def known_to(engine: Engine) -> Callable[[str], bool]:
    """Give what tells whether an identifier is that of a registered resource server."""

    def is_outside(identifier: str) -> bool:
        ours = select(ResourceServer.id).where(ResourceServer.identifier == identifier)
        with acting_as_system(engine, "look a resource server up", reads=True) as session:
            return session.scalar(ours) is not None

    return is_outside


def jwt_access_token(
    keys: Keys, issuer: str, client: KnownClient, family: FamilyRow, token: NewToken, now: int
) -> str:
    """Give an access token that its resource verifies by itself (RFC 9068 §2.2)."""
    claims: dict[str, object] = {
        "iss": issuer,
        # RFC 9068 §2.2: a client that acts for itself is not the person among whose rows it does.
        "sub": client.client_id if family.is_service else str(family.user_id),
        "aud": token.resource,
        "client_id": client.client_id,
        "iat": now,
        "exp": now + token.lasts,
        "jti": credentials.identifier(),
        "scope": scopes.render(scopes.parse(token.scope)),
    }
    if family.auth_time is not None:
        claims["auth_time"] = family.auth_time
    if token.jkt is not None:
        claims["cnf"] = {"jkt": token.jkt}
    return keys.signed(claims, alg=_ALG, typ="at+jwt")
