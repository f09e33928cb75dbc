"""Removing what has expired, a few rows per transaction, so that nobody waits for it."""

import time

from sqlalchemy import Engine, delete, select

from app.core.system import acting_as_system
from app.models.grant import AccessToken, AuthorizationCode, ConsentRequest, RefreshToken
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


def purge(engine: Engine) -> int:
    """Remove expired tokens, codes, consents and sign-ins; give how many rows."""
    before = int(time.time()) - KEPT
    return sum(_emptied(engine, index, before) for index in range(len(_KEYS)))


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
