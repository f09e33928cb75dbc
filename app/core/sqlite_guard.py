"""Row policies enforced by SQLite itself, on every connection of the guarded engine.

A temporary view hides each table, triggers watch each change of it, and an authorizer refuses
every statement that would go round them. The view reads the table through a second one, whose
name nobody knows: a table expression that calls itself `task` cannot pass for the guard.
"""

import re
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Connection, Engine, MetaData, Table, event

from app.core.policy import Rule, RowPolicy
from app.core.rows import ACTING, NOBODY

_TARGET = "latchkey_target"
_CHANGE = re.compile(r'\s*(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+("?)(\w+)\2(?=[\s(]|$)', re.I)
_ORDINARY = frozenset(
    {
        sqlite3.SQLITE_SELECT,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_FUNCTION,
        sqlite3.SQLITE_RECURSIVE,
    }
)
_CHANGES = frozenset({sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE})


class RowGuard:
    """The policies of one application's tables, compiled for SQLite."""

    def __init__(self, metadata: MetaData, policies: Mapping[str, RowPolicy]) -> None:
        tables = [metadata.tables[name] for name in policies]
        self._seal = f"guard_{secrets.token_hex(8)}_"
        self._script = ";\n".join(_statements(tables, policies, self._seal)) + ";"
        self._reach = {table.name: _reached_by_cascades(table, metadata) for table in tables}
        self._keys = frozenset(
            (key.column.table.name, key.column.name)
            for table in metadata.tables.values()
            for key in table.foreign_keys
        )

    def watch(self, engine: Engine) -> None:
        """Guard each connection that the engine opens from now on."""
        event.listen(engine, "connect", self._guard)
        event.listen(engine, "before_cursor_execute", _name_the_table, retval=True)
        event.listen(engine, "after_cursor_execute", _forget_the_table)

    def _guard(self, connection: sqlite3.Connection, record: Any) -> None:
        info = record.info
        info[ACTING] = NOBODY
        connection.create_function(
            "latchkey_user", 0, lambda: info[ACTING].user_id, deterministic=True
        )
        connection.create_function(
            "latchkey_scope", 1, lambda scope: scope in info[ACTING].scopes, deterministic=True
        )
        # Without it, REPLACE deletes another's row and no DELETE trigger fires.
        connection.execute("PRAGMA recursive_triggers = ON").close()
        connection.executescript(self._script).close()
        connection.set_authorizer(lambda *asked: self._verdict(info.get(_TARGET), *asked))

    def _verdict(
        self,
        target: str | None,
        action: int,
        table: str | None,
        column: str | None,
        database: str | None,
        inside: str | None,
    ) -> int:
        if action in _ORDINARY:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ and self._is_guarded(table, database, inside):
            return sqlite3.SQLITE_OK
        # A change reads the rows that it looks for in the base table; the triggers hold it.
        reached = self._reach.get(target or "", frozenset())
        if action in _CHANGES:
            return sqlite3.SQLITE_OK if table in reached else sqlite3.SQLITE_DENY
        # It also looks up the keys that its foreign keys refer to, and nothing but the keys.
        if action == sqlite3.SQLITE_READ and reached and (table, column) in self._keys:
            return sqlite3.SQLITE_OK
        may_read = action == sqlite3.SQLITE_READ and table in reached
        return sqlite3.SQLITE_OK if may_read else sqlite3.SQLITE_DENY

    def _is_guarded(self, table: str | None, database: str | None, inside: str | None) -> bool:
        if inside is not None and inside.startswith(self._seal):
            return True
        is_view = table in self._reach or (table or "").startswith(self._seal)
        return database == "temp" and is_view


def _statements(
    tables: list[Table], policies: Mapping[str, RowPolicy], seal: str
) -> Iterator[str]:
    for table in tables:
        yield from _views(table.name, policies[table.name].select, seal)
    for table in tables:
        yield from _triggers(table, policies[table.name], seal + table.name)


def _views(name: str, select: Rule, seal: str) -> Iterator[str]:
    # S608 here and below: names and rules come from declarations, never from a request.
    guarded = f"SELECT * FROM main.{name} WHERE {select.sql(name)}"  # noqa: S608
    yield f"CREATE TEMP VIEW {seal}{name} AS {guarded}"
    yield f"CREATE TEMP VIEW {name} AS SELECT * FROM temp.{seal}{name}"  # noqa: S608


def _triggers(table: Table, policy: RowPolicy, prefix: str) -> Iterator[str]:
    present = _parents_present(table)
    mine, forbidden = policy.update.sql("old"), "ABORT, 'row policy'"
    for action, condition, outcome in (
        ("INSERT", _unless(policy.insert, "new"), forbidden),
        ("UPDATE", f"{present}{mine} IS NOT TRUE", "IGNORE"),
        ("UPDATE", f"{mine} IS TRUE AND {_unless(policy.update, 'new')}", forbidden),
        ("DELETE", present + _unless(policy.delete, "old"), "IGNORE"),
    ):
        yield (
            f"CREATE TEMP TRIGGER {prefix}_{action}_{outcome[:6].rstrip(',')} "
            f"BEFORE {action} ON main.{table.name} WHEN {condition} "
            f"BEGIN SELECT raise({outcome}); END"
        )


def _unless(rule: Rule, row: str) -> str:
    # A NULL is a refusal too: `NOT NULL` would let it pass.
    return f"{rule.sql(row)} IS NOT TRUE"


def _parents_present(table: Table) -> str:
    """Give a condition that fails during a cascade, when the parent row is gone already."""
    return "".join(
        f"EXISTS (SELECT 1 FROM main.{key.column.table.name} "  # noqa: S608 - names of tables
        f"WHERE {key.column.name} = old.{key.parent.name}) AND "
        for key in sorted(table.foreign_keys, key=lambda key: key.parent.name)
        if key.ondelete
    )


def _reached_by_cascades(table: Table, metadata: MetaData) -> frozenset[str]:
    """Give the tables that a change of this one may read and write: itself, and cascades."""
    reached = {table.name}
    for other in metadata.sorted_tables:
        if any(key.ondelete and key.column.table.name in reached for key in other.foreign_keys):
            reached.add(other.name)
    return frozenset(reached)


def _name_the_table(
    connection: Connection,
    _cursor: Any,
    statement: str,
    parameters: Any,
    _context: Any,
    _many: bool,  # noqa: FBT001 - SQLAlchemy's signature
) -> tuple[str, Any]:
    """Name the base table in a statement that changes rows: a view cannot be written to."""
    change = _CHANGE.match(statement)
    if change is None:
        return statement, parameters
    connection.info[_TARGET] = change[3]
    return f"{change[1]} main.{change[3]}{statement[change.end() :]}", parameters


def _forget_the_table(connection: Connection, *_rest: Any) -> None:
    connection.info.pop(_TARGET, None)
