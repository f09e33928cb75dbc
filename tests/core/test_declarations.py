"""Whether what the code declares fits itself and the database."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from app.core.declarations import Declarations
from app.core.policy import RowPolicy, rows
from app.core.procedure import Call, Catalogue, procedure
from app.core.rule import NEVER, Empty, Held, Own, Related, Rule, Shared, both, either
from app.core.scopes import SCOPES
from app.procedures.shapes import Nothing

ROLES = {"Everyone": frozenset(SCOPES)}
SOME = RowPolicy(select=Held("tasks:viewAll"))


@pytest.fixture
def database() -> Iterator[Engine]:
    """Give a database of two tables."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE task (id INTEGER, owner_id INTEGER)")
        connection.exec_driver_sql("CREATE TABLE comment (id INTEGER, task_id INTEGER)")
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num TEXT)")
    yield engine
    engine.dispose()


def faults(
    database: Engine, *unreachable: str, procedures: Catalogue | None = None, **policies: RowPolicy
) -> list[str]:
    declared = Declarations(procedures or Catalogue([]), policies, frozenset(unreachable))
    return list(declared.faults(database, ROLES))


def test_what_fits_has_no_fault(database: Engine) -> None:
    rule = either(Empty("owner_id"), both(Own("owner_id"), Held("tasks:viewAll")))
    policy = RowPolicy(select=Related("task", "task_id", rule=rule), insert=NEVER)
    assert faults(database, task=RowPolicy(select=rule), comment=policy) == []
    assert faults(database, "comment", task=SOME) == []


def test_a_policy_that_neither_shows_nor_takes_a_row_is_a_fault(database: Engine) -> None:
    assert faults(database, "comment", task=rows(insert=Own("owner_id"))) == []
    assert faults(database, "comment", task=rows(update=Own("owner_id"))) == [
        "table task: its policy shows no row to anybody; name it as unreachable"
    ]


def test_a_column_whose_change_is_ruled_is_there(database: Engine) -> None:
    policy = rows(insert=NEVER, fixed=["team_id"])
    assert faults(database, "comment", task=RowPolicy(SOME.select, changes=policy.changes)) == [
        "table task: its policy names the column task.team_id, which is not in the database"
    ]


def test_each_table_is_declared_and_each_declared_one_is_there(database: Engine) -> None:
    assert faults(database, "guess", task=SOME, login=SOME) == [
        "table guess: it is declared, and not in the database",
        "table login: it is declared, and not in the database",
        "table comment: it has no policy, and is not named as unreachable",
    ]


def test_a_table_is_not_both_reachable_and_unreachable(database: Engine) -> None:
    assert faults(database, "comment", "task", task=SOME) == [
        "table task: it is named as unreachable, and has a policy"
    ]


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (Own("author_id"), "column comment.author_id, which is not in the database"),
        (Related("task", "todo_id"), "column comment.todo_id, which is not in the database"),
        (Related("task", "task_id", key="key"), "column task.key, which is not in the database"),
        (Related("todo", "task_id"), "column todo.id, which is not in the database"),
        (
            Related("task", "task_id", rule=Own("author_id")),
            "column task.author_id, which is not in the database",
        ),
        (Shared("task", "id", "user_id"), "column task.user_id, which is not in the database"),
        (Shared("task", "key", "owner_id"), "column task.key, which is not in the database"),
        (
            Shared("task", "id", "owner_id", key="number"),
            "column comment.number, which is not in the database",
        ),
        (Held("tasks:juggle"), "unknown scope tasks:juggle"),
        (both(SOME.select, either(NEVER, Held("x:y"))), "unknown scope x:y"),
    ],
)
@pytest.mark.parametrize("action", ["select", "insert", "update", "delete"])
def test_what_a_rule_names_is_there(database: Engine, rule: Rule, fault: str, action: str) -> None:
    rules: dict[str, Any] = {"select": SOME.select, action: rule}
    found = faults(database, "task", comment=RowPolicy(**rules))
    assert found == [f"table comment: its policy names the {fault}"]


def test_a_procedure_that_nobody_can_call_is_a_fault(database: Engine) -> None:
    @procedure("tasks.both", scopes=["tasks:view", "tasks:viewAll"])
    def all_of(call: Call, given: Nothing) -> Nothing:
        """Need two scopes."""
        return given

    @procedure("tasks.either", any_scope=["tasks:edit", "tasks:viewAll"])
    def any_of(call: Call, given: Nothing) -> Nothing:
        """Need one of two scopes."""
        return given

    declared = Declarations(Catalogue([all_of, any_of]), {}, frozenset({"task", "comment"}))

    def found(*roles: str) -> list[str]:
        return list(declared.faults(database, {r: frozenset(r.split()) for r in roles}))

    assert found("tasks:view tasks:viewAll") == []
    # Of two roles a person may have both.
    assert found("tasks:view", "tasks:viewAll") == []
    assert found("tasks:view") == [
        "procedure tasks.both: no role holds tasks:viewAll",
        "procedure tasks.either: no role holds tasks:edit tasks:viewAll",
    ]
    assert found("tasks:view tasks:edit") == ["procedure tasks.both: no role holds tasks:viewAll"]
    assert len(found()) == 2


def test_a_table_that_a_procedure_touches_has_a_policy(database: Engine) -> None:
    @procedure("tasks.look", scopes=["tasks:view"], touches=("task", "comment"))
    def look(call: Call, given: Nothing) -> Nothing:
        """Look at two tables."""
        return given

    assert faults(database, "comment", procedures=Catalogue([look]), task=SOME) == [
        "procedure tasks.look: it touches comment, which has no policy"
    ]


def test_a_scope_that_a_role_holds_is_declared(database: Engine) -> None:
    declared = Declarations(Catalogue([]), {}, frozenset({"task", "comment"}))
    held = {"Juggler": frozenset({"tasks:view", "tasks:juggle", "a:b"})}
    assert list(declared.faults(database, held)) == [
        "role Juggler: it holds the unknown scope a:b",
        "role Juggler: it holds the unknown scope tasks:juggle",
    ]
