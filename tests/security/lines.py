"""Rows as lines of text that both databases and the model write alike."""

import json
from collections.abc import Collection
from functools import cache

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    CompoundSelect,
    Integer,
    LargeBinary,
    String,
    Text,
    case,
    cast,
    func,
    literal,
    select,
    union_all,
)

from app.models import ROW_POLICIES
from tests.security.tables import SCHEMA, Key, Tables


@cache
def every_row(dialect: str) -> CompoundSelect[tuple[str]]:
    """Give the query for a line of each row of each table that has a policy."""
    return union_all(*(select(_line(dialect, name)) for name in ROW_POLICIES))


def lines(tables: Tables, name: str, keys: Collection[Key]) -> set[str]:
    """Give the lines of the rows of a table that have these keys."""
    rows = (tables[name][key] for key in keys)
    return {" ".join((name, *(_written(value) for value in row.values()))) for row in rows}


def _line(dialect: str, name: str) -> ColumnElement[str]:
    line: ColumnElement[str] = literal(name, Text)
    for column in SCHEMA[name].columns:
        line = line + " " + case((column.is_(None), "NULL"), else_=_text(dialect, column))
    return line


def _text(dialect: str, column: Column[object]) -> ColumnElement[str]:
    if isinstance(column.type, LargeBinary):
        is_sqlite = dialect == "sqlite"
        return func.hex(column) if is_sqlite else func.upper(func.encode(column, "hex"))
    if isinstance(column.type, Boolean):
        return cast(cast(column, Integer), String)
    return cast(column, Text)


def _written(value: object) -> str:
    match value:
        case None:
            return "NULL"
        case bytes():
            return value.hex().upper()
        case bool():
            return str(int(value))
        case list():
            return json.dumps(value)
        case _:
            return str(value)
