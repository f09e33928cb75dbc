"""Binding a session to a principal."""

from contextlib import suppress

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.principal import Channel, Principal
from app.core.rows import ACTING, NOBODY, acting_as
from app.models.task import Task
from tests.world import World

WHO = text("SELECT latchkey_user(), latchkey_scope('tasks:view'), latchkey_scope('tasks:edit')")


def ben(*scopes: str) -> Principal:
    return Principal(Channel.API, 2, frozenset(scopes))


def test_the_database_knows_the_person_and_the_scopes_that_both_sides_name(world: World) -> None:
    asked = frozenset({"tasks:view", "tasks:edit"})
    with Session(world.rows) as session, acting_as(session, ben("tasks:view"), asked):
        assert session.execute(WHO).one() == (2, 1, 0)


def test_a_scope_that_the_procedure_does_not_name_is_not_in_force(world: World) -> None:
    principal = ben("tasks:view", "tasks:edit")
    with Session(world.rows) as session, acting_as(session, principal, frozenset()):
        assert session.execute(WHO).one() == (2, 0, 0)


def test_what_is_added_last_is_written_while_the_person_still_stands(world: World) -> None:
    task = Task(owner_id=2, title="last", notes="", created_at=1, updated_at=1)
    with Session(world.rows) as session, acting_as(session, ben(), frozenset()):
        session.add(task)
    assert world.found("task", "title = 'last'")


def test_the_transaction_is_undone_where_the_block_raises(world: World) -> None:
    task = Task(owner_id=2, title="last", notes="", created_at=1, updated_at=1)
    with (
        suppress(ZeroDivisionError),
        Session(world.rows) as session,
        acting_as(session, ben(), frozenset()),
    ):
        session.add(task)
        session.flush()
        raise ZeroDivisionError
    assert not world.found("task", "title = 'last'")


def test_the_connection_is_nobodys_before_and_after(world: World) -> None:
    with world.rows.connect() as connection:
        assert connection.info[ACTING] is NOBODY
        assert connection.execute(WHO).one() == (None, 0, 0)
    with Session(world.rows) as session, acting_as(session, ben(), frozenset()):
        info = session.connection().info
    assert info[ACTING] is NOBODY
