"""How migrations reach the database: as the role that owns the tables, in one transaction."""

import sqlite3

from alembic import context
from sqlalchemy import Engine, create_engine, event
from sqlalchemy.pool import NullPool

import app.models  # noqa: F401 - the tables must be known for autogenerate
from app.extensions import Model, settings


def _engine() -> Engine:
    engine = create_engine(settings().migration_url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        # Foreign keys stay off here: rebuilding a table must not cascade.
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _leave_transactions_to_us(dbapi_connection: sqlite3.Connection, _record: object) -> None:
    dbapi_connection.isolation_level = None


def _run() -> None:
    with _engine().connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Model.metadata,
            render_as_batch=True,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            context.run_migrations()


_run()
