"""How a SQLite connection is opened, and how its transactions begin."""

import sqlite3

from sqlalchemy import Connection, Engine, ExceptionContext, event

from app.core import read_only
from app.core.outages import outage_of
from app.core.text_search import SQLITE_FUNCTION, contains
from app.core.transactions import Purpose, purpose


def prepare(engine: Engine) -> None:
    """Set each new connection of a SQLite engine up; other engines are left alone."""
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _open)
        event.listen(engine, "begin", _begin)
        read_only.watch(engine)
        event.listen(engine, "handle_error", _report_outage)


def _open(dbapi_connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own transactions begin at the first write only; ours begin when we say so.
    dbapi_connection.isolation_level = None
    for pragma in (
        "journal_mode = WAL",
        "synchronous = NORMAL",
        "foreign_keys = ON",
        "busy_timeout = 5000",
    ):
        dbapi_connection.execute(f"PRAGMA {pragma}").close()
    dbapi_connection.create_function(SQLITE_FUNCTION, 2, contains, deterministic=True)


def _begin(connection: Connection) -> None:
    writes = purpose(connection) is Purpose.WRITING
    # By the driver: through SQLAlchemy, BEGIN costs as much as the query after it.
    cursor = connection.connection.cursor()
    try:
        cursor.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
    except sqlite3.Error as error:
        raise outage_of(error) or error from error
    finally:
        cursor.close()


def _report_outage(context: ExceptionContext) -> None:
    reads = context.connection is not None and purpose(context.connection) is Purpose.READING
    if refusal := outage_of(context.original_exception, reads=reads):
        raise refusal from context.original_exception
