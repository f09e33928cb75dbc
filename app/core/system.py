"""Acting without a person. Importable by app.oauth and app.identity only."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine
from sqlalchemy.orm import Session

from app.core.sqlite import for_writing

log = logging.getLogger(__name__)


@contextmanager
def acting_as_system(engine: Engine, reason: str, *, reads: bool = False) -> Iterator[Session]:
    """Run a transaction on the unguarded engine for a named task of the system.

    It is committed at the end of the block, and rolled back where the block raises. One that
    only `reads` waits for nobody who writes.

    Raises:
        Busy: others write, and took too long.
    """
    log.debug("acting as system: %s", reason)
    with Session(engine if reads else for_writing(engine)) as session, session.begin():
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
    with engine.connect() if reads else for_writing(engine).begin() as connection:
        yield connection
