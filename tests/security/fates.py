"""What becomes of a statement: told by the plain-Python model."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Executable,
    Insert,
    delete,
    insert,
    literal,
    select,
    tuple_,
    update,
)

from tests.security.tables import SCHEMA, Clash, Key, Row, Tables
from tests.security.who import Who


@dataclass(frozen=True, slots=True)
class Done:
    """So many rows were added, changed or deleted."""

    rows: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The policy forbids it."""


@dataclass(frozen=True, slots=True)
class Clashed:
    """It does not fit what is there."""


Fate = Done | Refused | Clashed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What may become of a statement, and what is there after it.

    Of several faults, each in another row, a database may meet any one first.
    """

    fates: Collection[Fate]
    after: Tables

    @property
    def is_done(self) -> bool:
        """Tell whether nothing is wrong with it."""
        return all(isinstance(fate, Done) for fate in self.fates)


class Statement(Protocol):
    """One statement on one table."""

    @property
    def table(self) -> str:
        """Give the table's name."""

    def told(self, who: Who) -> Outcome:
        """Tell what becomes of it."""

    def sql(self) -> Executable:
        """Give it as a database takes it."""


@dataclass(frozen=True, slots=True)
class Add:
    """Add rows."""

    table: str
    rows: Sequence[Row]

    def told(self, who: Who) -> Outcome:
        """Tell what becomes of it."""
        refused = [not who.policies[self.table].adds(who, row) for row in self.rows]
        return _outcome(who, refused, lambda after: after.add(self.table, self.rows))

    def sql(self) -> Insert:
        """Give the insert; inline, for what is written need not be seen."""
        return insert(SCHEMA[self.table]).inline().values(list(self.rows))


@dataclass(frozen=True, slots=True)
class Copy:
    """Add a copy of each row that is seen, with other values; its id is so much higher."""

    table: str
    higher: int
    values: Mapping[str, Any]

    def told(self, who: Who) -> Outcome:
        """Tell what becomes of it."""
        rows = [
            {**who.among[self.table][key], **self.values, "id": key[0] + self.higher}
            for key in seen(who, self.table)
        ]
        return Add(self.table, rows).told(who)

    def sql(self) -> Insert:
        """Give the insert of a select."""
        table = SCHEMA[self.table]
        given = {name: literal(value, table.c[name].type) for name, value in self.values.items()}
        copied: dict[str, ColumnElement[Any]] = {c.name: given.get(c.name, c) for c in table.c}
        copied["id"] = table.c.id + self.higher
        return insert(table).inline().from_select(list(copied), select(*copied.values()))


@dataclass(frozen=True, slots=True)
class Change:
    """Give columns new values, in the rows with these keys, or in all."""

    table: str
    values: Mapping[str, Any]
    keys: Collection[Key] | None = None

    def told(self, who: Who) -> Outcome:
        """Tell what becomes of it."""
        policy = who.policies[self.table]
        found = dict(_found(who, self.table, policy.changes, self.keys))
        changed = {key: {**row, **self.values} for key, row in found.items()}
        refused = [_is_refused(who, self.table, row, changed[key]) for key, row in found.items()]
        return _outcome(who, refused, lambda after: after.change(self.table, changed))

    def sql(self) -> Executable:
        """Give the update."""
        changed = update(SCHEMA[self.table]).values(dict(self.values))
        return changed if self.keys is None else changed.where(_have(self.table, self.keys))


@dataclass(frozen=True, slots=True)
class Remove:
    """Delete the rows with these keys, or all."""

    table: str
    keys: Collection[Key] | None = None

    def told(self, who: Who) -> Outcome:
        """Tell what becomes of it."""
        found = dict(_found(who, self.table, who.policies[self.table].deletes, self.keys))
        refused = [False] * len(found)
        return _outcome(who, refused, lambda after: after.remove(self.table, list(found)))

    def sql(self) -> Executable:
        """Give the delete."""
        removed = delete(SCHEMA[self.table])
        return removed if self.keys is None else removed.where(_have(self.table, self.keys))


def seen(who: Who, name: str) -> list[Key]:
    """Give the keys of the rows of a table that somebody sees."""
    sees = who.policies[name].sees
    return [key for key, row in who.among[name].items() if sees(who, row)]


def _have(name: str, keys: Collection[Key]) -> ColumnElement[bool]:
    return tuple_(*SCHEMA[name].primary_key).in_(list(keys))


def _found(
    who: Who, name: str, may: Callable[[Who, Row], bool], keys: Collection[Key] | None
) -> Iterator[tuple[Key, Row]]:
    for key, row in who.among[name].items():
        if (keys is None or key in keys) and may(who, row):
            yield key, row


def _is_refused(who: Who, name: str, before: Row, after: Row) -> bool:
    policy = who.policies[name]
    is_kept = all(before[column] == after[column] for column in policy.keeps)
    return not (is_kept and policy.changes(who, after) and policy.moves(who, before, after))


def _outcome(who: Who, refused: Collection[bool], run: Callable[[Tables], None]) -> Outcome:
    after = who.among.copy()
    try:
        run(after)
        clashes = False
    except Clash:
        clashes = True
    faults: list[Fate] = [Refused()] if any(refused) else []
    # A row's policy is asked first: nobody learns by a clash what is there.
    if clashes and not (refused and all(refused)):
        faults.append(Clashed())
    return Outcome(faults or [Done(len(refused))], who.among if faults else after)
