"""Row policies: who may do what with a table's rows, declared as data beside the table.

A policy is composed of patterns; each says for which rows it opens reading and writing. They
come down to one boolean SQL expression per table and action (`core/rule.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

from app.core.rule import (
    ALWAYS,
    NEVER,
    Among,
    Circle,
    Own,
    Related,
    Rule,
    Scopes,
    Shared,
    both,
    either,
    held,
)


class Pattern(Protocol):
    """One way in which rows become a principal's; `order` is its turn among the others."""

    order: ClassVar[int]

    def reading(self) -> Rule:
        """Give which rows it lets the principal see."""

    def writing(self) -> Rule:
        """Give which rows it lets the principal add, change and delete."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A row is its user's: the column holds the principal's user id."""

    order: ClassVar[int] = 1
    column: str = "owner_id"
    writes: bool = True

    def reading(self) -> Rule:
        """Give: the column holds the principal's user id."""
        return Own(self.column)

    def writing(self) -> Rule:
        """Give the same, unless rows are not for their owners to change."""
        return Own(self.column) if self.writes else NEVER


@dataclass(frozen=True, slots=True)
class Group:
    """A row is its team's: with one scope its members read it, with the other they write it."""

    order: ClassVar[int] = 2
    reads: Scopes
    writes: Scopes = ()
    column: str = "team_id"

    def reading(self) -> Rule:
        """Give: the row's team is one of the principal's, and the call may read or write."""
        return both(Among(self.column, Circle.TEAMS), held(self.reads, self.writes))

    def writing(self) -> Rule:
        """Give: the row's team is one of the principal's, and the call may write."""
        return both(Among(self.column, Circle.TEAMS), held(self.writes))


@dataclass(frozen=True, slots=True)
class Organization:
    """A row is its organization's: its people read it with one scope, write it with the other.

    `readers` and `writers` may be those alone who look after the organization.
    """

    order: ClassVar[int] = 3
    reads: Scopes
    writes: Scopes = ()
    column: str = "organization_id"
    readers: Circle = Circle.ORGANIZATIONS
    writers: Circle = Circle.ORGANIZATIONS

    def reading(self) -> Rule:
        """Give: the organization is one of the principal's, and the call may read or write."""
        return both(Among(self.column, self.readers), held(self.reads, self.writes))

    def writing(self) -> Rule:
        """Give: the principal may write in the organization, and so may the call."""
        return both(Among(self.column, self.writers), held(self.writes))


@dataclass(frozen=True, slots=True)
class Via:
    """A row follows its parent: who sees that sees it, and who may change that may change it.

    Without the parent's policy it may only be read.
    """

    order: ClassVar[int] = 4
    table: str
    column: str
    policy: "RowPolicy | None" = None
    key: str = "id"

    def reading(self) -> Rule:
        """Give: the principal sees the parent."""
        return Related(self.table, self.column, self.key)

    def writing(self) -> Rule:
        """Give: the principal may change the parent."""
        if self.policy is None:
            return NEVER
        return Related(self.table, self.column, self.key, self.policy.update)


@dataclass(frozen=True, slots=True)
class SharedWith:
    """A row is shared with the users whom a share table names beside it: they may read it.

    `table` holds the row's key in `row_column` and the user's id in `user_column`. It is read
    without its own policy, so that this may let the row's owner manage the shares
    (`Via(row's table, row_column, row's policy)`). Index `user_column` with `row_column`.
    """

    order: ClassVar[int] = 4
    table: str
    row_column: str
    user_column: str
    key: str = "id"

    def reading(self) -> Rule:
        """Return: the share table names the row and the principal."""
        return Shared(self.table, self.row_column, self.user_column, self.key)

    def writing(self) -> Rule:
        """Return: no row. To share a row does not let others change it."""
        return NEVER


@dataclass(frozen=True, slots=True)
class Bypass:
    """A scope opens every row: some for reading, some for writing, and so for reading too."""

    order: ClassVar[int] = 5
    reads: Scopes = ()
    writes: Scopes = ()

    def reading(self) -> Rule:
        """Give: the call acts with one of the scopes."""
        return held(self.reads, self.writes)

    def writing(self) -> Rule:
        """Give: the call acts with one of those for writing."""
        return held(self.writes)


class Gated(Bypass):
    """Rows that nobody owns: a scope alone opens them, one for reading and one for writing."""


@dataclass(frozen=True, slots=True)
class Everyone:
    """Everyone may read every row, also without a credential; nobody may write one by it."""

    order: ClassVar[int] = 6
    reads: bool = True

    def reading(self) -> Rule:
        """Return: every row."""
        return ALWAYS if self.reads else NEVER

    def writing(self) -> Rule:
        """Return: no row."""
        return NEVER


@dataclass(frozen=True, slots=True)
class Change:
    """When a column may change: the row before meets one rule, the row after the other.

    It never does where they are left out. What a foreign key changes by itself is let through.
    """

    column: str
    before: Rule = NEVER
    after: Rule = NEVER


@dataclass(frozen=True, slots=True)
class RowPolicy:
    """What a principal may do with the rows of one table; what is not said is refused.

    A row that is changed must meet `update` before and after.
    """

    select: Rule = NEVER
    insert: Rule = NEVER
    update: Rule = NEVER
    delete: Rule = NEVER
    changes: tuple[Change, ...] = ()
    patterns: tuple[Pattern, ...] = field(default=(), compare=False)

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule in it."""
        of_changes = (rule for each in self.changes for rule in (each.before, each.after))
        return (self.select, self.insert, self.update, self.delete, *of_changes)


def rows(
    *patterns: Pattern,
    insert: Rule | None = None,
    update: Rule | None = None,
    delete: Rule | None = None,
    changes: Sequence[Change] = (),
    fixed: Sequence[str] = (),
) -> RowPolicy:
    """Compose a policy from patterns: any of them opens a row, in the patterns' own order.

    `insert`, `update` and `delete` replace what the patterns say of writing; the columns that
    are `fixed` keep the value that they were made with.
    """
    ordered = sorted(patterns, key=lambda pattern: pattern.order)
    writing = either(*(pattern.writing() for pattern in ordered))
    return RowPolicy(
        select=either(*(pattern.reading() for pattern in ordered)),
        insert=writing if insert is None else insert,
        update=writing if update is None else update,
        delete=writing if delete is None else delete,
        changes=(*changes, *(Change(column) for column in fixed)),
        patterns=tuple(ordered),
    )
