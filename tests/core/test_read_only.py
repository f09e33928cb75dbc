"""A procedure that is declared as a query changes nothing, on either engine."""

from collections.abc import Callable

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.core.errors import UndeclaredWrite
from app.core.procedure import Call, Catalogue, procedure
from app.core.read_only import ReadOnly, changed_table
from app.core.statement import Statement, inserting
from app.core.system import acting_as_system, connected_as_system
from app.models.task import Comment, Task
from app.procedures import catalogue
from app.procedures.shapes import Nothing
from tests.databases import on_both_engines
from tests.world import World

Change = Callable[[Session], object]

ROW = {"owner_id": 2, "title": "new", "notes": "", "created_at": 1, "updated_at": 1}
_COLUMNS = "(owner_id, title, notes, created_at, updated_at)"
_VALUES = "VALUES (2, 'new', '', 1, 1)"


def _upsert(session: Session) -> None:
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    change = dialect.insert(Task).values(id=3, **ROW)
    session.execute(change.on_conflict_do_update(index_elements=["id"], set_={"title": "mine"}))


def _change_by_orm(session: Session) -> None:
    task = session.get(Task, 3)
    assert task
    task.title = "another"


def _add_and_flush(session: Session) -> None:
    session.add(Task(**ROW))
    session.flush()


def _insert_with(session: Session) -> None:
    some = select(Task.owner_id).cte("some")
    rows = select(some.c.owner_id, text("'new', '', 1, 1"))
    session.execute(insert(Task).from_select(list(ROW), rows))


CHANGES: dict[str, Change] = {
    "an object that is left to the flush": lambda s: s.add(Task(**ROW)),
    "an object that is flushed": _add_and_flush,
    "a changed object": _change_by_orm,
    "a deleted object": lambda s: s.delete(s.get(Task, 3)),
    "insert": lambda s: s.execute(insert(Task).values(**ROW)),
    "insert returning": lambda s: s.execute(insert(Task).values(**ROW).returning(Task.id)),
    "insert many": lambda s: s.execute(insert(Task), [ROW, ROW]),
    "insert from select": _insert_with,
    "upsert": _upsert,
    "update": lambda s: s.execute(update(Task).values(title="changed")),
    "delete": lambda s: s.execute(delete(Task)),
    "text insert": lambda s: s.execute(text(f"INSERT INTO task {_COLUMNS} {_VALUES}")),
    "text update": lambda s: s.execute(text("  update task\nset title = 'changed'")),
    "text delete": lambda s: s.execute(text("/* all */ DELETE FROM task")),
    "text with": lambda s: s.execute(
        text(f"WITH x AS (SELECT 1) INSERT INTO task {_COLUMNS} {_VALUES}")
    ),
    "truncating": lambda s: s.execute(text("DROP TABLE task")),
    "altering": lambda s: s.execute(text("ALTER TABLE task ADD COLUMN x INTEGER")),
}
ON_SQLITE: dict[str, Change] = {
    "replace": lambda s: s.execute(text(f"REPLACE INTO task {_COLUMNS} {_VALUES}")),
    "insert or replace": lambda s: s.execute(
        text(f"INSERT OR REPLACE INTO task {_COLUMNS} {_VALUES}")
    ),
    # The text that the guard makes of a change of an earlier transaction, which it has prepared.
    "the guard's own words": lambda s: s.execute(text("UPDATE main.task SET title = 'changed'")),
}


def _writes_to_task(world: World, change: Change) -> str:
    """Run a change in a query; return what it is refused with."""

    @procedure("tasks.peek", scopes=["tasks:view"], touches=("task",))
    def peek(call: Call, given: Nothing) -> Nothing:
        """Look at the tasks."""
        change(call.session)
        return given

    road = world.pipeline(Catalogue([peek, *catalogue()]))
    with pytest.raises(UndeclaredWrite) as bug:
        road.call("tasks.peek", world.principal("ben"), {})
    return str(bug.value)


@on_both_engines
def test_a_query_stores_nothing_however_it_tries(world: World) -> None:
    world.call("ben", "tasks.update", task_id="3", title="before")
    with world.acting("ben") as session:
        session.execute(text("UPDATE task SET title = 'changed'"))
    before = world.everything()
    is_sqlite = world.rows.dialect.name == "sqlite"
    for name, change in {**CHANGES, **(ON_SQLITE if is_sqlite else {})}.items():
        said = _writes_to_task(world, change)
        assert said == "tasks.peek writes to task: declare writes=True", name
    assert world.everything() == before
    # The pooled connection that was read from takes a change as ever.
    assert world.call("ben", "tasks.update", task_id="3", title="after").title == "after"


@on_both_engines
def test_a_query_reads_whatever_the_text_of_its_statement_holds(world: World) -> None:
    @procedure("tasks.peek", scopes=["tasks:view"], touches=("task",))
    def peek(call: Call, given: Nothing) -> Nothing:
        """Look at the tasks."""
        for query in (
            "WITH x AS (SELECT id FROM task) SELECT 'DELETE FROM task' FROM x",
            "/* UPDATE task */ SELECT 1 -- INSERT INTO task\n",
            "(SELECT id FROM task)" if not is_sqlite else "VALUES (1)",
        ):
            assert call.session.execute(text(query)).all()
        return given

    is_sqlite = world.rows.dialect.name == "sqlite"
    world.pipeline(Catalogue([peek])).call("tasks.peek", world.principal("ben"), {})


@on_both_engines
def test_what_the_system_only_reads_it_does_not_change(world: World) -> None:
    before = world.everything()
    comment = {"task_id": 1, "author_id": 1, "body": "x", "created_at": 1}
    for change in (insert(Comment).values(**comment), update(Task).values(title="x")):
        with (
            pytest.raises(Exception, match=r"read-only|reads"),
            acting_as_system(world.system, "try to write", reads=True) as session,
        ):
            session.execute(change)
        with (
            pytest.raises(Exception, match=r"read-only|reads"),
            connected_as_system(world.system, "try to write", reads=True) as connection,
        ):
            connection.execute(change)
    with (
        pytest.raises(Exception, match=r"read-only|reads"),
        connected_as_system(world.system, "try to write", reads=True) as connection,
    ):
        inserting(Comment, *comment).change(connection, **comment)
    assert world.everything() == before
    with connected_as_system(world.system, "write") as connection:
        assert inserting(Comment, *comment).change(connection, **comment) == 1


def test_a_compiled_statement_that_changes_is_refused_by_itself(world: World) -> None:
    change = Statement(update(Task).values(title="x"))
    with (
        pytest.raises(ReadOnly, match="changes task"),
        connected_as_system(world.system, "try to write", reads=True) as connection,
    ):
        change.change(connection)


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ('INSERT INTO "task" (id) VALUES (1)', "task"),
        ("INSERT OR IGNORE INTO main.task VALUES (1)", "task"),
        ("insert\n into\ttask default values", "task"),
        ("DELETE FROM ONLY task", "task"),
        ("UPDATE OR REPLACE task SET id = 1", "task"),
        ("MERGE INTO task USING x ON true", "task"),
        ("TRUNCATE TABLE public.task", "task"),
        ("CREATE TEMP TABLE IF NOT EXISTS mine (id)", "mine"),
        ("CREATE UNIQUE INDEX ix ON task (id)", "ix"),
        ("WITH gone AS (DELETE FROM task RETURNING *) SELECT * FROM gone", "task"),
        ("SELECT 'it''s', 'DELETE FROM task' FROM task", None),
        ("SELECT * FROM task FOR UPDATE", None),
        ("WITH update_of AS (SELECT 1) SELECT created_at, updated_at FROM task", None),
        ("-- DELETE FROM task\nSELECT 1 /* DROP TABLE task */", None),
    ],
)
def test_the_table_that_a_statement_changes_is_told_by_its_text(
    statement: str, table: str | None
) -> None:
    assert changed_table(statement) == table
