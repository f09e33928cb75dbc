"""Removing what has expired, a few rows per transaction, so that nobody waits for it."""

from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, bindparam, delete, exists, select
from sqlalchemy.orm import InstrumentedAttribute

from app.core.statement import Statement, Transaction
from app.core.system import acting_as_system
from app.extensions import Model
from app.models.client import SELF_DESCRIBED, Client, ClientSecret
from app.models.grant import (
    AccessToken,
    AuthorizationCode,
    ConsentRequest,
    DeviceAuthorization,
    Family,
    Grant,
    PushedRequest,
    RefreshToken,
)
from app.models.organization import Invitation
from app.models.signing import UsedJti
from app.models.user import Login

# Rows per transaction: SQLite's writers wait for one another.
_BATCHES = {"sqlite": 250}
_BATCH = 1000
# Seconds. A used code or refresh token is kept past its end for as long, to recognise a replay.
KEPT = 24 * 3600

_KEYS = (
    (AccessToken, AccessToken.digest),
    (AuthorizationCode, AuthorizationCode.digest),
    (RefreshToken, RefreshToken.digest),
    (ConsentRequest, ConsentRequest.id),
    (DeviceAuthorization, DeviceAuthorization.digest),
    (PushedRequest, PushedRequest.digest),
    (ClientSecret, ClientSecret.id),
    (UsedJti, UsedJti.digest),
    (Login, Login.digest),
    (Invitation, Invitation.id),
)


# Which tables are cleaned of how many rows as new ones come: two in all at each issue.
ACCESS_TWICE = ((AccessToken, 2),)
ACCESS_AND_REFRESH = ((AccessToken, 1), (RefreshToken, 1))
CODES_AND_REFRESH = ((AuthorizationCode, 1), (RefreshToken, 1))
DEVICES_TWICE = ((DeviceAuthorization, 2),)
PUSHED_TWICE = ((PushedRequest, 2),)
PROOFS_TWICE = ((UsedJti, 2),)
_Table = type[
    AccessToken | AuthorizationCode | RefreshToken | DeviceAuthorization | PushedRequest | UsedJti
]
Cleaned = tuple[tuple[_Table, int], ...]


def _cleaning(table: _Table) -> Statement:
    gone = select(table.digest).where(table.expires_at < bindparam("before"))
    return Statement(delete(table).where(table.digest.in_(gone.limit(bindparam("most")))))


_TABLES: tuple[_Table, ...] = (
    *(AccessToken, AuthorizationCode, RefreshToken),
    *(DeviceAuthorization, PushedRequest, UsedJti),
)
_CLEANING = {table: _cleaning(table) for table in _TABLES}


def clean_as_you_go(session: Transaction, tables: Cleaned, now: int) -> None:
    """Remove a few expired rows, within the transaction in which new ones come."""
    for table, most in tables:
        _CLEANING[table].change(session, before=now - KEPT, most=most)


def purge(engine: Engine, now: int) -> int:
    """Remove what has expired, and clients that nobody ever used; give how many rows.

    It may run in several places at once: each removes what it finds, and there is nothing else.
    """
    before = now - KEPT
    expired = sum(_removed(engine, table, key, table.expires_at < before) for table, key in _KEYS)
    return (
        expired
        + _removed(engine, Family, Family.id, _led_to_nothing(before))
        + _removed(engine, Client, Client.id, _never_allowed(before))
    )


def _led_to_nothing(before: int) -> ColumnElement[bool]:
    """Tell which families have neither codes nor tokens left; a client's own stays."""
    below = (AccessToken, AuthorizationCode, RefreshToken, DeviceAuthorization)
    of_service = exists().where(Grant.id == Family.grant_id, Grant.is_service)
    empty = (~exists().where(table.family_id == Family.id) for table in below)
    return and_(Family.created_at < before, ~of_service, *empty)


def _never_allowed(before: int) -> ColumnElement[bool]:
    """Tell which clients registered themselves, and were never allowed anything by anybody.

    One that an admin has revoked or set rules for stays: it would come back without them.
    """
    by_itself = Client.source.in_(SELF_DESCRIBED)
    allowed = exists().where(Grant.client_key == Client.id)
    marks = (Client.revoked_at, Client.banned_at, Client.scope_bound)
    untouched = and_(*(mark.is_(None) for mark in marks))
    return and_(by_itself, untouched, Client.created_at < before, ~allowed)


def _removed(
    engine: Engine, table: type[Model], key: InstrumentedAttribute[Any], gone: ColumnElement[bool]
) -> int:
    batch = _BATCHES.get(engine.dialect.name, _BATCH)
    removed = 0
    while True:
        with acting_as_system(engine, f"purge {table.__tablename__}") as session:
            some = select(key).where(gone).limit(batch)
            rows = session.execute(delete(table).where(key.in_(some)).returning(key)).all()
        removed += len(rows)
        if len(rows) < batch:
            return removed
