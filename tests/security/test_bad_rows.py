"""What would put a row into other hands, on either engine: the same answer, and nothing changed.

Ben looks after an organization of his own and is in its team, and has every scope but those that
rule the workspace. Each statement runs as the whole of a procedure.
"""

from contextlib import suppress
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from app.core.errors import CallError, NotFound
from app.core.procedure import Call, Catalogue, procedure
from app.core.scopes import ADMIN
from app.core.system import acting_as_system
from app.models.task import Task
from tests.databases import on_both_engines
from tests.security.bad_statements import (
    ACROSS_ORGANIZATIONS,
    INTO_ANOTHERS_HANDS,
    INVITATION,
    MEMBER,
    MEMBERSHIP,
    NOT_HIS,
    OPEN_TO_MEMBERS,
    TASK,
    UNDER_ANOTHER_PARENT,
)
from tests.world import World

pytestmark = on_both_engines

HER, NONE = 1, 999_999


class Tried(BaseModel):
    """A statement, and the key of somebody else's row, or of none."""

    statement: str
    theirs: int


class Outcome(BaseModel):
    """How many rows it changed."""

    rows: int


@procedure("statements.run", scopes=sorted(OPEN_TO_MEMBERS), writes=True)
def run(call: Call, given: Tried) -> Outcome:
    """Run what no procedure would."""
    done = call.session.connection().execute(text(given.statement), {"theirs": given.theirs})
    return Outcome(rows=done.rowcount)


def tried(world: World, statement: str, theirs: int) -> Outcome:
    """Give what becomes of a statement on the road."""
    given = {"statement": statement, "theirs": theirs}
    outcome = world.pipeline(Catalogue([run])).call(
        "statements.run", world.principal("ben", *ADMIN), given
    )
    assert isinstance(outcome, Outcome)
    return outcome


def refusal(world: World, statement: str, theirs: int) -> tuple[type[CallError], str]:
    with pytest.raises(CallError) as refused:
        tried(world, statement, theirs)
    return type(refused.value), refused.value.message


def everything(world: World) -> dict[str, Any]:
    """Give each row but the traces of what was tried."""
    return {name: rows for name, rows in world.everything().items() if name != "audit_event"}


@pytest.mark.parametrize(
    "statements",
    [INTO_ANOTHERS_HANDS, ACROSS_ORGANIZATIONS, UNDER_ANOTHER_PARENT],
    ids=["into another's hands", "across organizations", "under another parent"],
)
def test_a_row_that_would_be_in_other_hands_is_refused_like_one_that_is_not_there(
    world: World, statements: list[str]
) -> None:
    before = everything(world)
    for statement in statements:
        refused = refusal(world, statement, HER)
        assert refused == (NotFound, "There is no such row."), statement
        assert refusal(world, statement, NONE) == refused, statement
        assert everything(world) == before, statement


def test_what_is_anothers_is_changed_no_more_than_what_is_not_there(world: World) -> None:
    before = everything(world)
    for statement in NOT_HIS:
        outcomes = tried(world, statement, HER), tried(world, statement, NONE)
        assert outcomes == (Outcome(rows=0), Outcome(rows=0)), statement
        assert everything(world) == before, statement


@pytest.mark.parametrize(
    ("table", "his", "whose"),
    [
        ("task", 2, "owner_id"),
        ("comment", 2, "task_id"),
        ("project", 1, "organization_id"),
        ("invitation", 1, "organization_id"),
        ("team", 1, "organization_id"),
        ("team_member", 1, "team_id"),
        ("membership", 1, "organization_id"),
        ("client", 2, "owner_id"),
        ("organization", 0, "id"),
        ("user_account", 0, "id"),
        ("oauth_grant", 0, "user_id"),
        ("audit_event", 0, "user_id"),
    ],
)
def test_who_deletes_all_rows_deletes_their_own(
    world: World, table: str, his: int, whose: str
) -> None:
    hers = f"{whose} IN (1, 2)" if table == "comment" else f"{whose} = 1"
    before = world.found(table, hers)
    assert tried(world, f"DELETE FROM {table}", HER) == Outcome(rows=his)
    assert before == world.found(table, hers) != []


def test_a_row_that_one_may_read_is_not_taken_over_by_copying_it(world: World) -> None:
    _share_a_team(world)
    before = everything(world)
    assert refusal(world, f"{TASK} SELECT owner_id, 1, title, '', 1, 1 FROM task", HER) == (
        NotFound,
        "There is no such row.",
    )
    assert everything(world) == before


def test_a_member_of_a_team_changes_its_tasks_and_not_whose_they_are(world: World) -> None:
    _share_a_team(world)
    assert tried(world, "UPDATE task SET notes = 'x' WHERE owner_id = :theirs", HER).rows == 1
    for statement in ("owner_id = 2", "team_id = NULL", "team_id = 2"):
        refused = refusal(world, f"UPDATE task SET {statement} WHERE owner_id = :theirs", HER)
        assert refused == (NotFound, "There is no such row."), statement


def test_a_plain_member_gets_no_further_in_an_organization(world: World) -> None:
    _share_a_team(world)
    before = everything(world)
    # In his own organization, he is one.
    assert tried(world, "UPDATE membership SET standing = 'manager'", HER).rows == 1
    for statement in (
        f"{MEMBERSHIP} VALUES (1, 3, 'member', 1)",
        f"{MEMBER} VALUES (1, 1, 2, 1)",
        f"{INVITATION} VALUES (1, 'x@example.com', 'member', 'x', 1, 1)",
        "INSERT INTO team (organization_id, name, created_at) VALUES (1, 'mine', 1)",
    ):
        assert refusal(world, statement, HER)[0] is NotFound, statement
    assert everything(world) == before


def test_a_row_is_not_taken_over_by_its_key(world: World) -> None:
    before = everything(world)
    keyed = TASK.replace("(owner_id", "(id, owner_id") + " VALUES (1, 2, NULL, 'mine', '', 1, 1)"
    for statement in (
        keyed,
        f"{keyed} ON CONFLICT (id) DO UPDATE SET title = 'mine', owner_id = 2",
        f"{keyed} ON CONFLICT DO NOTHING",
    ):
        with suppress(CallError):
            assert tried(world, statement, HER).rows == 0, statement
        assert everything(world) == before, statement


def test_a_change_reads_no_more_than_its_own_rows(world: World) -> None:
    look = "coalesce((SELECT max(title) FROM task WHERE title LIKE 'hers%'), 'nothing')"
    assert tried(world, f"UPDATE task SET notes = {look}", HER).rows == 2
    assert {row["notes"] for row in world.found("task", "owner_id = 2")} == {"nothing"}


@pytest.mark.parametrize("odd", [2**63, -(2**63) - 1, -1, 0, "x", "1 OR 1=1", 1.4, float("nan")])
def test_a_key_of_another_kind_finds_and_changes_nothing_of_anothers(
    world: World, odd: Any
) -> None:
    before = everything(world)
    for statement in (
        select(Task.title).where(Task.id == odd),
        update(Task).values(title="mine").where(Task.owner_id == odd),
        update(Task).values(owner_id=odd),
        update(Task).values(team_id=odd),
    ):
        with suppress(DBAPIError, OverflowError), world.acting("ben") as session:
            found = session.connection().execute(statement)
            assert not found.returns_rows or found.all() == []
        assert everything(world) == before


def _share_a_team(world: World) -> None:
    """Put Ben into Ada's organization and team, as a plain member, and a task of hers there."""
    for statement in (
        f"{MEMBERSHIP} VALUES (1, 2, 'member', 1)",
        f"{MEMBER} VALUES (1, 1, 2, 1)",
        "UPDATE task SET team_id = 1 WHERE title = 'hers: plan'",
    ):
        with acting_as_system(world.system, "test") as session:
            session.execute(text(statement))
