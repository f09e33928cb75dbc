"""Families: what one authorization leads to, and whether it still counts.

Each function works within the caller's transaction.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update

from app.core import scopes
from app.core.statement import Statement, Transaction
from app.models.client import Client
from app.models.grant import Family, Grant
from app.models.user import User
from app.oauth.lookup import OF_ROLES, STANDS

_FAMILY: tuple[Any, ...] = (
    Family.id,
    Grant.client_key,
    Grant.user_id,
    Grant.is_service,
    Grant.scopes.label("granted"),
    Family.scopes,
    Family.resource,
    Family.auth_time,
    Family.jkt,
    Family.created_at,
)
_LIVE_FAMILY = Statement(
    select(*_FAMILY)
    .join(Grant, Grant.id == Family.grant_id)
    .join(Client, Client.id == Grant.client_key)
    .join(User, User.id == Grant.user_id)
    .where(
        Family.id == bindparam("family_id"),
        *STANDS,
    )
)
_SERVICE_FAMILY = Statement(
    select(*_FAMILY)
    .join(Grant, Grant.id == Family.grant_id)
    .where(
        Grant.user_id == bindparam("user_id"),
        Grant.client_key == bindparam("client_key"),
        Grant.is_service,
        Grant.revoked_at.is_(None),
        Family.revoked_at.is_(None),
    )
    .limit(1)
)
_SCOPES_OF_ROLES = Statement(
    select(OF_ROLES).where(User.id == bindparam("user_id"), User.suspended_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class Authorization:
    """What a person allowed a client, and what the tokens of it are good for.

    `auth_time` is when the person had signed in, in seconds since the epoch.
    """

    user_id: int
    client_key: int
    scopes: frozenset[str]
    resource: str | None
    auth_time: int | None = None
    is_service: bool = False


@dataclass(frozen=True, slots=True)
class FamilyRow:
    """The live family that a code or a refresh token belongs to."""

    id: int
    client_key: int
    user_id: int
    is_service: bool
    granted: str
    scopes: str
    resource: str | None
    auth_time: int | None
    jkt: str | None
    created_at: int


def open_family(session: Transaction, given: Authorization, now: int) -> int:
    """Write an authorization down: widen the person's grant for the client, start a family.

    Gives the family's id.
    """
    family_id = session.scalar(
        insert(Family)
        .values(
            grant_id=_widened_grant(session, given, now),
            scopes=scopes.render(given.scopes),
            resource=given.resource,
            auth_time=given.auth_time,
            created_at=now,
        )
        .returning(Family.id)
    )
    return int(family_id or 0)


def _widened_grant(session: Transaction, given: Authorization, now: int) -> int | None:
    """Give the id of the person's live grant for the client; it holds these scopes too now."""
    whose = {
        "user_id": given.user_id,
        "client_key": given.client_key,
        "is_service": given.is_service,
    }
    grant = session.execute(
        select(Grant.id, Grant.scopes).filter_by(**whose).where(Grant.revoked_at.is_(None))
    ).one_or_none()
    if grant is None:
        return session.scalar(
            insert(Grant)
            .values(**whose, scopes=scopes.render(given.scopes), created_at=now)
            .returning(Grant.id)
        )
    wider = scopes.render(scopes.parse(grant.scopes) | given.scopes)
    if wider != grant.scopes:
        session.execute(update(Grant).where(Grant.id == grant.id).values(scopes=wider))
    return int(grant.id)


def live_family(session: Transaction, family_id: int) -> FamilyRow | None:
    """Give a family; None where it, its grant, its client or its person no longer counts."""
    row = _LIVE_FAMILY.row(session, family_id=family_id)
    return None if row is None else FamilyRow(*row)


def scopes_of(session: Transaction, user_id: int) -> frozenset[str] | None:
    """Give what a person's roles hold; None where the person no longer counts."""
    held = _SCOPES_OF_ROLES.row(session, user_id=user_id)
    return None if held is None else scopes.parse(held[0])


def service_family(session: Transaction, wanted: Authorization, now: int) -> FamilyRow:
    """Give the family of the tokens that a client gets for itself; there is one, and it stays."""
    row = _SERVICE_FAMILY.row(session, user_id=wanted.user_id, client_key=wanted.client_key)
    if row is not None and wanted.scopes <= scopes.parse(row.granted):
        return FamilyRow(*row)
    if row is not None:
        _widened_grant(session, wanted, now)
        return FamilyRow(*row)
    return _family(session, open_family(session, wanted, now))


def _family(session: Transaction, family_id: int) -> FamilyRow:
    found = select(*_FAMILY).join(Grant, Grant.id == Family.grant_id)
    return FamilyRow(*session.execute(found.where(Family.id == family_id)).one())


def revoke_family(session: Transaction, family_id: int, now: int) -> bool:
    """Revoke everything that one authorization led to; tell whether it was not revoked yet."""
    revoked = session.execute(
        update(Family)
        .where(Family.id == family_id, Family.revoked_at.is_(None))
        .values(revoked_at=now)
        .returning(Family.id)
    )
    return revoked.one_or_none() is not None


def bind_family(session: Transaction, family_id: int, jkt: str) -> None:
    """Bind the refresh tokens of a family to a client's key (RFC 9449 §5)."""
    session.execute(update(Family).where(Family.id == family_id).values(jkt=jkt))
