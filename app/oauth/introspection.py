"""What a token is good for, told to those that may know (RFC 7662)."""

from typing import Any

from authlib.oauth2.rfc6749 import InvalidClientError
from sqlalchemy import ColumnElement, bindparam, select
from sqlalchemy.orm import InstrumentedAttribute

from app.core import credentials, scopes
from app.core.credentials import Prefix
from app.core.scopes import IDENTITY
from app.core.statement import Found, Statement
from app.models.client import Client
from app.models.grant import AccessToken, Family, Grant, RefreshToken
from app.models.signing import ResourceServer
from app.models.user import User
from app.oauth.lookup import OF_ROLES, STANDS
from app.oauth.sent import TokenRequest

_INACTIVE: dict[str, Any] = {"active": False}


def introspected(request: TokenRequest, issuer: str) -> dict[str, Any]:
    """Describe the token of a request, if it counts and is the client's, or its resource's.

    Raises:
        InvalidClientError: the client has not proved who it is (RFC 7662 §2.1).
        InvalidRequestError: the request names no token.
    """
    if request.client.is_public:
        raise InvalidClientError("A public client cannot introspect.", status_code=401)
    token = request.value("token")
    is_refresh = token.startswith(Prefix.REFRESH_TOKEN)
    found = _REFRESH if is_refresh else _ACCESS
    row = found.row(request.session, digest=credentials.digest(token))
    if row is None or row.expires_at <= request.now:
        return _INACTIVE
    if not _may_know(request, row, is_refresh=is_refresh):
        return _INACTIVE
    return _described(row, issuer, is_refresh=is_refresh)


def _may_know(request: TokenRequest, row: Found, *, is_refresh: bool) -> bool:
    if row.client_key == request.client.key:
        return True
    # A refresh token is nothing that a resource should ever have seen.
    return not is_refresh and bool(row.of_resource == request.client.key)


def _described(row: Found, issuer: str, *, is_refresh: bool) -> dict[str, Any]:
    held = scopes.parse(row.of_roles) | IDENTITY
    allowed = scopes.allowed(row.chosen_scopes, row.scope_bound, is_trusted=row.is_trusted)
    effective = scopes.parse(row.scopes) & scopes.parse(row.granted) & allowed
    described: dict[str, Any] = {
        "active": True,
        "scope": scopes.render(effective & held),
        "client_id": row.client_id,
        "sub": row.client_id if row.is_service else str(row.user_id),
        "exp": row.expires_at,
        "iat": row.issued_at,
        "iss": issuer,
        "aud": row.resource or issuer,
    }
    if not is_refresh:
        described["token_type"] = "DPoP" if row.jkt else "Bearer"
    if row.jkt:
        described["cnf"] = {"jkt": row.jkt}
    return described


def _live(
    table: type[AccessToken | RefreshToken],
    token_scopes: InstrumentedAttribute[str],
    resource: InstrumentedAttribute[str | None],
    jkt: InstrumentedAttribute[str | None],
    *conditions: ColumnElement[bool],
) -> Statement:
    """Give the query for a token with all that it stands on; what was revoked is not found."""
    return Statement(
        select(
            table.expires_at,
            table.issued_at,
            token_scopes.label("scopes"),
            resource.label("resource"),
            jkt.label("jkt"),
            Grant.scopes.label("granted"),
            Grant.is_service,
            Grant.user_id,
            Grant.client_key,
            Client.chosen_scopes.label("chosen_scopes"),
            Client.scope_bound,
            Client.is_trusted,
            Client.client_id,
            ResourceServer.client_key.label("of_resource"),
            OF_ROLES.label("of_roles"),
        )
        .join_from(table, Family, Family.id == table.family_id)
        .join(Grant, Grant.id == Family.grant_id)
        .join(Client, Client.id == Grant.client_key)
        .join(User, User.id == Grant.user_id)
        .outerjoin(ResourceServer, ResourceServer.identifier == resource)
        .where(
            *STANDS,
            table.digest == bindparam("digest"),
            *conditions,
        )
    )


_ACCESS = _live(AccessToken, AccessToken.scopes, AccessToken.resource, AccessToken.jkt)
_REFRESH = _live(
    RefreshToken,
    Family.scopes,
    Family.resource,
    Family.jkt,
    RefreshToken.consumed_at.is_(None),
)
