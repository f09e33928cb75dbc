"""Grants, families and tokens: how they are issued, rotated and revoked.

Each function works within the caller's transaction, so that an issue is whole or not at all.
"""

from dataclasses import dataclass

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from app.core import credentials, scopes
from app.core.credentials import Prefix
from app.models.client import Client
from app.models.grant import AccessToken, AuthorizationCode, Family, Grant, RefreshToken
from app.models.user import User

# Seconds.
ACCESS_TOKEN_LASTS = 3600
REFRESH_TOKEN_LASTS = 30 * 24 * 3600
CODE_LASTS = 60


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a person allowed a client, and what the tokens of it are good for."""

    user_id: int
    client_key: int
    scopes: frozenset[str]
    resource: str | None


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """The live family that a code or a refresh token belongs to."""

    id: int
    client_key: int
    scopes: str
    resource: str | None


def open_family(session: Session, given: Authorization, now: int) -> int:
    """Write an authorization down: widen the person's grant for the client, start a family.

    Gives the family's id.
    """
    family_id = session.scalar(
        insert(Family)
        .values(
            grant_id=_widened_grant(session, given, now),
            scopes=scopes.render(given.scopes),
            resource=given.resource,
            created_at=now,
        )
        .returning(Family.id)
    )
    return int(family_id or 0)


def _widened_grant(session: Session, given: Authorization, now: int) -> int | None:
    """Give the id of the person's live grant for the client; it holds these scopes too now."""
    grant = session.execute(
        select(Grant.id, Grant.scopes).where(
            Grant.user_id == given.user_id,
            Grant.client_key == given.client_key,
            Grant.revoked_at.is_(None),
        )
    ).one_or_none()
    if grant is None:
        return session.scalar(
            insert(Grant)
            .values(
                user_id=given.user_id,
                client_key=given.client_key,
                scopes=scopes.render(given.scopes),
                created_at=now,
            )
            .returning(Grant.id)
        )
    wider = scopes.render(scopes.parse(grant.scopes) | given.scopes)
    session.execute(update(Grant).where(Grant.id == grant.id).values(scopes=wider))
    return int(grant.id)


def live_family(session: Session, family_id: int) -> FamilyRow | None:
    """Give a family; None where it, its grant, its client or its person no longer counts."""
    row = session.execute(
        select(Family.id, Grant.client_key, Family.scopes, Family.resource)
        .join(Grant, Grant.id == Family.grant_id)
        .join(Client, Client.id == Grant.client_key)
        .join(User, User.id == Grant.user_id)
        .where(
            Family.id == family_id,
            Family.revoked_at.is_(None),
            Grant.revoked_at.is_(None),
            Client.revoked_at.is_(None),
            User.suspended_at.is_(None),
        )
    ).one_or_none()
    return None if row is None else FamilyRow(*row)


def revoke_family(session: Session, family_id: int, now: int) -> bool:
    """Revoke everything that one authorization led to; tell whether it was not revoked yet."""
    revoked = session.execute(
        update(Family)
        .where(Family.id == family_id, Family.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(Family.id)
    )
    return revoked.one_or_none() is not None


def issue_code(
    session: Session, family_id: int, *, redirect_uri: str | None, code_challenge: str, now: int
) -> str:
    """Give a new authorization code (RFC 6749 §4.1.2)."""
    code = credentials.issue(Prefix.AUTHORIZATION_CODE)
    session.execute(
        insert(AuthorizationCode).values(
            digest=credentials.digest(code),
            family_id=family_id,
            redirect_uri=redirect_uri,
            code_challenge=code_challenge,
            expires_at=now + CODE_LASTS,
        )
    )
    return code


def issue_access_token(
    session: Session, family_id: int, *, granted: str, resource: str | None, now: int
) -> str:
    """Give a new access token, good for the scopes and the resource given (none: everywhere)."""
    token = credentials.issue(Prefix.ACCESS_TOKEN)
    session.execute(
        insert(AccessToken).values(
            digest=credentials.digest(token),
            family_id=family_id,
            scopes=granted,
            resource=resource,
            issued_at=now,
            expires_at=now + ACCESS_TOKEN_LASTS,
        )
    )
    return token


def issue_refresh_token(session: Session, family_id: int, now: int) -> str:
    """Give a new refresh token; the caller has consumed the one before."""
    token = credentials.issue(Prefix.REFRESH_TOKEN)
    session.execute(
        insert(RefreshToken).values(
            digest=credentials.digest(token),
            family_id=family_id,
            issued_at=now,
            expires_at=now + REFRESH_TOKEN_LASTS,
        )
    )
    return token


def consume(
    session: Session, table: type[AuthorizationCode | RefreshToken], digest: bytes, now: int
) -> bool:
    """Use a code or refresh token up; of many at once, one wins (RFC 9700 §4.5, §4.14)."""
    used = session.execute(
        update(table)
        .where(table.digest == digest, table.consumed_at.is_(None), table.expires_at > now)
        .values(consumed_at=now)
        .returning(table.digest)
    )
    return used.one_or_none() is not None


def forget_access_token(session: Session, digest: bytes) -> None:
    """Revoke one access token alone."""
    session.execute(delete(AccessToken).where(AccessToken.digest == digest))
