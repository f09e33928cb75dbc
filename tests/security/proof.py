"""Everything that one can try on a table, one statement at a time, held against the model."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sqlalchemy import Column, LargeBinary, String

from app.core.policy import RowPolicy
from app.core.rule import Both, Either, Held, Related, Rule
from app.core.scopes import SCOPES
from tests.security.fates import Add, Change, Remove, Statement, seen
from tests.security.model import POLICIES
from tests.security.tables import NUMBERED, SCHEMA, Tables
from tests.security.town import PEOPLE, least
from tests.security.twins import Actor, Twin, Visit
from tests.security.who import Policy, Who

ALL, NONE = frozenset(SCOPES), frozenset[str]()


def disagreements(
    twin: Twin,
    tables: Tables,
    name: str,
    policy: RowPolicy,
    laws: Mapping[str, Policy] = POLICIES,
    *,
    thorough: bool = False,
) -> Iterator[str]:
    """Give where a database and the model answer differently about a table.

    The system reaches each row. Everybody tries everything with every scope and with none, and
    a bit less, if not `thorough`, with each that the policy names, and with those that it does
    not; but everything where a scope decides about a column.
    """
    thorough = thorough or any(any(_named(change.before)) for change in policy.changes)
    yield from _out_of_reach(twin, tables, name)
    some = named(policy)
    for scopes in (ALL, NONE, ALL - some, *(frozenset({scope}) for scope in sorted(some))):
        for person in (*PEOPLE, None):
            actor = Actor(person, scopes, laws)
            statements = _statements(tables, name, thorough=thorough or scopes in (ALL, NONE))
            with twin.visit_in_vain(actor) as visit:
                for fault in _disagreements(visit, actor.among(tables), name, statements):
                    yield f"{name}: {person} with {' '.join(sorted(scopes))}: {fault}"


def leaks(twin: Twin, tables: Tables, name: str) -> Iterator[str]:
    """Give who sees rows of a table that is the system's."""
    yield from _out_of_reach(twin, tables, name)
    for person in (*PEOPLE, None):
        with twin.visit_in_vain(Actor(person, ALL)) as visit:
            if found := visit.seen(name):
                yield f"{name}: {person} sees {sorted(found)}"


def _out_of_reach(twin: Twin, tables: Tables, name: str) -> Iterator[str]:
    if missed := tables[name].keys() - twin.in_reach_of_the_system(name):
        yield f"{name}: the system does not reach {sorted(missed)}"


def _disagreements(
    visit: Visit, who: Who, name: str, statements: Iterable[Statement]
) -> Iterator[str]:
    found, told = visit.seen(name), set(seen(who, name))
    if found != told:
        yield f"sees {sorted(found)}, not {sorted(told)}"
    if name in NUMBERED and visit.listed(name) != sorted(told, reverse=True):
        yield f"is shown a list of {visit.listed(name)}, not of {sorted(told)}"
    for statement in statements:
        fate, fates = visit.tried(statement), statement.told(who).fates
        if fate not in fates:
            yield f"{statement}: {fate}, not {fates}"


def _statements(tables: Tables, name: str, *, thorough: bool) -> Iterator[Statement]:
    yield Remove(name)
    for row in tables[name].values():
        # It is there already: to tell that, a database must have let the row in.
        yield Add(name, [row])
    changes = _changes(tables, name)
    yield from changes if thorough else [next(changes)]


def _changes(tables: Tables, name: str) -> Iterator[Statement]:
    columns = SCHEMA[name].columns
    telling = [c for c in columns if _tells(c) or c.name in POLICIES[name].keeps]
    if rest := [column for column in columns if column not in telling]:
        yield Change(name, {column.name: least(column) for column in rest})
    for column in telling:
        there = {row[column.name] for row in tables[name].values()}
        for value in (*sorted(there, key=str), _other(column)):
            others = [key for key, row in tables[name].items() if row[column.name] != value]
            if others:
                yield Change(name, {column.name: value}, others)


def _tells(column: Column[Any]) -> bool:
    """Tell whether a row is found, or belongs to another, by this column."""
    return bool(column.primary_key or column.foreign_keys or column.unique)


def _other(column: Column[Any]) -> Any:
    match column.type:
        case String():
            return "other"
        case LargeBinary():
            return b"other"
        case _:
            return 99


def named(policy: RowPolicy) -> frozenset[str]:
    """Give the scopes that a policy names."""
    return frozenset(scope for rule in policy.rules for scope in _named(rule))


def _named(rule: Rule | None) -> Iterator[str]:
    match rule:
        case Held(scope):
            yield scope
        case Either(rules) | Both(rules):
            for each in rules:
                yield from _named(each)
        case Related():
            yield from _named(rule.rule)
