"""What a page of a list costs: the rows that it shows, and not those of others."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.principal import Channel, Principal
from app.core.procedure import LARGEST_KEY
from app.core.rows import acting_as
from app.core.statement import _Rendered
from app.core.transactions import for_reading
from app.core.ways import asking
from app.models.task import Task
from app.procedures.shapes import Listing, PageOf
from tests.postgres import ADMIN
from tests.world import World

on_sqlite, on_postgresql = (
    pytest.mark.parametrize("engine_name", [name], indirect=True, scope="module")
    for name in ("sqlite", "postgresql")
)

LISTING = Listing(Task.id, Task.owner_id, Task.team_id, Task.title)
PAGE = 20
ADA, BEN, HER_TEAM, HIS_TEAM = 1, 2, 1, 2
VIEW = frozenset({"tasks:view"})
CROWD = 10_000
# Whose they are, and of which team.
CROWDS = {
    "of many others": ("100 + i % 200", "CASE WHEN i % 2 = 0 THEN 100 + i % 200 END"),
    "of one other": (f"{BEN}", f"{HIS_TEAM}"),
    "of her team": (f"{BEN}", f"{HER_TEAM}"),
    "hers": (f"{ADA}", f"{HER_TEAM}"),
}
OTHERS = {name: whose for name, whose in CROWDS.items() if "other" in name}
_N = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many) SELECT"
_TASKS = "INSERT INTO task (owner_id, team_id, title, notes, created_at, updated_at)"


def add_people(world: World) -> None:
    """Add others, and teams of theirs."""
    with world.system.begin() as connection:
        for table, values in (
            ("user_account (id, email, name, created_at)", "99 + i, 'p' || i, 'Person', 1"),
            ("team (id, organization_id, name, created_at)", "99 + i, 1, 'Team ' || i, 1"),
        ):
            statement = f"INSERT INTO {table} {_N} {values} FROM n"
            connection.execute(text(statement), {"many": 200})


def add_tasks(world: World, whose: tuple[str, str], many: int) -> None:
    owner, team = whose
    statement = f"{_TASKS} {_N} {owner}, {team}, 'Task ' || i, '', 1, 1 FROM n"
    with world.system.begin() as connection:
        connection.execute(text(statement), {"many": many})


@contextmanager
def acting(world: World, *teams: int) -> Iterator[Session]:
    """Give a session of Ada's."""
    ada = Principal(Channel.API, ADA, VIEW, teams=frozenset(teams))
    with Session(for_reading(world.rows)) as session, acting_as(session, ada, VIEW):
        yield session


def explained(world: World, teams: tuple[int, ...]) -> Iterator[Mapping[str, Any]]:
    """Give the parts of the plan by which the server reads a page of Ada's tasks."""
    with acting(world, *teams) as session:
        connection = session.connection()
        kind, values = asking(connection)
        # What `page` runs, by the driver, without a filter.
        rendered = _Rendered(LISTING._found(kind), connection.dialect)
        given = rendered.parameters({**values, "before": LARGEST_KEY, "most": PAGE + 1})
        explain = f"EXPLAIN (ANALYZE, FORMAT JSON) {rendered.sql}"
        plan = connection.exec_driver_sql(explain, given).scalar_one()
    return _parts(plan[0]["Plan"])


def _parts(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _parts(part)


@on_postgresql
@pytest.mark.parametrize("teams", [(), (HER_TEAM,), (HER_TEAM, 102, 104)], ids=str)
@pytest.mark.parametrize("are_hers_newer", [True, False])
@pytest.mark.parametrize("whose", CROWDS.values(), ids=CROWDS)
def test_postgresql_reads_no_more_tasks_than_a_page_of_each_way_to_them(
    world: World, whose: tuple[str, str], teams: tuple[int, ...], *, are_hers_newer: bool
) -> None:
    add_people(world)
    mine = ((str(ADA), "NULL"), 30)
    for each, many in ((whose, CROWD), mine) if are_hers_newer else (mine, (whose, CROWD)):
        add_tasks(world, each, many)
    with psycopg.connect(world.system.url.set(username=ADMIN).render_as_string()) as admin:
        admin.execute("ANALYZE")
    read = [part for part in explained(world, teams) if part.get("Relation Name") == "task"]
    assert {part["Node Type"] for part in read} <= {"Index Scan", "Bitmap Heap Scan"}
    rows = [
        part["Actual Loops"] * (part["Actual Rows"] + part.get("Rows Removed by Filter", 0))
        for part in read
    ]
    assert sum(rows) <= 2 * PAGE * (1 + len(teams))


def steps(world: World, teams: tuple[int, ...]) -> int:
    """Give how many steps SQLite's machine takes for a page of Ada's tasks."""
    taken = 0

    def count() -> None:
        nonlocal taken
        taken += 1

    with acting(world, *teams) as session:
        driver: Any = session.connection().connection.driver_connection
        driver.set_progress_handler(count, 1)
        LISTING.page(session, PageOf(limit=PAGE))
        driver.set_progress_handler(None, 1)
    return taken


@on_sqlite
@pytest.mark.parametrize("teams", [(), (HER_TEAM,), (HER_TEAM, 201, 203)], ids=str)
@pytest.mark.parametrize("whose", OTHERS.values(), ids=OTHERS)
def test_sqlite_takes_no_more_steps_the_more_tasks_others_have(
    world: World, whose: tuple[str, str], teams: tuple[int, ...]
) -> None:
    add_people(world)
    add_tasks(world, (f"{ADA}", "NULL"), 30)
    add_tasks(world, whose, CROWD // 100)
    among_few = steps(world, teams)
    add_tasks(world, whose, CROWD)
    assert PAGE < steps(world, teams) <= 1.2 * among_few
