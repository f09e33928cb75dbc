"""Refuse statements that change the database in a transaction that reads.

PostgreSQL refuses them by itself, since the transaction is read-only. SQLite's counterpart,
`PRAGMA query_only`, makes every prepared statement of the connection anew each time it is
switched: a call that reads would cost a third more. A hook refuses the statement instead.
"""

import re

from sqlalchemy import Connection, Engine, event

from app.core.transactions import Purpose, purpose

# What a reading transaction sends, nearly always: nothing more is looked at.
_READS = re.compile(r"\s*SELECT\b", re.IGNORECASE)
_NOT_CODE = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
# The statements of both engines that change rows or tables, up to the name of the table.
_CHANGE = re.compile(
    r"""\b(?: (?:INSERT | REPLACE) (?:\s+OR\s+\w+)? \s+INTO
            | MERGE\s+INTO
            | DELETE\s+FROM (?:\s+ONLY\b)?
            | (?<!\bFOR\ )(?<!\bDO\ ) UPDATE (?:\s+OR\s+\w+)? (?:\s+ONLY\b)?
            | TRUNCATE (?:\s+TABLE)?
            | (?:CREATE | DROP | ALTER) (?:\s+\w+)*? \s+(?:TABLE | VIEW | TRIGGER | INDEX)
              (?:\s+IF(?:\s+NOT)?\s+EXISTS)?
        ) \s+ (?:["\w]+\.)? "?(\w+)""",
    re.IGNORECASE | re.VERBOSE,
)


class ReadOnly(Exception):
    """A statement changes `table` in a transaction that reads."""

    def __init__(self, table: str) -> None:
        super().__init__(f"The transaction reads, and the statement changes {table}.")
        self.table = table


def changed_table(statement: str) -> str | None:
    """Return the name of the table that a statement changes; None where it changes none."""
    change = _CHANGE.search(_NOT_CODE.sub(" ", statement))
    return change[1] if change else None


def watch(engine: Engine) -> None:
    """Refuse each change that SQLAlchemy runs in a reading transaction of a SQLite engine."""
    event.listen(engine, "before_cursor_execute", _refuse_change)


def _refuse_change(
    connection: Connection, _cursor: object, statement: str, *_rest: object
) -> None:
    if _READS.match(statement) or purpose(connection) is not Purpose.READING:
        return
    if (table := changed_table(statement)) is not None:
        raise ReadOnly(table)
