"""Telling a database that cannot serve at the moment from a bug, whatever driver says so.

It is away, full, read-only or locked: the caller is told to come again (503), and the log says
so in one line a second, not in a traceback for each request.
"""

import logging
import sqlite3
import time
from collections.abc import Iterator

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from app.core.errors import Busy, Unavailable

log = logging.getLogger(__name__)

_LOG_INTERVAL_SECONDS = 1.0
# The low byte of SQLite's result codes (sqlite.org/rescode.html).
_LOCKED_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_OUTAGE_CODES = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
# lock_not_available, serialization_failure, deadlock_detected (PostgreSQL, appendix A).
_LOCKED_STATES = frozenset({"55P03", "40001", "40P01"})
# The classes connection exception, insufficient resources, operator intervention, system error;
# and read_only_sql_transaction, which is a standby's word.
_OUTAGE_CLASSES = ("08", "53", "57P", "58")
_READ_ONLY_STATE = "25006"


def outage_of(error: BaseException, *, reads: bool = False) -> Busy | None:
    """Return the refusal that an error of the database stands for; None where it is a bug.

    A transaction that only `reads` is read-only itself: a write within it is a bug.
    """
    if isinstance(error, PoolTimeout):
        return Busy("Too many requests at once. Try again in a moment.")
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, Busy):
        return cause
    if not isinstance(cause, sqlite3.Error | psycopg.Error):
        return None
    if _is_locked(cause):
        return Busy("Too many changes at once. Try again in a moment.")
    if not _is_outage(cause, reads=reads):
        return None
    _outage_log.write(cause)
    return Unavailable()


def _is_locked(error: sqlite3.Error | psycopg.Error) -> bool:
    if isinstance(error, psycopg.Error):
        return error.sqlstate in _LOCKED_STATES
    return _code(error) in _LOCKED_CODES


def _is_outage(error: sqlite3.Error | psycopg.Error, *, reads: bool) -> bool:
    if isinstance(error, sqlite3.Error):
        code = _code(error)
        return code in _OUTAGE_CODES and not (reads and code == sqlite3.SQLITE_READONLY)
    if error.sqlstate is None:
        # The driver's own: it could not connect, or the connection was cut.
        return isinstance(error, psycopg.OperationalError)
    is_standby = error.sqlstate == _READ_ONLY_STATE and not reads
    return is_standby or error.sqlstate.startswith(_OUTAGE_CLASSES)


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


class _OutageLog:
    """Writes why the database cannot serve, at most once in a while."""

    def __init__(self) -> None:
        self._last = -_LOG_INTERVAL_SECONDS

    def write(self, error: Exception) -> None:
        now = time.monotonic()
        if now - self._last >= _LOG_INTERVAL_SECONDS:
            self._last = now
            log.warning("the database cannot serve: %s", next(_lines(error)))


def _lines(error: Exception) -> Iterator[str]:
    yield from str(error).splitlines()
    yield type(error).__name__


_outage_log = _OutageLog()
