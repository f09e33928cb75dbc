"""Row policies on a PostgreSQL server: what it holds by itself, and whether that is the code's."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import DataError
from psycopg.sql import SQL
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

import app
from app.core.errors import NotReady
from app.core.policy import RowPolicy
from app.core.postgres_rows import ServerPolicies, let_in
from app.core.readiness import Readiness
from app.extensions import Model
from app.models import ROW_POLICIES
from tests.databases import urls_of
from tests.postgres import ADMIN, APP, OWNER, Cluster
from tests.world import World

MIGRATIONS = Path(app.__file__).parent.parent / "migrations"
TABLES = [table.name for table in Model.metadata.sorted_tables]
POLICIES = ServerPolicies(Model.metadata, ROW_POLICIES)

Bare = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def engine_name() -> str:
    """Give the engine that is meant."""
    return "postgresql"


@pytest.fixture(scope="module")
def database(cluster: Cluster, postgresql_populated: str) -> Iterator[str]:
    """Give the name of a database with rows in every table, which no test changes."""
    with cluster.copy(postgresql_populated) as name:
        yield name


@pytest.fixture(params=[APP, OWNER])
def bare(request: pytest.FixtureRequest, cluster: Cluster, database: str) -> Iterator[Bare]:
    """Give a connection such as psql has, as each of the roles."""
    with psycopg.connect(cluster.url(database, request.param), autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def as_app(cluster: Cluster, database: str) -> Iterator[Bare]:
    """Give such a connection as the application's role."""
    with psycopg.connect(cluster.url(database, APP), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("name", TABLES)
def test_whoever_does_not_say_who_acts_finds_no_row(bare: Bare, name: str) -> None:
    assert bare.execute(f"SELECT * FROM {name}").fetchall() == []
    assert bare.execute(f"DELETE FROM {name}").rowcount == 0


def test_the_rows_are_there(cluster: Cluster, database: str) -> None:
    with psycopg.connect(cluster.url(database, ADMIN)) as admin:
        for name in TABLES:
            assert admin.execute(f"SELECT * FROM {name}").fetchone(), name


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        *(("user_id", odd) for odd in ("", "x", "0", "-1", "1.5", "1 OR 1=1", "1" * 30, "NULL")),
        *(("system", odd) for odd in ("", "ON", "off", "true", "1", " on", "on ")),
        *(("scopes", odd) for odd in ("", " ", "x", "tasks:viewall", "tasks:viewAll,access:edit")),
        *(("organizations", odd) for odd in ("", "{}", "1", "x", "{x}", "{0}", "{NULL}", "{1.5}")),
        *(("managed", odd) for odd in ("", "{}", "1", "x", "{NULL}")),
        *(("teams", odd) for odd in ("", "{}", "1", "x", "{NULL}")),
    ],
)
def test_odd_settings_open_no_row(as_app: Bare, setting: str, value: str) -> None:
    for name in TABLES:
        # Or the server cannot read it as what it must be.
        with suppress(DataError), as_app.transaction(force_rollback=True):
            as_app.execute(f"SELECT set_config('latchkey.{setting}', %s, true)", (value,))
            assert as_app.execute(f"SELECT * FROM {name}").fetchall() == []


@pytest.fixture
def owner(cluster: Cluster, world: World) -> Iterator[Engine]:
    """Give the engine of the role that owns the tables."""
    engine = create_engine(urls_of(cluster, world.rows.url.database or "")["migration_url"])
    yield engine
    engine.dispose()


def faults(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return list(POLICIES.faults(connection))


def stale(name: str) -> str:
    return f"table {name}: its row policies in the database are not the code's"


def test_what_was_migrated_has_no_fault(world: World) -> None:
    assert faults(world.rows) == faults(world.system) == []


@pytest.mark.parametrize(
    "change",
    [
        "ALTER POLICY latchkey_select ON task USING (true)",
        "ALTER POLICY latchkey_insert ON task WITH CHECK (true)",
        "ALTER POLICY latchkey_select ON task TO latchkey_owner",
        "ALTER POLICY latchkey_select ON task RENAME TO mine",
        "ALTER POLICY latchkey_system ON task USING (true)",
        "CREATE POLICY mine ON task USING (true)",
        "CREATE POLICY latchkey_mine ON task FOR SELECT USING (true)",
        "CREATE POLICY mine ON task AS RESTRICTIVE USING (false)",
        "DROP POLICY latchkey_delete ON task",
        "DROP POLICY latchkey_system ON task",
        "ALTER TABLE task DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE task NO FORCE ROW LEVEL SECURITY",
        "DROP TRIGGER latchkey_change ON task",
        "ALTER TABLE task DISABLE TRIGGER latchkey_change",
        "ALTER TABLE task ENABLE REPLICA TRIGGER latchkey_change",
        "COMMENT ON POLICY latchkey_system ON task IS NULL",
        "COMMENT ON POLICY latchkey_system ON task IS 'made'",
    ],
)
def test_what_is_not_the_codes_is_named_and_mended(
    world: World, owner: Engine, change: str
) -> None:
    with owner.begin() as connection:
        connection.exec_driver_sql(change)
    assert faults(world.rows) == [stale("task")]
    with owner.begin() as connection:
        POLICIES.make(connection)
    assert faults(world.rows) == []
    with world.acting("ben") as session:
        titles = session.scalars(text("SELECT title FROM task ORDER BY id")).all()
    assert titles == ["his: plan", "his: other"]


def test_a_refusal_that_refuses_nothing_is_found_out(world: World, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.exec_driver_sql(
            "CREATE OR REPLACE FUNCTION latchkey_refuse() RETURNS trigger LANGUAGE plpgsql "
            "AS 'BEGIN RETURN new; END'"
        )
    kept = [name for name in TABLES if name in ROW_POLICIES and ROW_POLICIES[name].changes]
    assert faults(world.rows) == [stale(name) for name in kept]
    with owner.begin() as connection:
        POLICIES.make(connection)
    assert faults(world.rows) == []
    with pytest.raises(DBAPIError, match="row policy"), world.acting("ben") as session:
        session.execute(text("UPDATE task SET owner_id = 1"))


def test_each_table_whose_policies_are_others_in_the_code_is_named(world: World) -> None:
    policies = {**ROW_POLICIES, "task": RowPolicy(), "team": ROW_POLICIES["project"]}
    with world.rows.connect() as connection:
        found = list(ServerPolicies(Model.metadata, policies).faults(connection))
    assert found == [stale("team"), stale("task")]


def test_an_app_whose_policies_are_not_the_codes_is_not_ready(world: World, owner: Engine) -> None:
    readiness = Readiness(world.system, MIGRATIONS, POLICIES)
    assert readiness.fault() is None
    with owner.begin() as connection:
        connection.exec_driver_sql("CREATE POLICY mine ON task USING (true)")
        connection.exec_driver_sql("CREATE POLICY mine ON project USING (true)")
    fault = readiness.fault() or ""
    assert stale("task") in fault
    assert stale("project") in fault


@pytest.mark.parametrize(
    ("right", "what"),
    [
        *((f"{right} ON task", "task") for right in ("SELECT", "INSERT", "UPDATE", "DELETE")),
        ("USAGE ON SEQUENCE task_id_seq", "task_id_seq"),
    ],
)
def test_a_role_without_its_rights_is_not_ready_until_it_is_let_in(
    world: World, owner: Engine, right: str, what: str
) -> None:
    with owner.begin() as connection:
        connection.exec_driver_sql(f"REVOKE {right} FROM {APP}")
    fault = f"role {APP}: it has no rights to {what}; run flask --app wsgi db upgrade"
    assert faults(world.rows) == [fault]
    with owner.begin() as connection:
        let_in(connection, APP)
    assert faults(world.rows) == []


def test_a_table_that_is_not_there_is_named(world: World, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.exec_driver_sql("DROP TABLE comment")
    assert faults(world.rows) == [stale("comment")]


def test_what_holds_already_is_not_made_again(world: World, owner: Engine) -> None:
    before = made(owner)
    with owner.begin() as connection:
        connection.exec_driver_sql("DROP POLICY latchkey_delete ON task")
        POLICIES.make(connection)
    after = made(owner)
    assert {name for name, _ in before ^ after} == {"task"}


def made(engine: Engine) -> set[tuple[str, int]]:
    """Give the policies that there are, by table and number."""
    with engine.connect() as connection:
        query = text("SELECT polrelid::regclass::text, oid::bigint FROM pg_policy")
        return {(name, number) for name, number in connection.execute(query)}


def test_a_role_that_may_become_one_that_passes_policies_by_is_refused(
    world: World, cluster: Cluster
) -> None:
    cluster.execute(SQL("CREATE ROLE power BYPASSRLS; GRANT power TO latchkey_app").format())
    try:
        assert faults(world.system) == [
            f"role {APP}: it passes row policies by; connect as one that cannot"
        ]
        with pytest.raises(NotReady):
            world.rows.connect()
    finally:
        cluster.execute(SQL("DROP ROLE power").format())
    assert faults(world.rows) == []


def test_a_role_that_passes_policies_by_or_owns_the_tables_is_refused(
    world: World, cluster: Cluster, owner: Engine
) -> None:
    database = world.rows.url.database or ""
    admin = create_engine(cluster.url(database, ADMIN))
    assert faults(admin) == [
        f"role {ADMIN}: it passes row policies by; connect as one that cannot"
    ]
    assert faults(owner) == [
        f"role {OWNER}: it owns the tables; let LATCHKEY_MIGRATION_URL name the owner"
    ]
    admin.dispose()


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE task",
        "ALTER TABLE task DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE task DISABLE TRIGGER latchkey_change",
        "DROP POLICY latchkey_select ON task",
        "CREATE POLICY mine ON task USING (true)",
        "CREATE TRIGGER mine BEFORE UPDATE ON task EXECUTE FUNCTION latchkey_refuse()",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMP TABLE task (id int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "SET ROLE latchkey_owner",
        "SET SESSION AUTHORIZATION latchkey_owner",
        "SET session_replication_role = replica",
        "SET row_security = off; SELECT * FROM task",
        "COPY task TO PROGRAM 'true'",
        "COPY task TO '/tmp/mine'",
        "UPDATE alembic_version SET version_num = 'mine'",
        "DELETE FROM alembic_version",
        "COMMENT ON POLICY latchkey_system ON task IS 'mine'",
    ],
)
def test_the_applications_role_cannot_take_the_policies_down(
    world: World, cluster: Cluster, statement: str
) -> None:
    database = world.rows.url.database or ""
    with (
        psycopg.connect(cluster.url(database, APP), autocommit=True) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)
    assert faults(world.rows) == []


def test_what_the_server_knows_of_columns_tells_the_applications_role_nothing(
    world: World, cluster: Cluster, owner: Engine
) -> None:
    with owner.begin() as connection:
        connection.exec_driver_sql("SELECT set_config('latchkey.system', 'on', true)")
        connection.exec_driver_sql("ANALYZE")
        assert (
            connection.scalar(text("SELECT count(*) FROM pg_stats WHERE tablename = 'task'")) == 0
        )
    with world.rows.connect() as connection:
        known = connection.scalars(
            text("SELECT tablename FROM pg_stats WHERE schemaname = 'public'")
        )
        assert set(known) <= {"alembic_version"}


def test_a_condition_of_ones_own_meets_no_row_of_anothers(world: World) -> None:
    tells = "1 / CASE WHEN title LIKE 'hers%' THEN 0 ELSE 1 END = 1"
    with world.acting("ben") as session:
        assert len(session.scalars(text(f"SELECT id FROM task WHERE {tells}")).all()) == 2
        for change in (
            f"UPDATE task SET notes = 'x' WHERE {tells}",
            f"DELETE FROM task WHERE {tells}",
        ):
            assert session.connection().execute(text(change)).rowcount == 2
