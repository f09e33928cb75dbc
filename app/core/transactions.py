"""What a transaction is for: one that says so costs less, or waits for its turn."""

from enum import StrEnum
from functools import lru_cache

from sqlalchemy import Connection, Engine

_OPTION = "latchkey_purpose"


class Purpose(StrEnum):
    """Reads alone, or writes what it has read before; without either, anything goes."""

    READING = "reading"
    WRITING = "writing"


# To make one costs as much as the statements of a short transaction.
@lru_cache(maxsize=16)
def for_reading(engine: Engine) -> Engine:
    """Give the engine for transactions that write nothing.

    Each of their statements may see what others have committed by then.
    """
    return engine.execution_options(**{_OPTION: Purpose.READING})


@lru_cache(maxsize=16)
def for_writing(engine: Engine) -> Engine:
    """Give the engine for transactions that write: what they read stays true until they end.

    On SQLite they take its write lock when they begin: one that reads first and locks later
    fails at once if another wrote in between, and no busy timeout helps it.
    """
    return engine.execution_options(**{_OPTION: Purpose.WRITING})


@lru_cache(maxsize=16)
def for_anything(engine: Engine) -> Engine:
    """Give the engine for transactions of which nothing is said, whatever this one is for."""
    return engine.execution_options(**{_OPTION: None})


def purpose(connection: Connection) -> Purpose | None:
    """Give what a connection's transactions are for, where that was said."""
    found: Purpose | None = connection.get_execution_options().get(_OPTION)
    return found


def has_clashed(error: BaseException | None) -> bool:
    """Whether others changed what a transaction had read: run again, it may succeed.

    PostgreSQL §13.2.3: serialization_failure, deadlock_detected.
    """
    return getattr(error, "sqlstate", None) in {"40001", "40P01"}
