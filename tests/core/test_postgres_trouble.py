"""A PostgreSQL that others hold up, or that was started again."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import Engine, select, text

from app.core.errors import Busy
from app.core.statement import Statement
from app.core.system import acting_as_system, connected_as_system
from app.core.transactions import for_writing
from app.models.user import User
from tests.postgres import Cluster
from tests.world import World


@pytest.fixture(scope="module")
def engine_name() -> str:
    """Give the engine that is meant."""
    return "postgresql"


@pytest.fixture
def admin(cluster: Cluster, world: World) -> Iterator["psycopg.Connection[tuple[object, ...]]"]:
    """Give the superuser, in the world's database."""
    database = world.system.url.database or ""
    with psycopg.connect(cluster.url(database, "postgres"), autocommit=True) as connection:
        yield connection


_PEOPLE = Statement(select(User.id))


def _cut(admin: "psycopg.Connection[tuple[object, ...]]") -> None:
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )


@pytest.mark.parametrize(
    ("name", "given"), [("tasks.list", {}), ("tasks.create", {"title": "again"})]
)
def test_a_call_whose_connection_was_cut_may_come_again(
    world: World,
    admin: "psycopg.Connection[tuple[object, ...]]",
    name: str,
    given: dict[str, str],
) -> None:
    ada, road = world.principal("ada"), world.pipeline()
    road.call(name, ada, given)
    _cut(admin)
    with pytest.raises(Busy):
        road.call(name, ada, given)
    road.call(name, ada, given)


def test_the_systems_own_work_whose_connection_was_cut_may_come_again(
    world: World, admin: "psycopg.Connection[tuple[object, ...]]"
) -> None:
    def work() -> None:
        with acting_as_system(world.system, "test") as session:
            session.execute(text("UPDATE role SET description = 'x'"))

    work()
    _cut(admin)
    with pytest.raises(Busy):
        work()
    work()


def test_whoever_waits_too_long_for_the_systems_turn_is_told_to_come_again(
    world: World,
) -> None:
    impatient = for_writing(world.system)
    with connected_as_system(world.system, "hold the turn") as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(Busy):
            _work_impatiently(impatient)
        with pytest.raises(Busy), impatient.begin() as other:
            _PEOPLE.rows(other)
    _work_impatiently(impatient)


def _work_impatiently(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("SELECT 1"))
