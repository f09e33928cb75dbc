"""The migrations, up and down, against the models, on either engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask_migrate import check, downgrade, stamp, upgrade
from sqlalchemy import Engine, inspect, text

from app.core.scopes import IDENTITY, SCOPES
from app.extensions import Model, db
from tests.databases import on_both_engines, opened, urls_of
from tests.postgres import Cluster

pytestmark = on_both_engines

# What a deployed version may have left a database at.
RELEASED = ("ad5650d22cc4", "ee079b833233", "5b1c9d2e7f40", "7d2e4c8a9b16")
_TASK = (
    "INSERT INTO task (id, owner_id, title, notes, created_at, updated_at) "
    "VALUES (9, 7, 'kept', '', 1, 1)"
)
_LEFT = (
    "INSERT INTO user_account (id, email, name, created_at) VALUES (7, 'u@example.com', 'U', 1)",
    "INSERT INTO user_role (user_id, role_id) SELECT 7, id FROM role WHERE name = 'Admin'",
    _TASK,
    "INSERT INTO comment (id, task_id, author_id, body, created_at) VALUES (4, 9, 7, 'too', 1)",
)
_FOUND = text(
    "SELECT email, name, title, body, team_id FROM user_account "
    "JOIN task ON owner_id = user_account.id JOIN comment ON task_id = task.id"
)


@pytest.fixture
def system(request: pytest.FixtureRequest, engine_name: str, tmp_path: Path) -> Iterator[Engine]:
    """Give the engine of an app whose database is empty."""
    urls: dict[str, str] = {}
    if engine_name == "postgresql":
        cluster: Cluster = request.getfixturevalue("cluster")
        cluster.create("empty")
        urls = urls_of(cluster, "empty")
    with opened(tmp_path, **urls):
        yield db.engine
    if urls:
        cluster.drop("empty")


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def type_of(engine: Engine, table: str, column: str) -> str:
    return next(
        str(found["type"])
        for found in inspect(engine).get_columns(table)
        if found["name"] == column
    )


def scopes_of(engine: Engine, role: str) -> set[str]:
    query = "SELECT scope FROM role_scope JOIN role ON role.id = role_id WHERE name = :role"
    with engine.connect() as connection:
        return set(connection.execute(text(query), {"role": role}).scalars())


def test_the_migrations_make_what_the_models_say(system: Engine) -> None:
    upgrade()
    check()
    assert tables(system) == set(Model.metadata.tables)


def test_each_migration_can_be_undone_and_done_again(system: Engine) -> None:
    upgrade()
    downgrade(revision="base")
    assert tables(system) == set()
    upgrade()
    check()


@pytest.mark.parametrize("released", RELEASED)
def test_what_a_release_left_is_kept_and_its_admins_rule_on(system: Engine, released: str) -> None:
    upgrade(revision=released)
    with system.begin() as connection:
        for statement in _LEFT:
            connection.execute(text(statement))
    for _ in range(2):
        upgrade()
        with system.connect() as connection:
            assert connection.execute(_FOUND).all() == [
                ("u@example.com", "U", "kept", "too", None)
            ]
        assert scopes_of(system, "Admin") == set(SCOPES) - IDENTITY
        downgrade(revision=released)
        assert tables(system) <= set(Model.metadata.tables)


def test_upgrading_twice_changes_nothing(system: Engine) -> None:
    upgrade()
    upgrade()
    assert len(scopes_of(system, "Admin")) == len(SCOPES) - len(IDENTITY)


def test_models_that_are_ahead_of_the_migrations_are_noticed(system: Engine) -> None:
    stamp()
    with pytest.raises(SystemExit):
        check()


def test_an_admin_has_every_scope_and_a_member_none_that_opens_others_rows(
    system: Engine,
) -> None:
    upgrade()
    assert scopes_of(system, "Admin") == set(SCOPES) - IDENTITY
    member = scopes_of(system, "Member")
    assert member < set(SCOPES)
    assert not [scope for scope in member if scope.endswith("All") or "clients" in scope]


def test_deleted_numbers_and_lookups_are_as_the_models_want_them(system: Engine) -> None:
    upgrade()
    if system.dialect.name != "sqlite":
        assert [type_of(system, name, "id") for name in ("role", "task")] == ["BIGINT"] * 2
        return
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
    with system.connect() as connection:
        made = {name: sql for name, sql in connection.exec_driver_sql(query)}  # noqa: C416 - rows are no pairs to mypy
    for table in Model.metadata.sorted_tables:
        options = table.dialect_options["sqlite"]
        assert ("AUTOINCREMENT" in made[table.name]) == bool(options["autoincrement"])
        assert ("WITHOUT ROWID" in made[table.name]) == (options["with_rowid"] is False)
