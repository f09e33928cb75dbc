"""Statements of the hot roads: rendered once, and run by the driver itself."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar, cast

from sqlalchemy import (
    Connection,
    Dialect,
    Row,
    SelectBase,
    UpdateBase,
    bindparam,
    insert,
    literal_column,
)
from sqlalchemy.engine import result_tuple
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.sql.compiler import SQLCompiler

from app.core.errors import Lost
from app.core.outages import outage_of
from app.core.read_only import ReadOnly
from app.core.transactions import Purpose, has_clashed, purpose

Transaction = Session | Connection
Found = Row[*tuple[Any, ...]]
# A literal: a separator that is bound is rendered into the statement anew at each call.
SPACE: Any = literal_column("' '")

_Converter = Callable[[Any], Any]
_Made = TypeVar("_Made")


class Statement:
    """A statement whose values are given at each call, by the names of its `bindparam`s.

    Put together anew at each call, or only looked up among those that SQLAlchemy has rendered,
    it would cost ten to fifty times what the database takes for it. It runs in the caller's
    transaction; what a session has not flushed, it does not see. On the guarded engine it may
    read: the views and policies hold, and a change needs SQLAlchemy's hook to be let through.
    """

    def __init__(self, clause: SelectBase | UpdateBase) -> None:
        self._clause = clause
        self._rendered: dict[str, _Rendered] = {}
        self._changes = clause.table.description if isinstance(clause, UpdateBase) else None

    def row(self, within: Transaction, **given: object) -> Found | None:
        """Give the first row that it selects, or None."""
        rendered, cursor = self._run(within, given)
        row = cursor.fetchone()
        cursor.close()
        return None if row is None else rendered.row(row)

    def made(
        self, make: Callable[[Found], _Made], within: Transaction, **given: object
    ) -> _Made | None:
        """Give what is made of the first row that it selects, or None; of equal rows, the same.

        The database is asked each time: what is remembered follows from the row alone.
        """
        rendered, cursor = self._run(within, given)
        row = cursor.fetchone()
        cursor.close()
        if row is None:
            return None
        try:
            hash(row)
        except TypeError:  # this driver gives lists, which nothing can be remembered by
            return make(rendered.row(row))
        return cast("_Made", _made(make, rendered, row))

    def rows(self, within: Transaction, **given: object) -> list[Found]:
        """Give every row that it selects."""
        rendered, cursor = self._run(within, given)
        rows = cursor.fetchall()
        cursor.close()
        return [rendered.row(row) for row in rows]

    def change(self, within: Transaction, **given: object) -> int:
        """Give how many rows it changes."""
        _, cursor = self._run(within, given)
        changed: int = cursor.rowcount
        cursor.close()
        return changed

    def _run(self, within: Transaction, given: dict[str, object]) -> tuple["_Rendered", Any]:
        connection = within.connection() if isinstance(within, Session) else within
        if self._changes is not None and purpose(connection) is Purpose.READING:
            raise ReadOnly(self._changes)
        dialect = connection.dialect
        rendered = self._rendered.get(dialect.name)
        if rendered is None:
            rendered = self._rendered[dialect.name] = _Rendered(self._clause, dialect)
        cursor = connection.connection.cursor()
        try:
            cursor.execute(rendered.sql, rendered.parameters(given))
        except dialect.loaded_dbapi.Error as error:
            driver: Any = connection.connection.driver_connection
            if dialect.is_disconnect(error, driver, cursor):
                connection.invalidate(error)
                raise outage_of(error) or Lost() from error
            reads = purpose(connection) is Purpose.READING
            if not has_clashed(error) and (refusal := outage_of(error, reads=reads)):
                raise refusal from error
            raise
        return rendered, cursor


def inserting(table: type[DeclarativeBase], *columns: str) -> Statement:
    """Give the statement that inserts a row, with a value to be given for each of the columns."""
    return Statement(insert(table).values({name: bindparam(name) for name in columns}))


class _Rendered:
    """A statement in one database's words, and what turns Python's values into its, and back."""

    def __init__(self, clause: SelectBase | UpdateBase, dialect: Dialect) -> None:
        compiled = clause.compile(dialect=dialect)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 - what every statement becomes
        selected = list(clause.selected_columns) if isinstance(clause, SelectBase) else []
        self.sql = str(compiled)
        self._order = list(compiled.positiontup or ()) if compiled.positional else None
        self._constants = {k: v for k, v in compiled.params.items() if v is not None}
        writers = {
            name: bound.type.dialect_impl(dialect).bind_processor(dialect)
            for name, bound in compiled.binds.items()
        }
        readers = [
            column.type.dialect_impl(dialect).result_processor(dialect, None)
            for column in selected
        ]
        self._writers = [(name, writer) for name, writer in writers.items() if writer]
        self._readers = [(place, reader) for place, reader in enumerate(readers) if reader]
        self._named: Callable[..., Found] = result_tuple([str(c.key) for c in selected])

    def parameters(self, given: dict[str, object]) -> list[object] | dict[str, object]:
        values = {**self._constants, **given}
        for name, writer in self._writers:
            values[name] = writer(values[name])
        return values if self._order is None else [values[name] for name in self._order]

    def row(self, values: tuple[Any, ...]) -> Found:
        if not self._readers:
            return self._named(values)
        read = list(values)
        for place, reader in self._readers:
            read[place] = reader(read[place])
        return self._named(read)


@lru_cache(maxsize=512)
def _made(make: Callable[[Found], object], rendered: _Rendered, row: tuple[Any, ...]) -> object:
    return make(rendered.row(row))
