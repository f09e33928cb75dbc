"""Whether the database is the one that this code was written for."""

import time
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.core.errors import Busy
from app.core.postgres_rows import ServerPolicies
from app.core.transactions import for_reading, for_writing

_WRITE_INTERVAL_SECONDS = 5.0


class Readiness:
    """Compares a database with a folder of migrations, and with the policies of its tables."""

    def __init__(
        self,
        engine: Engine,
        migrations: Path,
        policies: ServerPolicies,
        write: Callable[[Session], None] = lambda _: None,
    ) -> None:
        self._engine = engine
        self._write = write
        self._written_at = -_WRITE_INTERVAL_SECONDS
        self._migrations = migrations
        self._policies = policies

    def fault(self) -> str | None:
        """Give what keeps the app from serving; None where nothing does."""
        try:
            with for_reading(self._engine).connect() as connection:
                return next(self._faults(connection), None)
        except (SQLAlchemyError, Busy):
            return "The database does not answer."

    def write_fault(self) -> str | None:
        """Return why the database takes no changes, such as a full disk; None where it does.

        It writes a row at most once in a while, so that whoever asks often is no load.
        """
        now = time.monotonic()
        if now - self._written_at < _WRITE_INTERVAL_SECONDS:
            return None
        try:
            with Session(for_writing(self._engine)) as session, session.begin():
                self._write(session)
        except (SQLAlchemyError, Busy):
            return "The database takes no changes: it is locked, full, or read-only."
        self._written_at = now
        return None

    def _faults(self, connection: Connection) -> Iterator[str]:
        found = set(MigrationContext.configure(connection).get_current_heads())
        if found != self._wanted:
            yield "The database is not migrated: run flask --app wsgi db upgrade."
        if connection.dialect.name == "postgresql":
            faults = "; ".join(self._policies.faults(connection))
            if faults:
                yield f"The database does not hold the row policies: {faults}."

    @cached_property
    def _wanted(self) -> set[str]:
        return set(ScriptDirectory(str(self._migrations)).get_heads())
