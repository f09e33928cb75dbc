"""No line of a row policy can go without a disagreement between a database and the model.

`make soak` takes each away; every run of the tests, some.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from operator import attrgetter

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import DBAPIError

from app.core import sqlite
from app.core.postgres_rows import ServerPolicies
from app.core.sqlite_guard import RowGuard
from app.extensions import Model
from app.models import ROW_POLICIES
from tests.databases import engines, urls_of
from tests.postgres import Cluster
from tests.security import mutations
from tests.security.model import POLICIES
from tests.security.mutations import GuardMutant, Mutant
from tests.security.proof import disagreements, leaks
from tests.security.town import made
from tests.security.twins import Twin
from tests.security.who import anybody

_EVERY = 1 if "SOAK" in os.environ else 7
ALL_LINES = list(mutations.of_policies())
LINES = ALL_LINES[::_EVERY]
STATEMENTS = list(mutations.of_the_guard(ROW_POLICIES))[::_EVERY]
TABLES = sorted(Model.metadata.tables)[::_EVERY]
TOWN = made()

# The same where no column is kept by itself, and what a row becomes is held by the rule alone.
LOOSE = {name: replace(policy, changes=()) for name, policy in ROW_POLICIES.items()}
LOOSE_LAWS = {
    name: replace(law, keeps=frozenset(), moves=anybody) for name, law in POLICIES.items()
}
AFTERWARDS = [each for each in mutations.of_the_guard(LOOSE) if "UPDATE_ABORT" in each.statement]


@pytest.fixture(scope="module")
def town(sqlite_twin: Twin) -> Twin:
    """Give a SQLite database with the town in it."""
    sqlite_twin.fill(TOWN)
    return sqlite_twin


@pytest.fixture(scope="module")
def server(cluster: Cluster, postgresql_template: str) -> Iterator[tuple[Twin, Engine]]:
    """Give a PostgreSQL database with the town in it, and the engine of who owns its tables."""
    with cluster.copy(postgresql_template) as name:
        urls = urls_of(cluster, name)
        with engines(urls["database_url"]) as both:
            twin, owner = Twin(*both), create_engine(urls["migration_url"])
            twin.fill(TOWN)
            yield twin, owner
            owner.dispose()


@contextmanager
def guarded(twin: Twin, guard: RowGuard) -> Iterator[Twin]:
    """Give a SQLite database with another guard."""
    rows = create_engine(twin.system.url)
    sqlite.prepare(rows)
    guard.watch(rows)
    yield Twin(twin.system, rows)
    rows.dispose()


def is_found_out(twin: Twin, name: str) -> bool:
    """Tell whether a database and the model disagree about a table."""
    policy = ROW_POLICIES.get(name)
    return is_one(disagreements(twin, TOWN, name, policy) if policy else leaks(twin, TOWN, name))


def is_one(faults: Iterator[str]) -> bool:
    """Tell whether there is a fault."""
    try:
        return next(faults, None) is not None
    except DBAPIError:
        # It cannot even be asked.
        return True


def shows_its_owner(owner: Engine, name: str) -> bool:
    """Tell whether a table shows its rows to who owns it."""
    with owner.connect() as connection:
        return bool(connection.scalar(text(f"SELECT count(*) FROM {name}")))


def test_each_policy_has_lines_to_take_away() -> None:
    assert {name for mutant in ALL_LINES for name in mutant.policies} == set(ROW_POLICIES)


@pytest.mark.parametrize("mutant", LINES, ids=attrgetter("line"))
def test_what_is_declared_without_a_line_is_found_out(town: Twin, mutant: Mutant) -> None:
    guard = RowGuard(Model.metadata, {**ROW_POLICIES, **mutant.policies})
    with guarded(town, guard) as twin:
        assert any(is_found_out(twin, name) for name in mutant.policies)


@pytest.mark.parametrize(
    "mutant",
    [each for each in STATEMENTS if "UPDATE_ABORT" not in each.statement],
    ids=attrgetter("statement"),
)
def test_a_guard_without_a_statement_is_found_out(town: Twin, mutant: GuardMutant) -> None:
    with guarded(town, mutant.guard) as twin:
        assert is_found_out(twin, mutant.table)


@pytest.mark.parametrize("mutant", AFTERWARDS[::_EVERY], ids=attrgetter("table"))
def test_a_guard_that_does_not_ask_what_a_row_becomes_is_found_out(
    town: Twin, mutant: GuardMutant
) -> None:
    name = mutant.table
    with guarded(town, RowGuard(Model.metadata, LOOSE)) as twin:
        assert not is_one(disagreements(twin, TOWN, name, LOOSE[name], LOOSE_LAWS, thorough=True))
    with guarded(town, mutant.guard) as twin:
        assert is_one(disagreements(twin, TOWN, name, LOOSE[name], LOOSE_LAWS, thorough=True))


@pytest.mark.parametrize("name", TABLES)
def test_a_server_that_lacks_one_thing_about_a_table_is_found_out(
    server: tuple[Twin, Engine], name: str
) -> None:
    twin, owner = server
    whole = ServerPolicies(Model.metadata, ROW_POLICIES)
    for statement in mutations.of_the_server(name):
        with owner.begin() as connection:
            connection.exec_driver_sql(statement)
        assert is_found_out(twin, name) or shows_its_owner(owner, name), statement
        with owner.begin() as connection:
            whole.make(connection)
    assert not is_found_out(twin, name)
