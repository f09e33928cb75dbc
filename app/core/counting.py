"""Counting the rows that a principal would find: up to a number, and for a moment at the most.

It acts as whom it is told. Importable by those alone who show a person such numbers.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    func,
    literal_column,
    select,
    union,
)
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.core.policy import RowPolicy
from app.core.principal import Principal
from app.core.rows import Acting, acting_as
from app.core.rule import Circle, Rule, Shared
from app.core.transactions import for_anything
from app.core.ways import EVERY, Kind, Way, asking, ways

MOST = 1000
_SECONDS = 0.25
_STEPS_BETWEEN_LOOKS = 1000


@dataclass(frozen=True, slots=True)
class _Plainly:
    """Who acts, written out: the policy itself asks the connection."""

    acting: Acting
    dialect: str

    def user(self) -> str:
        return "NULL" if self.acting.user_id is None else str(self.acting.user_id)

    def holds(self, *scopes: str) -> str:
        return "1 = 0" if self.acting.scopes.isdisjoint(scopes) else "1 = 1"

    def among(self, column: str, circle: Circle) -> str:
        ids = ", ".join(map(str, sorted(self.acting.circle(circle))))
        return f"{column} IN ({ids})" if ids else "1 = 0"

    def shared(self, column: str, share: Shared) -> str:
        # The database knows who acts: it counts as them.
        if self.dialect == "postgresql":
            return f"{column} = ANY ({share.source}())"
        return f"{column} IN (SELECT key FROM {share.source})"  # noqa: S608 - names


class Counting:
    """Counts on the guarded engine; `seconds` is how long one number may take."""

    def __init__(self, guarded: Engine, seconds: float = _SECONDS) -> None:
        self._engine = for_anything(guarded)
        self._seconds = seconds

    def found(
        self, principal: Principal, scopes: frozenset[str], table: Table, policy: RowPolicy
    ) -> int | None:
        """Give how many rows of a table the principal finds by a call that names these scopes.

        It counts to `MOST`; None where that takes too long.
        """
        return self._counted(
            principal, scopes, table, lambda kind: ways(policy, table, kind) or (EVERY,)
        )

    def opened(
        self, principal: Principal, scopes: frozenset[str], table: Table, rule: Rule
    ) -> int | None:
        """Give how many of them meet one of the policy's rules."""
        words = _Plainly(Acting.of(principal, scopes), self._engine.dialect.name)
        condition: ColumnElement[bool] = literal_column(rule.sql(table.name, words))
        return self._counted(principal, scopes, table, lambda _: (Way(condition),))

    def _counted(
        self,
        principal: Principal,
        scopes: frozenset[str],
        table: Table,
        gone: Callable[[Kind | None], Sequence[Way]],
    ) -> int | None:
        try:
            with Session(self._engine) as session, acting_as(session, principal, scopes):
                connection = session.connection()
                kind, values = asking(connection)
                with _hurried(connection, self._seconds):
                    return connection.scalar(_to_the_most(table, gone(kind)), values)
        except OperationalError as error:
            if _took_too_long(error):
                return None
            raise


def _to_the_most(table: Table, gone: Sequence[Way]) -> Select[int]:
    query = select(*table.primary_key).limit(MOST)
    parts = [way.rows(query) for way in gone]
    # A row may be found in several ways.
    found = parts[0] if len(parts) == 1 else union(*parts)
    return select(func.count()).select_from(found.limit(MOST).subquery())


@contextmanager
def _hurried(connection: Connection, seconds: float) -> Iterator[None]:
    """Let a statement end when it has taken its time."""
    if connection.dialect.name == "postgresql":
        # A limit of none would be no limit.
        limit = max(1, round(seconds * 1000))
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {limit}")
        yield
        return
    driver: Any = connection.connection.driver_connection
    ends = monotonic() + seconds
    driver.set_progress_handler(lambda: monotonic() > ends, _STEPS_BETWEEN_LOOKS)
    try:
        yield
    finally:
        driver.set_progress_handler(None, _STEPS_BETWEEN_LOOKS)


def _took_too_long(error: OperationalError) -> bool:
    # SQLite's SQLITE_INTERRUPT; PostgreSQL's query_canceled.
    code = getattr(error.orig, "sqlite_errorname", None) or getattr(error.orig, "sqlstate", None)
    return code in {"SQLITE_INTERRUPT", "57014"}


def in_digits(count: int | None) -> str:
    """Give a number as it is shown: it may be more, or nobody knows."""
    if count is None:
        return "too long to count"
    return str(count) if count < MOST else f"{MOST} or more"
