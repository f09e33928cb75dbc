"""Statements that would go round the guard, by people who may write any SQL."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, InvalidRequestError
from sqlalchemy.orm import Session

from app.core.rows import acting_as
from app.extensions import Model
from app.models.task import Comment, Task
from tests.core.attacks import HARMLESS, REFUSED
from tests.world import HERS, World


def of_ada(world: World) -> dict[str, list[object]]:
    """Give all that is not Ben's, as it really is."""
    return {
        name: [
            row for row in rows if HERS in str(row) or name not in ("task", "comment", "client")
        ]
        for name, rows in world.everything().items()
    }


@pytest.mark.parametrize("statement", REFUSED)
def test_a_statement_that_would_go_round_is_refused(world: World, statement: str) -> None:
    before = world.everything()
    with pytest.raises(DBAPIError), world.acting("ben") as session:
        session.connection().exec_driver_sql(statement)
    assert world.everything() == before


@pytest.mark.parametrize("statement", HARMLESS)
def test_a_statement_that_runs_shows_and_changes_nothing_of_hers(
    world: World, statement: str
) -> None:
    before = of_ada(world)
    with world.acting("ben") as session:
        result = session.connection().exec_driver_sql(statement)
        shown = result.all() if result.returns_rows else []
    assert HERS not in str(shown)
    assert "$argon2" not in str(shown)
    assert of_ada(world) == before


@pytest.mark.parametrize("task_id", [1, 999_999])
@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO comment (task_id, author_id, body, created_at) VALUES (:id, 2, 'x', 1)",
        "UPDATE comment SET task_id = :id",
    ],
)
def test_an_error_does_not_tell_whether_anothers_row_is_there(
    world: World, statement: str, task_id: int
) -> None:
    with pytest.raises(IntegrityError) as refusal, world.acting("ben") as session:
        session.execute(text(statement), {"id": task_id})
    assert str(refusal.value.orig) == "row policy"


def test_a_change_that_failed_opens_nothing_to_the_next_statement(world: World) -> None:
    with world.acting("ben") as session:
        with suppress(IntegrityError):
            session.connection().exec_driver_sql("UPDATE task SET owner_id = 1")
        driver = session.connection().connection.cursor()
        reads: list[Callable[[str], Any]] = [session.connection().exec_driver_sql, driver.execute]
        for read in reads:
            with pytest.raises(Exception, match="prohibited"):
                read("SELECT title FROM main.task")


def test_the_drivers_own_cursor_is_guarded(world: World) -> None:
    with world.acting("ben") as session:
        cursor = session.connection().connection.cursor()
        titles = {row[0] for row in cursor.execute("SELECT title FROM task")}
        with pytest.raises(Exception, match="prohibited"):
            cursor.execute("UPDATE main.task SET title = title")
    assert titles == {"his: plan", "his: other"}


def test_a_statement_that_is_prepared_already_is_of_the_next_person(world: World) -> None:
    read = text("SELECT title FROM task ORDER BY id")
    found = []
    for name in ("ada", "ben", "grace", "ada"):
        with world.acting(name) as session:
            found.append(session.scalars(read).all())
            connection = session.connection().connection.dbapi_connection
    hers, his = ["hers: plan", "hers: other"], ["his: plan", "his: other"]
    assert found == [hers, his, [], hers]
    with world.rows.connect() as next_one:
        assert next_one.connection.dbapi_connection is connection
        assert next_one.execute(read).all() == []


def test_a_connection_comes_back_from_a_failed_call_as_nobodys(world: World) -> None:
    with suppress(ZeroDivisionError), world.acting("ben"):
        raise ZeroDivisionError
    with world.rows.connect() as connection:
        assert connection.execute(text("SELECT latchkey_user()")).scalar() is None


def test_a_savepoint_that_is_rolled_back_keeps_the_person(world: World) -> None:
    with world.acting("ben") as session:
        with suppress(ZeroDivisionError), session.begin_nested():
            session.execute(text("UPDATE task SET title = 'mine'"))
            raise ZeroDivisionError
        found = session.scalars(text("SELECT title FROM task ORDER BY id")).all()
    assert found == ["his: plan", "his: other"]


def test_a_session_that_is_rolled_back_goes_no_further(world: World) -> None:
    with world.acting("ben") as session:
        session.rollback()
        with pytest.raises(InvalidRequestError):
            session.scalars(text("SELECT title FROM task"))


def test_a_connection_given_back_too_early_is_nobodys_at_once(world: World) -> None:
    ben = world.principal("ben")
    with Session(world.rows) as session, acting_as(session, ben, frozenset()):
        given_back = session.connection().connection.dbapi_connection
        session.close()
        with world.rows.connect() as next_one:
            assert next_one.connection.dbapi_connection is given_back
            assert next_one.execute(text("SELECT title FROM task")).all() == []


def test_a_session_that_ends_late_takes_nothing_from_the_next_person(world: World) -> None:
    with ExitStack() as ends_late:
        session = ends_late.enter_context(world.acting("ben"))
        session.close()
        with world.acting("ada") as next_one:
            ends_late.close()
            assert len(next_one.scalars(text("SELECT title FROM task")).all()) == 2


def test_two_people_at_once_see_each_their_own(world: World) -> None:
    both_are_in = Barrier(2)

    def titles(name: str) -> list[str]:
        found: list[str] = []
        for _ in range(20):
            both_are_in.wait()
            with world.acting(name) as session:
                found += session.scalars(text("SELECT title FROM task"))
                both_are_in.wait()
                found += session.scalars(text("SELECT title FROM task"))
        return found

    with ThreadPoolExecutor(2) as threads:
        hers, his = threads.map(titles, ["ada", "ben"])
    assert set(hers) == {"hers: plan", "hers: other"}
    assert set(his) == {"his: plan", "his: other"}
    assert len(hers) == len(his) == 80


def test_a_row_merged_from_elsewhere_takes_nothing_over(world: World) -> None:
    before = world.everything()
    with pytest.raises(IntegrityError), world.acting("ben") as session:
        session.merge(Task(id=1, owner_id=2, title="mine", notes="", created_at=1, updated_at=1))
    with pytest.raises(IntegrityError, match="row policy"), world.acting("ben") as session:
        session.add(Comment(task_id=1, author_id=2, body="mine", created_at=1))
    assert world.everything() == before


def test_each_base_table_is_hidden_by_a_view(world: World) -> None:
    with world.rows.connect() as connection:
        driver = connection.connection.dbapi_connection
        assert driver is not None
        driver.set_authorizer(None)
        views = driver.execute(
            "SELECT name FROM sqlite_temp_master WHERE type = 'view'"
        ).fetchall()
        connection.invalidate()
    assert {name for (name,) in views} >= set(Model.metadata.tables)
