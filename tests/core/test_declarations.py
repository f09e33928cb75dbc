"""Whether what the code declares fits itself and the database."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine, create_engine

from app.core.declarations import Declarations
from app.core.policy import NEVER, Bypass, Owner, RowPolicy, Rule, Via, both, either
from app.core.procedure import Call, Catalogue, procedure
from app.core.scopes import SCOPES
from app.procedures.shapes import Nothing

ROLES = {"Everyone": frozenset(SCOPES)}


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
    rule = either(NEVER, both(Owner(), Bypass("tasks:viewAll")))
    policy = RowPolicy(select=Via("task", "task_id", rule=rule), insert=NEVER)
    assert faults(database, task=RowPolicy(select=rule), comment=policy) == []
    assert faults(database, "comment", task=RowPolicy()) == []


def test_each_table_is_declared_and_each_declared_one_is_there(database: Engine) -> None:
    assert faults(database, "guess", task=RowPolicy(), login=RowPolicy()) == [
        "table guess: it is declared, and not in the database",
        "table login: it is declared, and not in the database",
        "table comment: it has no policy, and is not named as unreachable",
    ]


def test_a_table_is_not_both_reachable_and_unreachable(database: Engine) -> None:
    assert faults(database, "comment", "task", task=RowPolicy()) == [
        "table task: it is named as unreachable, and has a policy"
    ]


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (Owner("author_id"), "column comment.author_id, which is not in the database"),
        (Via("task", "todo_id"), "column comment.todo_id, which is not in the database"),
        (Via("task", "task_id", key="key"), "column task.key, which is not in the database"),
        (Via("todo", "task_id"), "column todo.id, which is not in the database"),
        (
            Via("task", "task_id", rule=Owner("author_id")),
            "column task.author_id, which is not in the database",
        ),
        (Bypass("tasks:juggle"), "unknown scope tasks:juggle"),
        (both(NEVER, either(NEVER, Bypass("x:y"))), "unknown scope x:y"),
    ],
)
@pytest.mark.parametrize("action", ["select", "insert", "update", "delete"])
def test_what_a_rule_names_is_there(database: Engine, rule: Rule, fault: str, action: str) -> None:
    found = faults(database, "task", comment=RowPolicy(**{action: rule}))
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


def test_a_scope_that_a_role_holds_is_declared(database: Engine) -> None:
    declared = Declarations(Catalogue([]), {}, frozenset({"task", "comment"}))
    held = {"Juggler": frozenset({"tasks:view", "tasks:juggle", "a:b"})}
    assert list(declared.faults(database, held)) == [
        "role Juggler: it holds the unknown scope a:b",
        "role Juggler: it holds the unknown scope tasks:juggle",
    ]
