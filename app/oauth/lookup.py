"""Finding codes and tokens by what was presented, and what they stand on: without the ORM."""

from dataclasses import dataclass

from sqlalchemy import bindparam, func, select

from app.core.statement import SPACE, Statement, Transaction
from app.models.client import Client
from app.models.grant import AccessToken, AuthorizationCode, Family, Grant, RefreshToken
from app.models.user import RoleScope, User, UserRole

# What a person's roles let them do, as a column of a query about them.
OF_ROLES = (
    select(func.aggregate_strings(RoleScope.scope, SPACE))
    .join(UserRole, UserRole.role_id == RoleScope.role_id)
    .where(UserRole.user_id == User.id)
    .scalar_subquery()
)
# All that a code or a token stands on; where one of them counts no more, neither does it.
STANDS = (
    Family.revoked_at.is_(None),
    Grant.revoked_at.is_(None),
    Client.revoked_at.is_(None),
    Client.banned_at.is_(None),
    User.suspended_at.is_(None),
)


@dataclass(frozen=True, slots=True)
class CodeRow:
    """An authorization code, used or not; times are in seconds since the epoch."""

    family_id: int
    client_key: int
    expires_at: int
    consumed_at: int | None
    redirect_uri: str | None
    code_challenge: str | None
    nonce: str | None
    jkt: str | None


@dataclass(frozen=True, slots=True)
class RefreshTokenRow:
    """A refresh token, used or not; times are in seconds since the epoch."""

    family_id: int
    client_key: int
    expires_at: int
    consumed_at: int | None
    answer: bytes | None


@dataclass(frozen=True, slots=True)
class AccessTokenRow:
    """An access token, and whose it is; `expires_at` is in seconds since the epoch."""

    family_id: int
    client_key: int
    scopes: str
    resource: str | None
    jkt: str | None
    expires_at: int


_REFRESH_TOKEN = Statement(
    select(
        RefreshToken.family_id,
        Grant.client_key,
        RefreshToken.expires_at,
        RefreshToken.consumed_at,
        RefreshToken.answer,
    )
    .join(Family, Family.id == RefreshToken.family_id)
    .join(Grant, Grant.id == Family.grant_id)
    .where(RefreshToken.digest == bindparam("digest"))
)


def find_code(session: Transaction, digest: bytes) -> CodeRow | None:
    """Give the code with this digest, if there is one."""
    row = session.execute(
        select(
            AuthorizationCode.family_id,
            Grant.client_key,
            AuthorizationCode.expires_at,
            AuthorizationCode.consumed_at,
            AuthorizationCode.redirect_uri,
            AuthorizationCode.code_challenge,
            AuthorizationCode.nonce,
            AuthorizationCode.jkt,
        )
        .join(Family, Family.id == AuthorizationCode.family_id)
        .join(Grant, Grant.id == Family.grant_id)
        .where(AuthorizationCode.digest == digest)
    ).one_or_none()
    return None if row is None else CodeRow(*row)


def find_refresh_token(session: Transaction, digest: bytes) -> RefreshTokenRow | None:
    """Give the refresh token with this digest, if there is one."""
    row = _REFRESH_TOKEN.row(session, digest=digest)
    return None if row is None else RefreshTokenRow(*row)


def find_access_token(session: Transaction, digest: bytes) -> AccessTokenRow | None:
    """Give the access token with this digest, if there is one."""
    row = session.execute(
        select(
            AccessToken.family_id,
            Grant.client_key,
            AccessToken.scopes,
            AccessToken.resource,
            AccessToken.jkt,
            AccessToken.expires_at,
        )
        .join(Family, Family.id == AccessToken.family_id)
        .join(Grant, Grant.id == Family.grant_id)
        .where(AccessToken.digest == digest)
    ).one_or_none()
    return None if row is None else AccessTokenRow(*row)
