"""Row policies in words."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from app.core import in_words
from app.core.in_words import Caller
from app.core.rows import Acting
from app.core.rule import (
    ALWAYS,
    NEVER,
    Among,
    Both,
    Circle,
    Either,
    Empty,
    Held,
    Own,
    Related,
    Rule,
    Shared,
    Words,
    both,
    either,
    held,
)
from app.models import ROW_POLICIES


class Published:
    """The row says that it is published.

    It is a team's own rule.
    """

    def sql(self, row: str, words: Words) -> str:  # noqa: ARG002 - the same for everyone
        """Return the condition."""
        return f"({row}.published = 1)"


@dataclass
class Bare:  # noqa: D101 - that it has none is what is tested
    column: str

    def sql(self, row: str, words: Words) -> str:  # noqa: ARG002 - the same for everyone
        """Return the condition."""
        return f"({row}.{self.column} IS NOT NULL)"


TEAMS = {Circle.TEAMS: ("Design", "Ops")}
ADA = Caller(
    Acting(user_id=1, scopes=frozenset({"tasks:view"})),
    named=frozenset({"tasks:view", "tasks:edit"}),
    circles=TEAMS,
)
MINE, OUR = Own("owner_id"), Among("team_id", Circle.TEAMS)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (NEVER, "no row"),
        (MINE, "rows that the person owns (owner_id)"),
        (OUR, "rows of their teams (Design, Ops)"),
        (Among("id", Circle.MANAGED), "rows of the organizations that they look after (none)"),
        (Empty("team_id"), "rows without team_id"),
        (Held("tasks:view"), "every row, with tasks:view: held"),
        (Held("tasks:edit"), "every row, with tasks:edit: not held"),
        (Held("tasks:viewAll"), "every row, with tasks:viewAll: not named by this procedure"),
        (
            held("tasks:view", "tasks:viewAll"),
            "every row, with tasks:view or tasks:viewAll: tasks:view held",
        ),
        (
            held("users:viewAll", "users:editAll", "access:edit"),
            (
                "every row, with one of users:viewAll, users:editAll, access:edit: "
                "not named by this procedure"
            ),
        ),
        (
            both(OUR, held("tasks:edit")),
            "rows of their teams (Design, Ops), with tasks:edit: not held",
        ),
        (
            both(MINE, either(Empty("team_id"), OUR)),
            (
                "rows that the person owns (owner_id) and "
                "either without team_id or of their teams (Design, Ops)"
            ),
        ),
        (
            both(either(MINE, Held("tasks:view")), OUR),
            (
                "rows either that the person owns (owner_id) or with tasks:view: held "
                "and of their teams (Design, Ops)"
            ),
        ),
        (Related("task", "task_id"), "rows whose task they see (task_id)"),
        (
            Related("task", "task_id", rule=either(MINE, Held("tasks:edit"))),
            (
                "rows whose task they may change (task_id): rows that the person owns "
                "(owner_id); every row, with tasks:edit: not held"
            ),
        ),
        (
            Related("membership", "id", "user_id"),
            "rows that have a membership which they see (membership.user_id)",
        ),
        (ALWAYS, "every row"),
        (
            Shared("pet_share", "pet_id", "user_id"),
            "rows that are shared with the person (pet_share.user_id)",
        ),
        (
            Both((Held("tasks:view"), Held("tasks:edit"))),
            "every row, with tasks:view: held and with tasks:edit: not held",
        ),
        (Published(), "rows that match Published: The row says that it is published"),
        (Bare("published_at"), "rows that match Bare"),
        (
            both(Published(), held("tasks:edit")),
            (
                "rows that match Published: The row says that it is published, "
                "with tasks:edit: not held"
            ),
        ),
    ],
)
def test_a_rule_is_said_as_it_is(rule: Rule, words: str) -> None:
    assert in_words.words(rule, ADA) == words


def scopes_in(rule: Rule | None) -> Iterator[str]:
    match rule:
        case Held(scope):
            yield scope
        case Either(rules) | Both(rules):
            for each in rules:
                yield from scopes_in(each)
        case Related():
            yield from scopes_in(rule.rule)


@pytest.mark.parametrize("table", ROW_POLICIES)
def test_the_words_of_a_policy_leave_no_scope_of_it_out(table: str) -> None:
    policy = ROW_POLICIES[table]
    written = (policy.insert, policy.update, policy.delete)
    parts = [each for rule in written for each in in_words.either_of(rule)]
    told = [in_words.words(rule, ADA) for rule in (*in_words.ways(policy), *parts)]
    named = {scope for rule in (policy.select, *written) for scope in scopes_in(rule)}
    assert {scope for scope in named if any(scope in words for words in told)} == named
    assert not any(words in ("rows ", "") or "  " in words for words in told)


@pytest.mark.parametrize("table", ROW_POLICIES)
def test_the_ways_are_those_of_the_policy_in_its_order(table: str) -> None:
    policy = ROW_POLICIES[table]
    assert either(*in_words.ways(policy)).sql("x", _Plain()) == policy.select.sql("x", _Plain())


class _Plain:
    """An engine of no kind."""

    def user(self) -> str:
        return "me"

    def holds(self, *scopes: str) -> str:
        return f"holds {' or '.join(scopes)}"

    def among(self, column: str, circle: Circle) -> str:
        return f"{column} in {circle}"

    def shared(self, column: str, share: Shared) -> str:
        return f"{column} in {share.source}"


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("project", ["organization_id stays as it is"]),
        (
            "task",
            [
                (
                    "team_id changes in rows that the person owns (owner_id), "
                    "to rows either without team_id or of their teams (Design, Ops)"
                ),
                "owner_id stays as it is",
            ],
        ),
    ],
)
def test_what_a_change_may_not_touch_is_said(table: str, words: list[str]) -> None:
    changes = ROW_POLICIES[table].changes
    said = [in_words.keeping(change, ADA) for change in changes]
    assert said == words
