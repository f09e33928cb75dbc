"""Row policies as SQL."""

import sqlite3

import pytest

from app.core.policy import NEVER, Bypass, Owner, RowPolicy, Rule, Via, both, either

MINE, ANY, NO = Owner(), Bypass("tasks:viewAll"), NEVER


def holds(rule: Rule, *, owner: int | None, user: int | None, scopes: str = "") -> bool:
    """Tell whether a row of this owner meets a rule for this user."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.create_function("latchkey_user", 0, lambda: user)
        connection.create_function("latchkey_scope", 1, lambda scope: scope in scopes.split())
        connection.execute("CREATE TABLE parent (id, owner_id)")
        connection.execute("INSERT INTO parent VALUES (7, ?)", (owner,))
        connection.execute("CREATE TABLE row (id, owner_id, parent_id)")
        connection.execute("INSERT INTO row VALUES (1, ?, 7)", (owner,))
        query = f"SELECT count(*) FROM row WHERE {rule.sql('row')}"
        return bool(connection.execute(query).fetchone()[0])
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("rule", "mine", "anothers", "of_nobody"),
    [
        (MINE, True, False, False),
        (NO, False, False, False),
        (ANY, False, False, False),
        (either(MINE, NO), True, False, False),
        (both(MINE, NO), False, False, False),
        (both(MINE, MINE), True, False, False),
        (Via("parent", "parent_id"), True, True, True),
        (Via("parent", "parent_id", rule=MINE), True, False, False),
        (Via("parent", "owner_id", key="owner_id"), True, True, False),
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


def test_a_scope_opens_the_rule_that_names_it_and_no_other() -> None:
    assert holds(either(MINE, ANY), owner=1, user=2, scopes="tasks:viewAll")
    assert not holds(either(MINE, ANY), owner=1, user=2, scopes="tasks:view")
    assert not holds(both(MINE, ANY), owner=1, user=2, scopes="tasks:viewAll")


def test_an_either_within_a_both_does_not_loosen_it() -> None:
    assert not holds(both(either(ANY, MINE), NO), owner=2, user=2, scopes="tasks:viewAll")


def test_what_a_policy_does_not_say_is_refused() -> None:
    silent = RowPolicy()
    assert {silent.select, silent.insert, silent.update, silent.delete} == {NEVER}
