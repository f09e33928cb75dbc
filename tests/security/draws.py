"""What happens in a town, drawn at random: rows that mostly fit, people, and what they do."""

from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import Any

from sqlalchemy import JSON, Boolean, Column, LargeBinary, String

from app.core.scopes import SCOPES
from app.extensions import Model
from app.models import ROW_POLICIES
from tests.security.fates import Add, Change, Copy, Done, Outcome, Remove, Statement
from tests.security.proof import named
from tests.security.tables import REFERENCES, SCHEMA, Clash, Key, Reference, Row, Tables
from tests.security.town import row
from tests.security.twins import Actor

# What is referred to comes first.
GUARDED = [table.name for table in Model.metadata.sorted_tables if table.name in ROW_POLICIES]
_NAMED = {name: sorted(named(policy)) for name, policy in ROW_POLICIES.items()}
# How many rows there are at first, where it is not three; some do not fit, and are left out.
_AT_FIRST = {"user_account": 4, "organization": 2, "membership": 6, "team_member": 5, "task": 8}
# Whose rows have a number, and nothing else that must be the only one.
_COPIED = ["task", "comment", "project", "membership", "team_member", "audit_event"]
# Whose policies say more than which scope it takes.
_MORE = [
    "task",
    "comment",
    "organization",
    "membership",
    "team",
    "team_member",
    "invitation",
    "project",
    "client",
    "client_secret",
]
# On whose rows others hang.
_HELD_ON_TO = ["user_account", "organization", "team", "client", "role", "task", "membership"]
# What is no reference, and yet says whose a row is, or what a person is.
_TELLING = frozenset({"user_id", "standing", "name"})
_TRIES = 12
_HIGHER = 1000
_NOT_THERE = 99


def town(at_random: Random) -> Tables:
    """Draw rows of each table."""
    found = Tables()
    for name in GUARDED:
        for _ in range(_AT_FIRST.get(name, 3)):
            after = found.copy()
            with suppress(Clash):
                after.add(name, [_new_row(at_random, found, name)])
                found = after
    return found


def statement(at_random: Random, tables: Tables) -> Statement:
    """Draw what a person might try."""
    draw = at_random.choice([_addition, _copy, _change, _change, _removal])
    return draw(
        at_random, tables, at_random.choice(_COPIED if draw is _copy else GUARDED + 2 * _MORE)
    )


def ruling(at_random: Random, tables: Tables) -> Statement:
    """Draw what the system does: to one row."""
    draw = at_random.choice([_addition, _change, _removal])
    name = at_random.choice(_HELD_ON_TO if draw is _removal else GUARDED)
    return draw(at_random, tables, name)


def actor(at_random: Random, tables: Tables, statement: Statement) -> Actor:
    """Draw a person, or nobody, with some scopes: as often as not one who gets something done."""
    people = [*(key[0] for key in tables["user_account"]), None]
    named = _NAMED[statement.table]
    if at_random.random() < 0.5:
        for _ in range(_TRIES):
            # The rows of some tables no scope opens.
            held = frozenset(at_random.sample(named, min(1, len(named))))
            one = Actor(at_random.choice(people), held)
            if _does_something(statement.told(one.among(tables))):
                return one
    scopes = at_random.sample(named * 2 + sorted(SCOPES), at_random.randint(0, 3))
    return Actor(at_random.choice(people), frozenset(scopes))


def _does_something(outcome: Outcome) -> bool:
    return outcome.is_done and Done(0) not in outcome.fates


def _addition(at_random: Random, tables: Tables, name: str) -> Statement:
    rows = [_new_row(at_random, tables, name, place) for place in (1, 2)]
    return Add(name, rows[: at_random.randint(1, 2)])


def _copy(at_random: Random, tables: Tables, name: str) -> Statement:
    values = _some_value(at_random, tables, name) if at_random.random() < 0.5 else {}
    return Copy(name, _HIGHER * at_random.randint(1, 9), values)


def _change(at_random: Random, tables: Tables, name: str) -> Statement:
    return Change(name, _some_value(at_random, tables, name), _some_keys(at_random, tables, name))


def _removal(at_random: Random, tables: Tables, name: str) -> Statement:
    return Remove(name, _some_keys(at_random, tables, name))


def _new_row(at_random: Random, tables: Tables, name: str, place: int = 1) -> Row:
    given: dict[str, Any] = {}
    if "id" in SCHEMA[name].columns:
        given["id"] = place + max((key[0] for key in tables[name]), default=0)
    for reference in REFERENCES[name]:
        parents = list(_parents(tables, name, reference, given))
        given |= at_random.choice(parents) if parents else {}
    for column in SCHEMA[name].columns:
        if column.name not in given and _tells(column):
            given[column.name] = _value(at_random, tables, column)
    return row(name, **given)


def _parents(
    tables: Tables, name: str, reference: Reference, given: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    """Give the values by which a row refers to one that is there; they agree with those given."""
    for parent in tables[reference.table].values():
        theirs = (parent[column] for column in reference.theirs)
        values = dict(zip(reference.columns, theirs, strict=True))
        if all(given.get(column, value) == value for column, value in values.items()):
            yield values
    if all(SCHEMA[name].columns[column].nullable for column in reference.columns):
        yield dict.fromkeys(reference.columns)


def _tells(column: Column[Any]) -> bool:
    """Tell whether what a column holds decides whose a row is, or whether it fits."""
    return bool(column.primary_key or column.unique) or column.name in _TELLING


def _some_keys(at_random: Random, tables: Tables, name: str) -> list[Key] | None:
    there = list(tables[name])
    return [at_random.choice(there)] if there and at_random.random() < 0.7 else None


def _some_value(at_random: Random, tables: Tables, name: str) -> dict[str, Any]:
    columns = SCHEMA[name].columns.values()
    telling = [column for column in columns if column.foreign_keys or _tells(column)]
    column = at_random.choice(at_random.choice([columns, telling]))
    return {column.name: _value(at_random, tables, column)}


def _value(at_random: Random, tables: Tables, column: Column[Any]) -> Any:
    if column.nullable and at_random.random() < 0.3:
        return None
    for key in sorted(column.foreign_keys, key=lambda key: key.target_fullname):
        there = {row[key.column.name] for row in tables[key.column.table.name].values()}
        return at_random.choice([*sorted(there), *sorted(there), _NOT_THERE])
    number = at_random.randint(1, 5)
    match column.type:
        case JSON():
            return [number]
        case Boolean():
            return number % 2 == 0
        case LargeBinary():
            return bytes([number])
        case String():
            return ["member", "manager"][number % 2] if column.name == "standing" else str(number)
        case _:
            return number
