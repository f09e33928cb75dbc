"""Acting without a person. Importable by app.oauth and app.identity only."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from app.core.transactions import for_reading, for_writing

log = logging.getLogger(__name__)


@contextmanager
def acting_as_system(engine: Engine, reason: str, *, reads: bool = False) -> Iterator[Session]:
    """Run a transaction on the unguarded engine for a named task of the system.

    It is committed at the end of the block, and rolled back where the block raises. One that
    only `reads` waits for nobody who writes, and may not write.

    Raises:
        Busy: others write, and took too long.
    """
    log.debug("acting as system: %s", reason)
    with Session(_for(engine, reads=reads)) as session, session.begin():
        yield session


@contextmanager
def connected_as_system(
    engine: Engine, reason: str, *, reads: bool = False
) -> Iterator[Connection]:
    """Do the same without the ORM, whose session costs more than the statements within.

    One that only `reads` sees at each statement what others have committed by then.

    Raises:
        Busy: others write, and took too long.
    """
    log.debug("acting as system: %s", reason)
    chosen = _for(engine, reads=reads)
    with chosen.connect() if reads else chosen.begin() as connection:
        yield connection


def _for(engine: Engine, *, reads: bool) -> Engine:
    return for_reading(engine) if reads else for_writing(engine)
