"""Rules: conditions on one row, as SQL in the words of either engine."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Circle(StrEnum):
    """What a principal belongs to: ids that come with it, and that a row's column may hold."""

    ORGANIZATIONS = "organizations"
    MANAGED = "managed"
    TEAMS = "teams"


# What the names of the sources of shared rows begin with.
SHARED = "latchkey_shared_"
# One scope or several, of which one is enough; none opens nothing.
Scopes = str | tuple[str, ...]


class Words(Protocol):
    """How one engine says who acts."""

    def user(self) -> str:
        """Give the expression for the principal's user id; NULL for nobody."""

    def holds(self, *scopes: str) -> str:
        """Give the condition that the call acts with one of these scopes."""

    def among(self, column: str, circle: Circle) -> str:
        """Give the condition that a column holds one of the ids of a circle."""

    def shared(self, column: str, share: "Shared") -> str:
        """Return the condition that a column holds a key that a share table names for the user."""


class Rule(Protocol):
    """A condition on one row."""

    def sql(self, row: str, words: Words) -> str:
        """Give the condition; `row` names the row: a table, `old` or `new`."""


@dataclass(frozen=True, slots=True)
class Never:
    """No row. What a table without a rule for an action gets."""

    def sql(self, row: str, words: Words) -> str:  # noqa: ARG002 - the same for every row
        """Give a condition that no row meets."""
        return "(1 = 0)"


NEVER = Never()


@dataclass(frozen=True, slots=True)
class Always:
    """Every row, also for a caller without a credential."""

    def sql(self, row: str, words: Words) -> str:  # noqa: ARG002 - the same for every row
        """Return a condition that each row meets."""
        return "(1 = 1)"


ALWAYS = Always()


@dataclass(frozen=True, slots=True)
class Own:
    """The column holds the principal's user id."""

    column: str

    def sql(self, row: str, words: Words) -> str:
        """Give the condition."""
        return f"({row}.{self.column} = {words.user()})"


@dataclass(frozen=True, slots=True)
class Empty:
    """The column holds nothing."""

    column: str

    def sql(self, row: str, words: Words) -> str:  # noqa: ARG002 - says nothing of who acts
        """Give the condition."""
        return f"({row}.{self.column} IS NULL)"


@dataclass(frozen=True, slots=True)
class Among:
    """The column holds one of the ids of a circle of the principal's."""

    column: str
    circle: Circle

    def sql(self, row: str, words: Words) -> str:
        """Give the condition."""
        return f"({words.among(f'{row}.{self.column}', self.circle)})"


@dataclass(frozen=True, slots=True)
class Held:
    """The call acts with this scope."""

    scope: str

    def sql(self, row: str, words: Words) -> str:  # noqa: ARG002 - the same for every row
        """Give the condition."""
        return f"({words.holds(self.scope)})"


@dataclass(frozen=True, slots=True)
class Related:
    """There is a related row that the principal sees, and that meets `rule`."""

    table: str
    column: str
    key: str = "id"
    rule: Rule | None = None

    def sql(self, row: str, words: Words) -> str:
        """Give the condition; the related table's own policy applies inside."""
        narrower = f" AND {self.rule.sql(self.table, words)}" if self.rule else ""
        return (
            f"EXISTS (SELECT 1 FROM {self.table} "  # noqa: S608 - names from declarations only
            f"WHERE {self.table}.{self.key} = {row}.{self.column}{narrower})"
        )


@dataclass(frozen=True, slots=True)
class Shared:
    """A row of the share table names this row in one column and the user in another.

    The share table is read without its own policy, which may therefore ask about this row: a
    `Related` in both directions would go round in a circle.
    """

    table: str
    row_column: str
    user_column: str
    key: str = "id"

    def sql(self, row: str, words: Words) -> str:
        """Return the condition."""
        return f"({words.shared(f'{row}.{self.key}', self)})"

    @property
    def source(self) -> str:
        """The name of what the database reads the keys of the user's rows from."""
        columns = f"{self.table} {self.row_column} {self.user_column}"
        # PostgreSQL cuts names off after 63 bytes.
        return f"{SHARED}{self.table[:30]}_{hashlib.sha256(columns.encode()).hexdigest()[:8]}"


@dataclass(frozen=True, slots=True)
class Either:
    """Any one of several rules."""

    rules: tuple[Rule, ...]

    def sql(self, row: str, words: Words) -> str:
        """Give the rules, joined by OR; what is asked of the call's scopes is asked once."""
        held = [rule.scope for rule in self.rules if isinstance(rule, Held)]
        parts = [rule.sql(row, words) for rule in self.rules if not isinstance(rule, Held)]
        return "(" + " OR ".join([*parts, *([words.holds(*held)] if held else [])]) + ")"


@dataclass(frozen=True, slots=True)
class Both:
    """All of several rules."""

    rules: tuple[Rule, ...]

    def sql(self, row: str, words: Words) -> str:
        """Give the rules, joined by AND."""
        return "(" + " AND ".join(rule.sql(row, words) for rule in self.rules) + ")"


def either(*rules: Rule) -> Rule:
    """Join rules: one is enough. Those that no row meets are left out."""
    if ALWAYS in rules:
        return ALWAYS
    some = tuple(rule for rule in rules if rule is not NEVER)
    if len(some) > 1:
        return Either(some)
    return some[0] if some else NEVER


def both(*rules: Rule) -> Rule:
    """Join rules: all are needed."""
    if NEVER in rules:
        return NEVER
    some = tuple(rule for rule in rules if rule != ALWAYS)
    if len(some) > 1:
        return Both(some)
    return some[0] if some else ALWAYS


def held(*scopes: Scopes) -> Rule:
    """Give the rule that the call acts with one of these scopes; of none, no row meets it."""
    names = (each if isinstance(each, tuple) else (each,) for each in scopes)
    return either(*(Held(name) for some in names for name in some))
