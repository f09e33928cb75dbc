"""Removing what has expired, a few rows per transaction, so that nobody waits for it."""

from sqlalchemy import Engine, delete, exists, select

from app.core.system import acting_as_system
from app.models.client import Client, Source
from app.models.grant import (
    AccessToken,
    AuthorizationCode,
    ConsentRequest,
    Grant,
    RefreshToken,
)
from app.models.user import Login

BATCH = 250
# Seconds. A used code or refresh token is kept past its end for as long, to recognise a replay.
KEPT = 24 * 3600

_KEYS = (
    (AccessToken, AccessToken.digest),
    (AuthorizationCode, AuthorizationCode.digest),
    (RefreshToken, RefreshToken.digest),
    (ConsentRequest, ConsentRequest.id),
    (Login, Login.digest),
)


def purge(engine: Engine, now: int) -> int:
    """Remove what has expired, and clients that nobody ever used; give how many rows."""
    before = now - KEPT
    expired = sum(_emptied(engine, index, before) for index in range(len(_KEYS)))
    return expired + _without_never_used(engine, before)


def _without_never_used(engine: Engine, before: int) -> int:
    """Remove clients that registered themselves, and that nobody has ever allowed anything."""
    allowed = exists().where(Grant.client_key == Client.id)
    some = select(Client.id).where(
        Client.source == Source.REGISTRATION, Client.created_at < before, ~allowed
    )
    removed = 0
    while True:
        with acting_as_system(engine, "purge clients") as session:
            gone = session.execute(
                delete(Client).where(Client.id.in_(some.limit(BATCH))).returning(Client.id)
            ).all()
        removed += len(gone)
        if len(gone) < BATCH:
            return removed


def _emptied(engine: Engine, index: int, before: int) -> int:
    table, key = _KEYS[index]
    removed = 0
    while True:
        with acting_as_system(engine, "purge expired rows") as session:
            some = select(key).where(table.expires_at < before).limit(BATCH)
            gone = session.execute(delete(table).where(key.in_(some)).returning(key)).all()
        removed += len(gone)
        if len(gone) < BATCH:
            return removed
