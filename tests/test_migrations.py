"""The migrations, up and down, against the models."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask_migrate import check, downgrade, stamp, upgrade
from sqlalchemy import Engine, inspect

import config
from app import create_app
from app.core.scopes import IDENTITY, SCOPES
from app.extensions import Model, db


@pytest.fixture
def system(tmp_path: Path) -> Iterator[Engine]:
    """Give the engine of an app whose database is empty."""
    app: Flask = create_app(config.load(instance=tmp_path, secret_key="of the tests"))
    with app.app_context():
        yield db.engine
        for engine in db.engines.values():
            engine.dispose()


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def scopes_of(engine: Engine, role: str) -> set[str]:
    query = "SELECT scope FROM role_scope JOIN role ON role.id = role_id WHERE name = ?"
    with engine.connect() as connection:
        return set(connection.exec_driver_sql(query, (role,)).scalars())


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
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
    with system.connect() as connection:
        made = {name: sql for name, sql in connection.exec_driver_sql(query)}  # noqa: C416 - rows are no pairs to mypy
    for table in Model.metadata.sorted_tables:
        options = table.dialect_options["sqlite"]
        assert ("AUTOINCREMENT" in made[table.name]) == bool(options["autoincrement"])
        assert ("WITHOUT ROWID" in made[table.name]) == (options["with_rowid"] is False)
