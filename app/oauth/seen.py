"""Which proofs and assertions were shown before: each counts once."""

import json

from sqlalchemy import Engine, insert
from sqlalchemy.exc import IntegrityError

from app.core import credentials
from app.core.system import acting_as_system
from app.models.signing import UsedJti
from app.oauth import purge


def is_first_use(engine: Engine, maker: str, jti: str, *, expires_at: int, now: int) -> bool:
    """Write a `jti` of its maker down; tell whether it was not there yet.

    It is kept until `expires_at`, in seconds since the epoch: what it stands for counts no more.
    """
    digest = credentials.digest(json.dumps([maker, jti]))
    used = insert(UsedJti).values(digest=digest, expires_at=expires_at)
    try:
        with acting_as_system(engine, "use a proof up") as session:
            purge.clean_as_you_go(session, purge.PROOFS_TWICE, now)
            session.execute(used)
    except IntegrityError:
        return False
    return True
