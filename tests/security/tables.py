"""The tables in plain Python: rows with their keys, what must be unique, and cascades.

What is a table, a key, a reference is read off the declared schema; who may do what is not here.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Self

from sqlalchemy import ForeignKeyConstraint, Table, UniqueConstraint

from app.extensions import Model
from app.models import ROW_POLICIES

Row = Mapping[str, Any]
Key = tuple[Any, ...]

SCHEMA = Model.metadata.tables
# The guarded ones whose rows have a number.
NUMBERED = frozenset(name for name in ROW_POLICIES if "id" in SCHEMA[name].columns)


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: these columns hold those of a row of another table."""

    columns: tuple[str, ...]
    table: str
    theirs: tuple[str, ...]
    is_cut: bool

    @classmethod
    def of(cls, key: ForeignKeyConstraint) -> Self:
        """Give what is declared."""
        theirs = tuple(pair.column.name for pair in key.elements)
        is_cut = key.ondelete == "SET NULL"
        return cls(tuple(key.column_keys), key.referred_table.name, theirs, is_cut)


REFERENCES = {
    name: sorted(map(Reference.of, table.foreign_key_constraints), key=attrgetter("columns"))
    for name, table in SCHEMA.items()
}


class Clash(Exception):
    """The change does not fit what is there."""


class Tables:
    """Every row of every table."""

    def __init__(self, rows: Mapping[str, Mapping[Key, Row]] | None = None) -> None:
        self._rows: dict[str, dict[Key, Row]] = {name: {} for name in SCHEMA}
        for name, some in (rows or {}).items():
            self._rows[name].update(some)

    def __getitem__(self, name: str) -> Mapping[Key, Row]:
        """Give the rows of a table by their keys."""
        return self._rows[name]

    def copy(self) -> Self:
        """Give tables with the same rows."""
        return type(self)(self._rows)

    def all(self) -> dict[str, dict[Key, Row]]:
        """Give each table's rows."""
        return self._rows

    def add(self, name: str, rows: Sequence[Row]) -> None:
        """Add rows in one statement.

        Raises:
            Clash: one of them does not fit.
        """
        self._put(name, rows)
        self._check(name)

    def change(self, name: str, changed: Mapping[Key, Row]) -> None:
        """Put rows in the place of those with these keys, in one statement.

        Raises:
            Clash: one of them does not fit, or another row refers to what it was.
        """
        for key in changed:
            del self._rows[name][key]
        self._put(name, changed.values())
        self._check(name)

    def remove(self, name: str, keys: Collection[Key]) -> None:
        """Remove rows, and what follows from that by the foreign keys."""
        for key in keys:
            del self._rows[name][key]
        while orphans := list(self._orphans()):
            for table, key, reference in orphans:
                row = self._rows[table].pop(key, None)
                if row and reference.is_cut:
                    self._rows[table][key] = {**row, **dict.fromkeys(reference.columns)}

    def _put(self, name: str, rows: Collection[Row]) -> None:
        for row in rows:
            key = key_of(name, row)
            if key in self._rows[name]:
                raise Clash(f"{name} {key} is there already")
            self._rows[name][key] = row

    def _check(self, name: str) -> None:
        table = SCHEMA[name]
        for row in self._rows[name].values():
            empty = [c.name for c in table.columns if row[c.name] is None and not c.nullable]
            if empty:
                raise Clash(f"{name}: {empty} must not be empty")
        for columns in _unique(table):
            found = Counter(_values(row, columns) for row in self._counted(name))
            if any(n > 1 and None not in values for values, n in found.items()):
                raise Clash(f"{name}: {columns} is there already")
        if orphan := next(self._orphans(), None):
            raise Clash(f"{orphan[0]} {orphan[1]} refers to nothing")

    def _counted(self, name: str) -> Iterator[Row]:
        """Give the rows among which what is unique counts: of grants, those that stand."""
        rows = self._rows[name].values()
        return (row for row in rows if name != "oauth_grant" or row["revoked_at"] is None)

    def _orphans(self) -> Iterator[tuple[str, Key, Reference]]:
        for name, rows in self._rows.items():
            for reference in REFERENCES[name] if rows else ():
                parents = self._rows[reference.table].values()
                there = {_values(row, reference.theirs) for row in parents}
                for key, row in rows.items():
                    values = _values(row, reference.columns)
                    if None not in values and values not in there:
                        yield name, key, reference


def key_of(name: str, row: Row) -> Key:
    """Give the primary key of a row."""
    return _values(row, [column.name for column in SCHEMA[name].primary_key])


def _values(row: Row, columns: Collection[str]) -> Key:
    return tuple([row[column] for column in columns])


def _unique(table: Table) -> Iterator[list[str]]:
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            yield list(constraint.columns.keys())
    for index in table.indexes:
        if index.unique:
            yield list(index.columns.keys())
