"""What rules ask of who acts and of other tables, read off the SQL that they render.

It holds for a team's own rules as well: what a rule asks, it asks through `Words` or in its SQL.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from app.core.rule import (
    Always,
    Among,
    Both,
    Circle,
    Either,
    Empty,
    Held,
    Never,
    Own,
    Related,
    Rule,
    Shared,
)

_TEXT = re.compile(r"'(?:[^']|'')*'")
# What stands between FROM or JOIN and the end of the list of tables.
_SOURCES = re.compile(
    r"\b(?:FROM|JOIN)\b(.*?)(?=\b(?:SELECT|FROM|WHERE|ON|JOIN|GROUP|ORDER|LIMIT|UNION)\b|\)|$)",
    re.IGNORECASE | re.DOTALL,
)
_TABLE = re.compile(r'(?:^|,|\()\s*(?:main\.|temp\.|public\.)?"?(\w+)', re.IGNORECASE)


@dataclass(slots=True)
class RuleFacts:
    """What was asked while rules were rendered.

    `asks_who` is whether anything was asked about who acts; `tables` are those that are read
    with their own policies.
    """

    asks_who: bool = False
    scopes: set[str] = field(default_factory=set)
    shares: set[Shared] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)

    def user(self) -> str:
        """Record that the user was asked for."""
        self.asks_who = True
        return "NULL"

    def holds(self, *scopes: str) -> str:
        """Record the scopes."""
        self.asks_who = True
        self.scopes.update(scopes)
        return "1 = 0"

    def among(self, column: str, circle: Circle) -> str:  # noqa: ARG002 - which does not matter
        """Record that memberships were asked for."""
        self.asks_who = True
        return f"{column} IS NULL"

    def shared(self, column: str, share: Shared) -> str:
        """Record the share table."""
        self.asks_who = True
        self.shares.add(share)
        return f"{column} IS NULL"


def facts_of(rules: Iterable[Rule]) -> RuleFacts:
    """Return what rules ask."""
    facts = RuleFacts()
    for rule in rules:
        sql = _TEXT.sub("''", rule.sql("this_row", facts))
        for sources in _SOURCES.findall(sql):
            facts.tables.update(_TABLE.findall(sources))
    return facts


def sufficient_scopes(rule: Rule) -> frozenset[str]:
    """Return the scopes with which a rule may hold for every row, whoever acts.

    A team's own rule that asks for a scope may be one of these: to be recognised as narrower it
    is joined with `held(scope)` by `both`, and asks for no scope itself.
    """
    match rule:
        case Held(scope):
            return frozenset({scope})
        case Either(rules):
            return frozenset().union(*map(sufficient_scopes, rules))
        case Both(rules):
            parts = [sufficient_scopes(part) for part in rules if part != Always()]
            return frozenset().union(*parts) if all(parts) else frozenset()
        case Always() | Among() | Empty() | Never() | Own() | Related() | Shared():
            return frozenset()
        case _:
            return frozenset(facts_of([rule]).scopes)
