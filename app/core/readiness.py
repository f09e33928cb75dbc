"""Whether the database is the one that this code was written for."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from app.core.postgres_rows import ServerPolicies
from app.core.transactions import for_reading


class Readiness:
    """Compares a database with a folder of migrations, and with the policies of its tables."""

    def __init__(self, engine: Engine, migrations: Path, policies: ServerPolicies) -> None:
        self._engine = engine
        self._migrations = migrations
        self._policies = policies

    def fault(self) -> str | None:
        """Give what keeps the app from serving; None where nothing does."""
        try:
            with for_reading(self._engine).connect() as connection:
                return next(self._faults(connection), None)
        except SQLAlchemyError:
            return "The database does not answer."

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
