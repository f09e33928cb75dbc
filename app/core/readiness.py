"""Whether the database is the one that this code was written for."""

from functools import cached_property
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError


class Readiness:
    """Compares a database with a folder of migrations."""

    def __init__(self, engine: Engine, migrations: Path) -> None:
        self._engine = engine
        self._migrations = migrations

    def fault(self) -> str | None:
        """Give what keeps the app from serving; None where nothing does."""
        try:
            with self._engine.connect() as connection:
                found = set(MigrationContext.configure(connection).get_current_heads())
        except SQLAlchemyError:
            return "The database does not answer."
        if found != self._wanted:
            return "The database is not migrated: run flask --app wsgi db upgrade."
        return None

    @cached_property
    def _wanted(self) -> set[str]:
        return set(ScriptDirectory(str(self._migrations)).get_heads())
