"""Who acts on PostgreSQL: said with each transaction, gone with it."""

import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.core.errors import NotReady
from app.core.rows import acting_as
from app.core.system import acting_as_system
from app.core.transactions import for_reading, for_writing
from app.models.task import Task
from tests.core.pooler import Pooler
from tests.databases import engines
from tests.postgres import ADMIN, APP, Cluster
from tests.world import World

TITLES = text("SELECT title FROM task ORDER BY id")
HERS, HIS = ["hers: plan", "hers: other"], ["his: plan", "his: other"]
SAID = text(
    "SELECT name FROM unnest(array["
    "'system', 'user_id', 'scopes', 'organizations', 'managed', 'teams']) AS name "
    "WHERE current_setting('latchkey.' || name, true) NOT IN ('', '{}')"
)
WHICH = text("SELECT pg_backend_pid()")


@pytest.fixture
def engine_name() -> str:
    """Give the engine that is meant."""
    return "postgresql"


def commits(session: Session) -> None:
    """Read, and end well."""
    assert session.scalars(TITLES).all() == HIS


def is_undone(session: Session) -> None:
    """Write, and give up."""
    session.execute(text("UPDATE task SET title = 'mine'"))
    raise ZeroDivisionError


def fails(session: Session) -> None:
    """Fail within a statement."""
    session.execute(text("SELECT 1 / 0 FROM task"))


def fails_at_once(session: Session) -> None:
    """Fail before the server has read who acts."""
    session.execute(text("SELECT FROM WHERE"))


def fails_and_goes_on(session: Session) -> None:
    """Catch the failure, and go on."""
    with suppress(DBAPIError):
        fails(session)
    session.execute(TITLES)


def is_refused(session: Session) -> None:
    """Break the policy."""
    session.execute(text("UPDATE task SET owner_id = 1"))


def is_cancelled(session: Session) -> None:
    """Be cancelled by the server."""
    session.execute(text("SET LOCAL statement_timeout = '10ms'"))
    session.execute(text("SELECT pg_sleep(60)"))


def begins_with_a_savepoint(session: Session) -> None:
    """Say nothing before a savepoint."""
    with session.begin_nested():
        assert session.scalars(TITLES).all() == HIS


def goes_back_to_a_savepoint(session: Session) -> None:
    """Give up a part, and go on as who one is."""
    with suppress(ZeroDivisionError), session.begin_nested():
        is_undone(session)
    assert session.scalars(TITLES).all() == HIS


def is_closed_early(session: Session) -> None:
    """Give the connection back within the transaction."""
    session.execute(TITLES)
    session.close()


def ends_the_transaction_by_hand(session: Session) -> None:
    """Commit behind SQLAlchemy's back."""
    session.execute(text("COMMIT"))
    assert session.scalars(TITLES).all() == []


WAYS: list[Callable[[Session], None]] = [
    commits,
    is_undone,
    fails,
    fails_at_once,
    fails_and_goes_on,
    is_refused,
    is_cancelled,
    begins_with_a_savepoint,
    goes_back_to_a_savepoint,
    is_closed_early,
    ends_the_transaction_by_hand,
]


@pytest.mark.parametrize("writes", [True, False], ids=["writing", "unsaid"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_nothing_of_a_transaction_is_left_for_the_next(
    world: World, way: Callable[[Session], None], *, writes: bool
) -> None:
    engine = for_writing(world.rows) if writes else world.rows
    with world.rows.connect() as before:
        same = before.scalar(WHICH)
    with (
        suppress(ZeroDivisionError, DBAPIError),
        Session(engine) as session,
        acting_as(session, world.principal("ben"), frozenset()),
    ):
        way(session)
    with world.rows.connect() as after:
        assert after.scalar(WHICH) == same
        assert after.scalars(TITLES).all() == []
        assert after.scalars(SAID).all() == []
    with world.acting("ada") as session:
        assert session.scalars(TITLES).all() == HERS


def test_each_statement_of_a_read_is_the_persons(world: World) -> None:
    with (
        Session(for_reading(world.rows)) as session,
        acting_as(session, world.principal("ben"), frozenset()),
    ):
        assert session.scalars(TITLES).all() == HIS
        assert session.scalars(TITLES).all() == HIS
    with for_reading(world.rows).connect() as nobody:
        assert nobody.scalars(TITLES).all() == []


def test_a_read_can_write_nothing(world: World) -> None:
    before = world.everything()
    with (
        pytest.raises(DBAPIError, match="read-only"),
        Session(for_reading(world.rows)) as session,
        acting_as(session, world.principal("ben"), frozenset()),
    ):
        session.execute(text("UPDATE task SET title = 'mine'"))
    with (
        pytest.raises(DBAPIError, match="read-only"),
        acting_as_system(world.system, "test", reads=True) as session,
    ):
        session.execute(text("UPDATE task SET title = 'mine'"))
    assert world.everything() == before


def test_a_statement_may_hold_a_percent_sign_and_no_parameter(world: World) -> None:
    with world.acting("ben") as session:
        driver = session.connection().connection.cursor()
        driver.execute("SELECT title FROM task WHERE title LIKE 'his: p%'")
        assert driver.fetchall() == [("his: plan",)]


def test_many_rows_may_be_what_a_transaction_begins_with(world: World) -> None:
    rows = [
        {"owner_id": 2, "title": f"{n}", "notes": "", "created_at": 1, "updated_at": 1}
        for n in range(3)
    ]
    with world.acting("ben") as session:
        counted = session.connection().execution_options(preserve_rowcount=True)
        assert counted.execute(insert(Task).inline(), rows).rowcount == 3
    assert len(world.found("task", "owner_id = 2")) == 5


def test_a_statement_whose_parameters_have_no_names_is_not_guessed_at(world: World) -> None:
    with world.rows.connect() as connection:
        driver = connection.connection.cursor()
        with pytest.raises(TypeError, match="name its parameters"):
            driver.execute("SELECT %s", (1,))


def test_a_role_that_passes_policies_by_gets_no_guarded_connection(
    world: World, cluster: Cluster
) -> None:
    url = cluster.url(world.rows.url.database or "", ADMIN)
    with engines(url) as (_, rows), pytest.raises(NotReady), rows.connect():
        pass


def test_the_road_prepares_nothing_on_the_server(world: World) -> None:
    for _ in range(8):
        task = world.call("ben", "tasks.create", title="x")
        world.call("ben", "tasks.update", task_id=task.id, title="y")
        world.call("ben", "tasks.list")
    for engine in (world.rows, world.system):
        with engine.connect() as connection:
            prepared = connection.scalars(text("SELECT statement FROM pg_prepared_statements"))
            assert prepared.all() == []


@pytest.fixture
def pooled(world: World, cluster: Cluster) -> Iterator[tuple[World, Pooler]]:
    """Give the world by a pooler that has one connection for all."""
    url = world.rows.url
    server = str(url.query["host"])
    with (
        tempfile.TemporaryDirectory() as folder,
        Pooler.started(Path(folder), server, url.database or "", APP) as pooler,
        engines(str(url.set(query={"host": folder}))) as (system, rows),
    ):
        yield World(system, rows, world.ids), pooler


def test_behind_a_pooler_people_take_turns_and_see_each_their_own(
    pooled: tuple[World, Pooler],
) -> None:
    world, _ = pooled
    which = set()
    for _ in range(3):
        for name, titles in (("ada", HERS), ("ben", HIS), ("grace", [])):
            with world.acting(name) as session:
                assert session.scalars(TITLES).all() == titles
                which.add(session.scalar(WHICH))
            assert len(world.found("task")) == len(HERS + HIS)
            with world.rows.connect() as nobody:
                assert nobody.scalars(TITLES).all() == []
    assert len(which) == 1


def test_behind_a_pooler_reads_may_take_turns_statement_by_statement(
    pooled: tuple[World, Pooler],
) -> None:
    world, _ = pooled
    reading = for_reading(world.rows)
    with (
        Session(reading) as hers,
        Session(reading) as his,
        acting_as(hers, world.principal("ada"), frozenset()),
        acting_as(his, world.principal("ben"), frozenset()),
    ):
        for _ in range(3):
            assert hers.scalars(TITLES).all() == HERS
            assert his.scalars(TITLES).all() == HIS


def test_behind_a_pooler_people_who_write_at_once_change_each_their_own(
    pooled: tuple[World, Pooler],
) -> None:
    world, pooler = pooled

    def write(name: str) -> None:
        for number in range(10):
            world.call(name, "tasks.create", title=f"{name} {number}")
            world.call(name, "tasks.list")

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(write, ["ada", "ben"]))
    for name in ("ada", "ben"):
        made = world.found("task", "title LIKE :x", x=f"{name} %")
        assert {row["owner_id"] for row in made} == {world.ids[name]}
        assert len(made) == 10
    # A simple query each: nothing that a later one could find there.
    assert pooler.asked == {b"Q"}
