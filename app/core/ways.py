"""How PostgreSQL finds the rows that a policy shows: each of its rules by an index of its own.

The policy holds without it. The server joins its rules by OR, which keeps it from every index;
on SQLite the guard's own view goes each way by itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Table,
    bindparam,
    false,
    func,
    literal_column,
    select,
    true,
)

from app.core.policy import RowPolicy
from app.core.rows import ACTING, Acting
from app.core.rule import Among, Both, Circle, Either, Held, Own, Rule, Shared

_ME = bindparam("acting_user_id", type_=BigInteger)

_Query = Select[*tuple[Any, ...]]


@dataclass(frozen=True, eq=False, slots=True)
class Way:
    """A condition that an index serves."""

    keeps_order: ClassVar[bool] = True
    condition: ColumnElement[bool]

    def rows(self, query: _Query, *order: ColumnElement[Any]) -> _Query:
        """Give a query for the rows that it finds this way, in an order."""
        return query.where(self.condition).order_by(*order)


@dataclass(frozen=True, eq=False, slots=True)
class OneByOne(Way):
    """One for each of some ids: where the query has a limit, it is one for each of them."""

    keeps_order: ClassVar[bool] = False
    column: ColumnElement[int]
    ids: FromClause

    def rows(self, query: _Query, *order: ColumnElement[Any]) -> _Query:
        """Give a query for the rows that it finds, the order being that within an id."""
        # All have the same id. Without the column in the order, and with an equality, the server
        # thinks of an index on the order alone, and finds its rows among all others with it.
        found = Way.rows(self, query, self.column.desc(), *order).lateral()
        return select(found).select_from(self.ids.join(found, true()))


EVERY = Way(true())
_NONE = Way(false())


@dataclass(frozen=True, slots=True)
class Kind:
    """What principals have in common who find rows in the same ways."""

    is_person: bool
    scopes: frozenset[str]
    circles: frozenset[Circle]

    @classmethod
    def of(cls, acting: Acting) -> Self:
        """Give that of a principal."""
        circles = frozenset(circle for circle in Circle if acting.circle(circle))
        return cls(acting.user_id is not None, acting.scopes, circles)


def asking(connection: Connection) -> tuple[Kind | None, Mapping[str, Any]]:
    """Give the kind of who acts, and the values of its ways; no kind where they are not needed."""
    acting: Acting | None = connection.info.get(ACTING)
    if acting is None or connection.dialect.name != "postgresql":
        return None, {}
    return Kind.of(acting), {_ME.key: acting.user_id}


def ways(policy: RowPolicy, table: Table, kind: Kind | None) -> Sequence[Way]:
    """Give the ways to what a policy shows; a row may be found by several.

    None at all where there is nothing to gain: the principal may see every row, or who does not
    is told row by row.
    """
    if kind is None:
        return ()
    rules = policy.select.rules if isinstance(policy.select, Either) else (policy.select,)
    found = [way for rule in rules if (way := _way(rule, table, kind))]
    return () if EVERY in found else found or (_NONE,)


def opens(rule: Rule, table: Table, acting: Acting) -> bool:
    """Tell whether a rule may let the principal see any row of a table."""
    return _way(rule, table, Kind.of(acting)) is not None


def _way(rule: Rule, table: Table, kind: Kind) -> Way | None:
    match rule:
        case Own(column):
            return Way(table.c[column] == _ME) if kind.is_person else None
        case Held(scope):
            return EVERY if scope in kind.scopes else None
        case Among(column, circle):
            setting = f"current_setting('latchkey.{circle.value}')::bigint[]"
            return _one_by_one(table.c[column], setting) if circle in kind.circles else None
        case Shared(key=key):
            return _one_by_one(table.c[key], f"{rule.source}()") if kind.is_person else None
        case Either(rules):
            some = [way for part in rules if (way := _way(part, table, kind))]
            return EVERY if len(some) > 1 else next(iter(some), None)
        case Both(rules):
            # One that narrows is enough: the policy holds besides.
            parts = [_way(part, table, kind) for part in rules]
            narrowing = (way for way in parts if way is not EVERY)
            return None if None in parts else next(narrowing, EVERY)
        case _:
            return EVERY


def _one_by_one(column: ColumnElement[int], array: str) -> Way:
    # The server knows the ids: it was told them in the same message, or reads them itself.
    ids: ColumnElement[Any] = literal_column(array)
    each = func.unnest(ids).column_valued("each")
    return OneByOne(column.between(each, each), column, each.scalar_alias)
