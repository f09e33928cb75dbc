"""The newest tasks that a person may see, under their policy, against the same query by hand.

Both are read in this process, by turns, among few rows of others and among many:
`python -m bench.rows`.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psycopg
from flask_migrate import upgrade
from sqlalchemy import Engine, Integer, bindparam, create_engine, or_, select, text
from sqlalchemy.orm import Session

from app.core import postgres, sqlite
from app.core.principal import Channel, Principal
from app.core.procedure import LARGEST_KEY
from app.core.rows import acting_as
from app.core.transactions import for_reading
from app.models.task import Task
from app.procedures.shapes import Listing, PageOf
from tests.databases import engines, opened, urls_of
from tests.postgres import ADMIN, Cluster

FEW, MANY = 1_000, 1_000_000
PAGE = 20
# How many times as long as by hand, and how many times as long among many rows as among few.
AT_MOST = {"SQLite": 1.3, "PostgreSQL": 1.5}
FLAT = 1.2
_ROUNDS = 60
_SECONDS = 0.03
_COLUMNS = (
    Task.id,
    Task.owner_id,
    Task.team_id,
    Task.title,
    Task.notes,
    Task.status,
    Task.created_at,
    Task.updated_at,
    Task.completed_at,
)
_LISTING = Listing(*_COLUMNS)
_NAMES = tuple(column.key for column in _COLUMNS)
_SCOPES = frozenset({"tasks:view"})
_ME, _MY_TEAMS, _OTHERS = 1, frozenset({1, 2, 3}), 1000
_ASKED = {"me": _ME, "before": LARGEST_KEY, "most": PAGE + 1}
_MY_OWN, _WITH_TEAMS = (
    select(*_COLUMNS)
    .where(wanted, Task.id < bindparam("before"))
    .order_by(Task.id.desc())
    .limit(bindparam("most", type_=Integer))
    for wanted in (
        Task.owner_id == bindparam("me"),
        or_(
            Task.owner_id == bindparam("me"),
            Task.team_id.in_(bindparam("teams", expanding=True)),
        ),
    )
)
# Among any number of others' tasks there are as many of mine, and of my teams, here and there.
_MINE = 50
_N = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count)"
_PEOPLE = (
    "INSERT INTO organization (name, created_at) VALUES ('Acme', 1)",
    f"INSERT INTO user_account (email, name, created_at) {_N} SELECT 'p' || i, 'Person', 1 FROM n",
    f"INSERT INTO team (organization_id, name, created_at) {_N} SELECT 1, 'Team ' || i, 1 FROM n",
)
_TASKS = (
    f"INSERT INTO task (owner_id, team_id, title, notes, created_at, updated_at) {_N} SELECT "
    "CASE WHEN i % :step = 0 THEN 1 ELSE 2 + i % 999 END, "
    "CASE WHEN i % :step = 1 THEN 1 + i % 3 WHEN i % 2 = 0 THEN 4 + i % 997 END, "
    "'Task ' || i, 'Some notes', 1, 1 FROM n"
)


@dataclass(frozen=True, slots=True)
class Place:
    """A database: as the road reaches it, and as somebody would who writes everything by hand."""

    guarded: Engine
    plain: Engine

    def by_road(self, teams: frozenset[int]) -> list[tuple[object, ...]]:
        """Give the newest tasks of the person, who is in these teams."""
        me = Principal(Channel.API, _ME, _SCOPES, teams=teams)
        with Session(for_reading(self.guarded)) as session, acting_as(session, me, _SCOPES):
            page = _LISTING.page(session, PageOf(limit=PAGE))
        return [tuple(item.values()) for item in page["items"]]

    def by_hand(self, teams: frozenset[int]) -> list[tuple[object, ...]]:
        """Give the same, by a statement put together once, in a session like the road's."""
        query, given = (_WITH_TEAMS, {"teams": sorted(teams)}) if teams else (_MY_OWN, {})
        with Session(self.plain) as session, session.begin():
            rows = session.connection().execute(query, {**_ASKED, **given}).all()
        return [tuple(dict(zip(_NAMES, row, strict=True)).values()) for row in rows[:PAGE]]


@contextmanager
def places(count: int, cluster: Cluster) -> Iterator[Mapping[str, Place]]:
    """Give a database by each engine, with so many tasks of others."""
    name = f"of_{count}"
    cluster.create(name)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stack.callback(cluster.drop, name)
        on_sqlite = f"sqlite:///{folder}/latchkey.sqlite3"
        on_postgresql = urls_of(cluster, name)
        found = {}
        for label, urls, plain in (
            ("SQLite", {"database_url": on_sqlite}, on_sqlite),
            ("PostgreSQL", on_postgresql, cluster.url(name, ADMIN)),
        ):
            with opened(Path(folder), **urls):
                upgrade()
            system, guarded = stack.enter_context(engines(urls["database_url"]))
            _fill(system, count)
            # Opened as the app's are; but no policy binds it, and it says nothing.
            options = postgres.ENGINE_OPTIONS if plain.startswith("postgresql") else {}
            by_hand = create_engine(plain, **options)
            sqlite.prepare(by_hand)
            stack.callback(by_hand.dispose)
            found[label] = Place(guarded, by_hand)
        # What the server does by itself, sooner or later.
        with psycopg.connect(cluster.url(name, ADMIN), autocommit=True) as admin:
            admin.execute("VACUUM ANALYZE")
        yield found


def _fill(system: Engine, count: int) -> None:
    with system.begin() as connection:
        for statement in _PEOPLE:
            connection.execute(text(statement), {"count": _OTHERS})
        connection.execute(text(_TASKS), {"count": count, "step": count // _MINE})


def compare(label: str, few: Place, many: Place, teams: frozenset[int]) -> None:
    """Read all by turns, and print how long it took and the ratios of it."""
    ways: list[Callable[[], object]] = [
        lambda: few.by_road(teams),
        lambda: few.by_hand(teams),
        lambda: many.by_road(teams),
        lambda: many.by_hand(teams),
    ]
    assert few.by_road(teams) == few.by_hand(teams)
    assert many.by_road(teams) == many.by_hand(teams)
    # What else the machine does can only add to it.
    rounds = [[_took(way) for way in ways] for _ in range(_ROUNDS)]
    took = [min(turns) for turns in zip(*rounds, strict=True)]
    print(f"{label}, the newest {PAGE} tasks, {_whose(teams)}")
    for count, mine, by_hand in ((FEW, took[0], took[1]), (MANY, took[2], took[3])):
        print(
            f"  among {count:,} of others {mine * 1e6:.0f} us, by hand {by_hand * 1e6:.0f} us: "
            f"ratio {mine / by_hand:.2f}; at the most {AT_MOST[label]}"
        )
    print(f"  among the many to among the few: ratio {took[2] / took[0]:.2f}; at the most {FLAT}")
    print(flush=True)


def _whose(teams: frozenset[int]) -> str:
    return f"one's own and those of {len(teams)} teams" if teams else "one's own"


def _took(way: Callable[[], object]) -> float:
    """Give the seconds that something takes: the median, of as often as it is done in a while."""
    taken: list[float] = []
    end = time.perf_counter() + _SECONDS
    while not taken or time.perf_counter() < end:
        start = time.perf_counter()
        way()
        taken.append(time.perf_counter() - start)
    return median(taken)


def main(cluster: Cluster) -> None:
    """Print each comparison."""
    with places(FEW, cluster) as few, places(MANY, cluster) as many:
        for label in AT_MOST:
            for teams in (frozenset[int](), _MY_TEAMS):
                compare(label, few[label], many[label], teams)


if __name__ == "__main__":
    with Cluster.started() as started:
        main(started)
