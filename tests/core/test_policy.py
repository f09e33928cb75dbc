"""Row policies as SQL."""

import json
import sqlite3

import pytest

from app.core.policy import (
    Bypass,
    Everyone,
    Gated,
    Group,
    Organization,
    Owner,
    Pattern,
    RowPolicy,
    SharedWith,
    Via,
    rows,
)
from app.core.rule import (
    ALWAYS,
    NEVER,
    Among,
    Circle,
    Empty,
    Held,
    Own,
    Related,
    Rule,
    Shared,
    both,
    either,
    held,
)

MINE, ANY, NO = Own("owner_id"), Held("tasks:viewAll"), NEVER
OF_TEAM = Among("owner_id", Circle.TEAMS)


class Words:
    """Who acts, in a language of the test's own."""

    def __init__(self, user: int | None, scopes: str, teams: list[int]) -> None:
        self._user, self._scopes, self._teams = user, scopes.split(), teams

    def user(self) -> str:
        """Give a number."""
        return "NULL" if self._user is None else str(self._user)

    def holds(self, *scopes: str) -> str:
        """Give a truth."""
        return str(not set(self._scopes).isdisjoint(scopes)).upper()

    def among(self, column: str, circle: Circle) -> str:
        """Give a list of numbers."""
        ids = json.dumps(self._teams if circle == "teams" else [])
        return f"{column} IN (SELECT value FROM json_each('{ids}'))"

    def shared(self, column: str, share: Shared) -> str:
        """Return a list of keys."""
        shares = f"SELECT {share.row_column} FROM {share.table} WHERE {share.user_column}"
        return f"{column} IN ({shares} = {self.user()})"


def holds(
    rule: Rule,
    *,
    owner: int | None,
    user: int | None,
    scopes: str = "",
    teams: tuple[int, ...] = (),
) -> bool:
    """Tell whether a row of this owner meets a rule for this user."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE TABLE parent (id, owner_id)")
        connection.execute("INSERT INTO parent VALUES (7, ?)", (owner,))
        connection.execute("CREATE TABLE share (row_id, user_id)")
        connection.execute("INSERT INTO share VALUES (1, 2)")
        connection.execute("CREATE TABLE row (id, owner_id, parent_id)")
        connection.execute("INSERT INTO row VALUES (1, ?, 7)", (owner,))
        condition = rule.sql("row", Words(user, scopes, list(teams)))
        return bool(
            connection.execute(f"SELECT count(*) FROM row WHERE {condition}").fetchone()[0]
        )
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("rule", "mine", "anothers", "of_nobody"),
    [
        (MINE, True, False, False),
        (NO, False, False, False),
        (ANY, False, False, False),
        (Empty("owner_id"), False, False, True),
        (either(MINE, NO), True, False, False),
        (either(), False, False, False),
        (both(MINE, NO), False, False, False),
        (both(MINE, MINE), True, False, False),
        (ALWAYS, True, True, True),
        (either(MINE, ALWAYS), True, True, True),
        (both(MINE, ALWAYS), True, False, False),
        (both(ALWAYS, ALWAYS), True, True, True),
        (both(NO, ALWAYS), False, False, False),
        (Related("parent", "parent_id"), True, True, True),
        (Related("parent", "parent_id", rule=MINE), True, False, False),
        (Related("parent", "owner_id", key="owner_id"), True, True, False),
    ],
)
def test_a_rule_lets_through_what_it_says(
    rule: Rule, *, mine: bool, anothers: bool, of_nobody: bool
) -> None:
    assert holds(rule, owner=2, user=2) == mine
    assert holds(rule, owner=1, user=2) == anothers
    assert holds(rule, owner=None, user=2) == of_nobody


def test_nobody_owns_nothing_not_even_what_nobody_owns() -> None:
    assert not holds(MINE, owner=1, user=None)
    assert not holds(MINE, owner=None, user=None)


def test_a_circle_holds_its_ids_and_no_others() -> None:
    assert holds(OF_TEAM, owner=5, user=2, teams=(4, 5))
    assert not holds(OF_TEAM, owner=6, user=2, teams=(4, 5))
    assert not holds(OF_TEAM, owner=None, user=2, teams=(4, 5))
    assert not holds(OF_TEAM, owner=5, user=2)


def test_a_scope_opens_the_rule_that_names_it_and_no_other() -> None:
    assert holds(either(MINE, ANY), owner=1, user=2, scopes="tasks:viewAll")
    assert not holds(either(MINE, ANY), owner=1, user=2, scopes="tasks:view")
    assert not holds(both(MINE, ANY), owner=1, user=2, scopes="tasks:viewAll")


def test_an_either_within_a_both_does_not_loosen_it() -> None:
    assert not holds(both(either(ANY, MINE), NO), owner=2, user=2, scopes="tasks:viewAll")


def test_what_a_policy_does_not_say_is_refused() -> None:
    for silent in (RowPolicy(), rows()):
        assert {silent.select, silent.insert, silent.update, silent.delete} == {NEVER}


READ, WRITE = "tasks:view", "tasks:edit"


@pytest.mark.parametrize(
    ("pattern", "scopes", "sees", "changes"),
    [
        (Owner(), "", False, False),
        (Group(READ, WRITE, column="owner_id"), "", False, False),
        (Group(READ, WRITE, column="owner_id"), READ, True, False),
        (Group(READ, WRITE, column="owner_id"), WRITE, True, True),
        (Group(READ, column="owner_id"), f"{READ} {WRITE}", True, False),
        (Organization(READ, WRITE, column="owner_id", readers=Circle.TEAMS), READ, True, False),
        (Organization(READ, WRITE, column="owner_id"), f"{READ} {WRITE}", False, False),
        (
            Organization(
                (), WRITE, column="owner_id", readers=Circle.TEAMS, writers=Circle.MANAGED
            ),
            WRITE,
            True,
            False,
        ),
        (Bypass(reads=READ), READ, True, False),
        (Bypass(reads=(READ, "tasks:viewAll")), "tasks:viewAll", True, False),
        (Bypass(reads=READ, writes=WRITE), WRITE, True, True),
        (Gated(writes=WRITE), READ, False, False),
        (SharedWith("share", "row_id", "user_id"), "", True, False),
        (SharedWith("share", "row_id", "row_id"), f"{READ} {WRITE}", False, False),
        (SharedWith("share", "row_id", "user_id", key="owner_id"), "", False, False),
        (Everyone(), "", True, False),
        (Everyone(reads=False), f"{READ} {WRITE}", False, False),
        (Via("parent", "parent_id"), "", True, False),
        (Via("parent", "parent_id", rows(Bypass(writes=WRITE))), READ, True, False),
        (Via("parent", "parent_id", rows(Bypass(writes=WRITE))), WRITE, True, True),
    ],
)
def test_a_pattern_opens_what_it_says(
    pattern: Pattern, scopes: str, *, sees: bool, changes: bool
) -> None:
    for rule, is_open in ((pattern.reading(), sees), (pattern.writing(), changes)):
        assert holds(rule, owner=5, user=2, scopes=scopes, teams=(5,)) == is_open


def test_the_patterns_of_a_policy_are_tried_in_their_own_order() -> None:
    mixed = (
        Everyone(),
        Bypass(reads=READ),
        Via("parent", "parent_id"),
        SharedWith("share", "row_id", "user_id"),
        Organization(READ),
        Owner(),
        Group(READ),
    )
    assert [type(each) for each in rows(*mixed).patterns] == [
        Owner,
        Group,
        Organization,
        Via,
        SharedWith,
        Bypass,
        Everyone,
    ]
    assert rows(*mixed).select == ALWAYS


def test_a_policy_says_of_one_action_otherwise_than_of_the_others() -> None:
    policy = rows(Owner(), insert=NEVER, delete=held(WRITE), fixed=["owner_id"])
    assert (policy.select, policy.update) == (MINE, MINE)
    assert (policy.insert, policy.delete) == (NEVER, Held(WRITE))
    assert [change.column for change in policy.changes] == ["owner_id"]
    assert {policy.changes[0].before, policy.changes[0].after} == {NEVER}
