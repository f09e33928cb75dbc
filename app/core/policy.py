"""Row policies: one boolean SQL expression per table and action, made from small pieces.

The pieces render to SQL that both engines read alike; `latchkey_user()` and
`latchkey_scope(name)` are the principal as the database sees it.
"""

from dataclasses import dataclass
from typing import Protocol


class Rule(Protocol):
    """A condition on one row."""

    def sql(self, row: str) -> str:
        """Give the condition; `row` names the row: a table, `old` or `new`."""


@dataclass(frozen=True, slots=True)
class Never:
    """No row. What a table without a rule for an action gets."""

    def sql(self, row: str) -> str:  # noqa: ARG002 - the same for every row
        """Give a condition that no row meets."""
        return "(1 = 0)"


@dataclass(frozen=True, slots=True)
class Owner:
    """The row belongs to the principal's user."""

    column: str = "owner_id"

    def sql(self, row: str) -> str:
        """Give: the column holds the principal's user id."""
        return f"({row}.{self.column} = latchkey_user())"


@dataclass(frozen=True, slots=True)
class Bypass:
    """The call acts with this scope, which opens every row."""

    scope: str

    def sql(self, row: str) -> str:  # noqa: ARG002 - the same for every row
        """Give: the scope is in force."""
        return f"(latchkey_scope('{self.scope}') = 1)"


@dataclass(frozen=True, slots=True)
class Via:
    """The row follows a related row: one that the principal sees, and that meets `rule`."""

    table: str
    column: str
    key: str = "id"
    rule: Rule | None = None

    def sql(self, row: str) -> str:
        """Give: such a related row exists; its own row policy applies inside."""
        narrower = f" AND {self.rule.sql(self.table)}" if self.rule else ""
        return (
            f"EXISTS (SELECT 1 FROM {self.table} "  # noqa: S608 - names from declarations only
            f"WHERE {self.table}.{self.key} = {row}.{self.column}{narrower})"
        )


@dataclass(frozen=True, slots=True)
class Either:
    """Any one of several rules."""

    rules: tuple[Rule, ...]

    def sql(self, row: str) -> str:
        """Give the rules, joined by OR."""
        return "(" + " OR ".join(rule.sql(row) for rule in self.rules) + ")"


@dataclass(frozen=True, slots=True)
class Both:
    """All of several rules."""

    rules: tuple[Rule, ...]

    def sql(self, row: str) -> str:
        """Give the rules, joined by AND."""
        return "(" + " AND ".join(rule.sql(row) for rule in self.rules) + ")"


def either(*rules: Rule) -> Rule:
    """Join rules: one is enough."""
    return Either(rules)


def both(*rules: Rule) -> Rule:
    """Join rules: all are needed."""
    return Both(rules)


NEVER = Never()


@dataclass(frozen=True, slots=True)
class RowPolicy:
    """What a principal may do with the rows of one table; what is not said is refused."""

    select: Rule = NEVER
    insert: Rule = NEVER
    update: Rule = NEVER
    delete: Rule = NEVER
