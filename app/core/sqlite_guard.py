"""Row policies enforced by SQLite itself, on every connection of the guarded engine.

A temporary view hides each table, triggers watch each change of it, and an authorizer refuses
every statement that would go round them. The view reads the table through a second one, whose
name nobody knows: a table expression that calls itself `task` cannot pass for the guard.

What it cannot hide: a change written by hand may fail, or take long, on a value of a row that it
may not touch, before the trigger says so. No statement is ever made of what a caller sent.
"""

import json
import re
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter

from sqlalchemy import (
    Connection,
    Engine,
    ExceptionContext,
    ForeignKeyConstraint,
    MetaData,
    Table,
    event,
)
from sqlalchemy.pool import ConnectionPoolEntry

from app.core.policy import Change, RowPolicy
from app.core.rows import ACTING, NOBODY
from app.core.rule import NEVER, Circle, Either, Rule, Shared, Words
from app.core.rule_facts import facts_of

_TARGET = "latchkey_target"
_CHANGE = re.compile(
    r'\s*(INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+("?)(\w+)\2(?=[\s(]|$)', re.IGNORECASE
)
# A change reads the base of its table: naming a base in it once more would read round the views.
_NAMES_A_BASE = re.compile(r"\bmain\b", re.IGNORECASE)
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


class _Words:
    """Who acts, by functions of the connection; `seal` begins the names that nobody knows."""

    def __init__(self, seal: str) -> None:
        self._seal = seal

    def user(self) -> str:
        return "latchkey_user()"

    def holds(self, *scopes: str) -> str:
        return " OR ".join(f"latchkey_scope('{scope}') = 1" for scope in scopes)

    def among(self, column: str, circle: Circle) -> str:
        ids = f"SELECT value FROM json_each(latchkey_circle('{circle.value}'))"  # noqa: S608 - a name
        return f"{column} IN ({ids})"

    def shared(self, column: str, share: Shared) -> str:
        return f"{column} IN (SELECT key FROM temp.{self._seal}{share.source})"  # noqa: S608 - names


class RowGuard:
    """The policies of one application's tables, compiled for SQLite."""

    def __init__(self, metadata: MetaData, policies: Mapping[str, RowPolicy]) -> None:
        self._seal = f"guard_{secrets.token_hex(8)}_"
        shares = facts_of(rule for policy in policies.values() for rule in policy.rules).shares
        self._sources = frozenset(share.source for share in shares)
        script = [*_sources(shares, self._seal), *_statements(metadata, policies, self._seal)]
        self._script = ";\n".join(script) + ";"
        self._reach = {
            name: _reached_by_cascades(metadata.tables[name], metadata) for name in policies
        }
        self._keys = frozenset(
            (column.table.name, column.name)
            for table in metadata.sorted_tables
            for key in table.foreign_keys
            for column in (key.column, key.parent)
        )

    def watch(self, engine: Engine) -> None:
        """Guard each connection that a SQLite engine opens from now on; others need it not."""
        if engine.dialect.name != "sqlite":
            return
        event.listen(engine, "connect", self._guard)
        event.listen(engine, "checkin", _be_nobodys)
        event.listen(engine, "before_cursor_execute", _name_the_table, retval=True)
        event.listen(engine, "after_cursor_execute", _forget_the_table)
        event.listen(engine, "handle_error", _forget_after_failure)

    def _guard(self, connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        info = record.info
        info[ACTING] = NOBODY
        connection.create_function(
            "latchkey_user", 0, lambda: info[ACTING].user_id, deterministic=True
        )
        connection.create_function(
            "latchkey_scope", 1, lambda scope: scope in info[ACTING].scopes, deterministic=True
        )
        connection.create_function(
            "latchkey_circle",
            1,
            lambda circle: json.dumps(sorted(info[ACTING].circle(Circle(circle)))),
            deterministic=True,
        )
        # A first use makes the table of a table function, which the authorizer would refuse.
        connection.execute("SELECT 1 FROM json_each('[]')").close()
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
        reached = self._reach.get(target or "", frozenset())
        allowed = False
        if action in _CHANGES:
            allowed = table in reached
        elif action == sqlite3.SQLITE_READ:
            # A change reads the rows that it looks for in the base table; the triggers hold it.
            # Its foreign keys and cascades read keys of other tables, and nothing but keys.
            of_change = table == target or (table, column) in self._keys
            allowed = self._is_guarded(table, database, inside) or (
                bool(reached) and database == "main" and of_change
            )
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY

    def _is_guarded(self, table: str | None, database: str | None, inside: str | None) -> bool:
        if inside is not None and inside.startswith(self._seal):
            return True
        is_view = table in self._reach or table in self._sources
        is_view = is_view or (table or "").startswith(self._seal)
        return database == "temp" and is_view


def _sources(shares: Iterable[Shared], seal: str) -> Iterator[str]:
    """Yield the views of the keys of the rows that are shared with the user.

    They read the share table itself; the one with the plain name is for whoever counts.
    """
    for share in sorted(shares, key=attrgetter("source")):
        yield (
            f"CREATE TEMP VIEW {seal}{share.source} AS SELECT {share.row_column} AS key "  # noqa: S608 - names
            f"FROM main.{share.table} WHERE {share.user_column} = latchkey_user()"
        )
        yield f"CREATE TEMP VIEW {share.source} AS SELECT key FROM temp.{seal}{share.source}"  # noqa: S608 - names


def _statements(metadata: MetaData, policies: Mapping[str, RowPolicy], seal: str) -> Iterator[str]:
    words = _Words(seal)
    # A table without a policy is hidden too, or a change that cascades to it could read its keys.
    for table in metadata.sorted_tables:
        policy = policies.get(table.name)
        yield from _views(table, policy.select if policy else NEVER, words, seal)
    for name, policy in policies.items():
        yield from _triggers(metadata.tables[name], policy, words, seal + name)


def _views(table: Table, select: Rule, words: Words, seal: str) -> Iterator[str]:
    name = table.name
    # The authorizer cannot tell the view from a base where no column is read, as in count(*); a
    # key that is the rowid is no column to it.
    column = next((c.name for c in table.columns if not c.primary_key), table.columns[0].name)
    read = f"{name}.{column} IS {name}.{column}"
    # S608 here and below: names and rules come from declarations, never from a request.
    guarded = " UNION ALL ".join(
        f"SELECT * FROM main.{name} WHERE {way} AND {read}"  # noqa: S608
        for way in _ways(select, name, words)
    )
    yield f"CREATE TEMP VIEW {seal}{name} AS {guarded}"
    yield f"CREATE TEMP VIEW {name} AS SELECT * FROM temp.{seal}{name}"  # noqa: S608


def _ways(select: Rule, name: str, words: Words) -> Iterator[str]:
    """Give a rule as conditions of which each row meets one at most.

    Joined by OR, they would keep SQLite from the index of any: one's page would cost as much as
    there are rows of others.
    """
    earlier = ""
    for rule in select.rules if isinstance(select, Either) else (select,):
        way = rule.sql(name, words)
        yield way + earlier
        earlier += f" AND {way} IS NOT TRUE"


def _triggers(table: Table, policy: RowPolicy, words: Words, prefix: str) -> Iterator[str]:
    present = _parents_present(table)
    mine, forbidden = policy.update.sql("old", words), "ABORT, 'row policy'"
    watched = [
        ("INSERT", _unless(policy.insert, "new", words), forbidden),
        ("UPDATE", f"{present}{mine} IS NOT TRUE", "IGNORE"),
        ("DELETE", present + _unless(policy.delete, "old", words), "IGNORE"),
    ]
    # Where it says nothing of the row, it holds after a change as it did before.
    if mine != policy.update.sql("new", words):
        still = f"{present}{mine} IS TRUE AND {_unless(policy.update, 'new', words)}"
        watched.append(("UPDATE", still, forbidden))
    for action, condition, outcome in watched:
        yield (
            f"CREATE TEMP TRIGGER {prefix}_{action}_{outcome[:6].rstrip(',')} "
            f"BEFORE {action} ON main.{table.name} WHEN {condition} "
            f"BEGIN SELECT raise({outcome}); END"
        )
    for change in policy.changes:
        yield (
            f"CREATE TEMP TRIGGER {prefix}_CHANGE_{change.column} "
            f"BEFORE UPDATE ON main.{table.name} "
            f"WHEN {present}{mine} IS TRUE AND {_refused(change, words)} "
            f"BEGIN SELECT raise({forbidden}); END"
        )


def _refused(change: Change, words: Words) -> str:
    column = change.column
    met = f"({change.before.sql('old', words)} AND {change.after.sql('new', words)})"
    return f"old.{column} IS NOT new.{column} AND {met} IS NOT TRUE"


def _unless(rule: Rule, row: str, words: Words) -> str:
    # A NULL is a refusal too: `NOT NULL` would let it pass.
    return f"{rule.sql(row, words)} IS NOT TRUE"


def _parents_present(table: Table) -> str:
    """Give a condition that fails during a cascade, when the parent row is gone already."""
    cascading = (key for key in table.foreign_key_constraints if key.ondelete)
    return "".join(f"({_is_present(key)}) AND " for key in sorted(cascading, key=_columns))


def _columns(key: ForeignKeyConstraint) -> tuple[str, ...]:
    return tuple(key.column_keys)


def _is_present(key: ForeignKeyConstraint) -> str:
    # A row that refers to nobody is no orphan.
    pairs = [(pair.parent.name, pair.column.name) for pair in key.elements]
    absent = " OR ".join(f"old.{own} IS NULL" for own, _ in pairs)
    equal = " AND ".join(f"{theirs} = old.{own}" for own, theirs in pairs)
    parent = f"SELECT 1 FROM main.{key.referred_table.name} WHERE {equal}"  # noqa: S608 - names
    return f"{absent} OR EXISTS ({parent})"


def _reached_by_cascades(table: Table, metadata: MetaData) -> frozenset[str]:
    """Give the tables that a change of this one may read and write: itself, and cascades."""
    reached = {table.name}
    for other in metadata.sorted_tables:
        if any(key.ondelete and key.column.table.name in reached for key in other.foreign_keys):
            reached.add(other.name)
    return frozenset(reached)


def _name_the_table(
    connection: Connection,
    _cursor: object,
    statement: str,
    parameters: object,
    _context: object,
    _many: bool,  # noqa: FBT001 - SQLAlchemy's signature
) -> tuple[str, object]:
    """Name the base table in a statement that changes rows: a view cannot be written to."""
    change = _CHANGE.match(statement)
    if change is None or _NAMES_A_BASE.search(statement):
        return statement, parameters
    connection.info[_TARGET] = change[3]
    return f"{change[1]} main.{change[3]}{statement[change.end() :]}", parameters


def _be_nobodys(_connection: object, record: ConnectionPoolEntry) -> None:
    record.info[ACTING] = NOBODY


def _forget_the_table(connection: Connection, *_rest: object) -> None:
    connection.info.pop(_TARGET, None)


def _forget_after_failure(context: ExceptionContext) -> None:
    if context.connection is not None:
        _forget_the_table(context.connection)
