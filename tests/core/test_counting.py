"""Counting what a principal would find."""

from dataclasses import dataclass

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from app.core import in_words
from app.core.counting import MOST, Counting, in_digits
from app.core.policy import Owner, RowPolicy
from app.core.principal import Channel, Principal, nobody
from app.core.rows import acting_as
from app.core.rule import Words
from app.core.scopes import SCOPES
from app.core.transactions import for_reading
from app.extensions import Model
from app.models import ROW_POLICIES
from app.models.task import Task
from tests.databases import on_both_engines
from tests.world import World

pytestmark = on_both_engines
TABLES = Model.metadata.tables
TASKS = ROW_POLICIES["task"]
ACTS = [frozenset[str](), frozenset({"tasks:view"}), frozenset(SCOPES)]


@dataclass(frozen=True)
class Said:
    """A rule that is what somebody said."""

    text: str

    def sql(self, row: str, words: Words) -> str:  # noqa: ARG002 - the same for everybody
        """Give the condition."""
        return self.text.format(row=row)


SLOW = Said(
    "({row}.id > 0 AND EXISTS (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT 1 FROM n WHERE i < 0))"
)


LONG = (
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
    "SELECT max(i) FROM n"
)


@pytest.fixture
def people(world: World) -> list[Principal]:
    return [*(world.principal(name) for name in world.ids), nobody(Channel.API)]


def ada(world: World) -> Principal:
    return world.principal("ada")


def give(world: World, count: int) -> None:
    """Give Ada more tasks, until she has so many."""
    task = {"owner_id": world.ids["ada"], "title": "x", "notes": "", "created_at": 1}
    more = count - len(world.found("task", "owner_id = :me", me=world.ids["ada"]))
    with world.system.begin() as connection:
        connection.execute(insert(Task), [task | {"updated_at": 1}] * more)


@pytest.mark.parametrize("scopes", ACTS, ids=["none", "one", "all"])
def test_it_counts_what_a_bare_select_finds(
    world: World, people: list[Principal], scopes: frozenset[str]
) -> None:
    counting = Counting(world.rows)
    for person in people:
        for name, policy in ROW_POLICIES.items():
            bare = select(func.count()).select_from(TABLES[name])
            with Session(world.rows) as session, acting_as(session, person, scopes):
                found = session.scalar(bare)
            assert counting.found(person, scopes, TABLES[name], policy) == found, name


@pytest.mark.parametrize("scopes", ACTS, ids=["none", "one", "all"])
def test_each_row_that_is_found_is_opened_by_a_way(
    world: World, people: list[Principal], scopes: frozenset[str]
) -> None:
    counting = Counting(world.rows)
    for person in people:
        for name, policy in ROW_POLICIES.items():
            found = counting.found(person, scopes, TABLES[name], policy) or 0
            opened = [
                counting.opened(person, scopes, TABLES[name], way) or 0
                for way in in_words.ways(policy)
            ]
            assert max(opened) <= found <= sum(opened), name


def test_a_way_opens_what_it_says(world: World) -> None:
    counting, scopes = Counting(world.rows), frozenset({"tasks:view"})
    mine = world.found("task", "owner_id = :me", me=world.ids["ada"])
    team = min(ada(world).teams)
    with world.system.begin() as connection:
        connection.execute(
            update(Task).where(Task.owner_id != mine[0]["owner_id"]).values(team_id=team)
        )
    of_owner, of_team, of_all = (
        counting.opened(ada(world), scopes, TABLES["task"], way) for way in in_words.ways(TASKS)
    )
    ours = world.found(
        "task",
        "team_id IN (SELECT team_id FROM team_member WHERE user_id = :me)",
        me=world.ids["ada"],
    )
    assert (of_owner, of_team, of_all) == (len(mine), len(ours), 0)
    assert ours


@pytest.mark.parametrize(
    ("there", "counted", "said"),
    [(MOST - 1, MOST - 1, "999"), (MOST, MOST, "1000 or more"), (MOST + 5, MOST, "1000 or more")],
)
def test_it_counts_no_further_than_that(world: World, there: int, counted: int, said: str) -> None:
    give(world, there)
    counting, scopes = Counting(world.rows), frozenset({"tasks:view"})
    opened = counting.opened(ada(world), scopes, TABLES["task"], Owner().reading())
    assert (opened, in_digits(opened)) == (counted, said)
    assert counting.found(ada(world), scopes, TABLES["task"], TASKS) == counted


def test_what_takes_too_long_is_given_up_and_harms_nothing_after_it(world: World) -> None:
    counting, scopes = Counting(world.rows, seconds=0.05), frozenset({"tasks:view"})
    for _ in range(3):
        count = counting.opened(ada(world), scopes, TABLES["task"], SLOW)
        assert (count, in_digits(count)) == (None, "too long to count")
        assert counting.found(ada(world), scopes, TABLES["task"], TASKS)
    with world.rows.connect() as connection:
        assert connection.scalar(text(LONG)) == 100_000
        assert connection.scalar(select(func.count()).select_from(Task)) == 0


def test_what_fails_otherwise_is_not_hidden(world: World) -> None:
    with pytest.raises(Exception, match="nosuch"):
        Counting(world.rows).opened(
            ada(world), frozenset(), TABLES["task"], Said("{row}.nosuch = 1")
        )


def test_what_the_engine_was_for_makes_no_difference(world: World) -> None:
    counting = Counting(for_reading(world.rows), seconds=0.05)
    assert counting.opened(ada(world), frozenset(), TABLES["task"], SLOW) is None


def test_a_policy_that_shows_nothing_opens_nothing(world: World) -> None:
    silent = RowPolicy()
    [way] = in_words.ways(silent)
    assert Counting(world.rows).opened(ada(world), frozenset(SCOPES), TABLES["task"], way) == 0
