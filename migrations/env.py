"""How migrations reach the database: as the role that owns the tables, in one transaction."""

import sqlite3

from alembic import context
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from app.core import postgres_rows
from app.core.postgres_rows import ServerPolicies
from app.extensions import Model, settings
from app.models import ROW_POLICIES


def _engine() -> Engine:
    engine = create_engine(settings().migration_url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        # Foreign keys stay off here: rebuilding a table must not cascade.
        event.listen(engine, "connect", _leave_transactions_to_us)
        event.listen(engine, "begin", lambda conn: conn.exec_driver_sql("BEGIN IMMEDIATE"))
    else:
        event.listen(engine, "begin", _take_turns)
    return engine


def _leave_transactions_to_us(dbapi_connection: sqlite3.Connection, _record: object) -> None:
    dbapi_connection.isolation_level = None


def _take_turns(connection: Connection) -> None:
    # Of several that start at once the first migrates. Its own rows are forced upon it, too.
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7811883095)")
    connection.exec_driver_sql("SELECT set_config('latchkey.system', 'on', true)")


def _run() -> None:
    with _engine().connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=Model.metadata,
            render_as_batch=True,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            if connection.dialect.name == "sqlite":
                context.run_migrations()
            else:
                _run_with_policies(connection)


def _run_with_policies(connection: Connection) -> None:
    """Migrate, and make the policies of the code's own tables what the code says."""
    migrations = context.get_context()
    if set(migrations.get_current_heads()) != _target():
        # No column can change that a policy names.
        postgres_rows.drop(connection)
    context.run_migrations()
    if set(migrations.get_current_heads()) == set(context.script.get_heads()):
        ServerPolicies(Model.metadata, ROW_POLICIES).make(connection)
        role = make_url(settings().database_url).username
        if role is not None:
            postgres_rows.let_in(connection, role)


def _target() -> set[str]:
    try:
        target = context.get_revision_argument()
    except KeyError:  # a command that compares has none
        return set(context.get_context().get_current_heads())
    return {target} if isinstance(target, str) else set(target or ())


_run()
