"""Each guarded table, each action, each way to say it: a person has their own rows, no others."""

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import pytest
from sqlalchemy import (
    Column,
    RowMapping,
    Table,
    and_,
    delete,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.core.principal import Channel, nobody
from app.core.rows import acting_as
from app.core.scopes import SCOPES
from app.extensions import Model
from app.models import ROW_POLICIES
from tests.databases import on_both_engines
from tests.world import HERS, World

pytestmark = on_both_engines

TABLES = Model.metadata.tables
MODELS: dict[str, Any] = {
    mapper.class_.__tablename__: mapper.class_ for mapper in Model.registry.mappers
}
UNGUARDED = sorted(set(TABLES) - set(ROW_POLICIES))

_OF_MINE = "IN (SELECT id FROM {} WHERE owner_id = :me)"

# What a person is meant to see and to change without any scope, in words of their own, not the
# policies'.
SEEN = {
    "user_account": "id = :me",
    "login": "user_id = :me",
    "role": "1 = 0",
    "role_scope": "1 = 0",
    "user_role": "user_id = :me",
    "organization": "1 = 0",
    "membership": "user_id = :me",
    "team": "1 = 0",
    "team_member": "user_id = :me",
    "invitation": "1 = 0",
    "project": "1 = 0",
    "task": "owner_id = :me",
    "comment": f"task_id {_OF_MINE.format('task')}",
    "client": "owner_id = :me OR id IN (SELECT client_key FROM oauth_grant WHERE user_id = :me)",
    "client_secret": f"client_key {_OF_MINE.format('client')}",
    "oauth_grant": "user_id = :me",
    "resource_server": "1 = 0",
    "switch": "1 = 0",
    "banned_host": "1 = 0",
    "workspace": "1 = 0",
    "access_setting": "1 = 0",
    "audit_event": "1 = 0",
}
CHANGED = SEEN | {
    "user_account": "1 = 0",
    "user_role": "1 = 0",
    "membership": "1 = 0",
    "team_member": "1 = 0",
    "comment": f"author_id = :me AND task_id {_OF_MINE.format('task')}",
    "client": "owner_id = :me",
}
DELETED = CHANGED | {
    "login": "1 = 0",
    "membership": "user_id = :me",
    "comment": SEEN["comment"],
    "oauth_grant": "1 = 0",
}

A_COLUMN = {
    "user_account": "name",
    "login": "user_agent",
    "role": "name",
    "role_scope": "scope",
    "user_role": "role_id",
    "organization": "name",
    "membership": "standing",
    "team": "name",
    "team_member": "created_at",
    "invitation": "standing",
    "project": "name",
    "task": "title",
    "comment": "body",
    "client": "name",
    "client_secret": "last_four",
    "oauth_grant": "scopes",
    "resource_server": "name",
    "switch": "name",
    "banned_host": "host",
    "workspace": "name",
    "access_setting": "access",
    "audit_event": "action",
}
# What would put a row into another's hands, or under another's parent.
BELONGS_BY = [
    ("task", "owner_id", "SELECT id FROM user_account WHERE id <> :me"),
    ("comment", "author_id", "SELECT id FROM user_account WHERE id <> :me"),
    ("comment", "task_id", "SELECT id FROM task WHERE owner_id <> :me"),
    ("client", "owner_id", "SELECT id FROM user_account WHERE id <> :me"),
    ("client", "owner_id", "SELECT NULL"),
    ("client_secret", "client_key", "SELECT id FROM client WHERE owner_id <> :me"),
    ("oauth_grant", "user_id", "SELECT id FROM user_account WHERE id <> :me"),
    ("oauth_grant", "client_key", "SELECT id FROM client WHERE owner_id IS NULL"),
]

_BY_THE_GUARD = "prohibited|not authorized"
_BY_THE_POLICY = "row policy|row-level security policy"

Change = Callable[[Session, str], Any]


def keys(name: str) -> list[Column[Any]]:
    return list(TABLES[name].primary_key)


def new(name: str) -> Any:
    column = TABLES[name].c[A_COLUMN[name]]
    return 2 if column.type.python_type is int else "new"


def _raw(statement: str) -> Change:
    def run(session: Session, name: str) -> Any:
        named = ", ".join(column.name for column in keys(name))
        filled = statement.format(name=name, keys=named, column=A_COLUMN[name])
        given = {"new": new(name)} if ":new" in filled else {}
        return session.execute(text(filled), given)

    return run


SELECTS: dict[str, Change] = {
    "orm": lambda session, name: session.execute(
        select(*(getattr(MODELS[name], column.name) for column in keys(name)))
    ),
    "core": lambda session, name: session.execute(select(*keys(name))),
    "raw": _raw("SELECT {keys} FROM {name}"),
}
UPDATES: dict[str, Change] = {
    "orm": lambda session, name: session.execute(
        update(MODELS[name]).values({A_COLUMN[name]: new(name)})
    ),
    "core": lambda session, name: session.execute(
        update(TABLES[name]).values({A_COLUMN[name]: new(name)})
    ),
    "raw": _raw("UPDATE {name} SET {column} = :new"),
}
DELETES: dict[str, Change] = {
    "orm": lambda session, name: session.execute(delete(MODELS[name])),
    "core": lambda session, name: session.execute(delete(TABLES[name])),
    "raw": _raw("DELETE FROM {name}"),
}

each_guarded = pytest.mark.parametrize("name", ROW_POLICIES)
each_unguarded = pytest.mark.parametrize("name", UNGUARDED)
WAYS = ("orm", "core", "raw")


def key_of(name: str, row: RowMapping) -> tuple[Any, ...]:
    return tuple(row[column.name] for column in keys(name))


def ids_of(world: World, name: str, where: str) -> list[tuple[Any, ...]]:
    return sorted(key_of(name, row) for row in world.found(name, where, me=world.ids["ben"]))


def test_the_matrices_know_every_guarded_table() -> None:
    assert set(SEEN) == set(CHANGED) == set(DELETED) == set(A_COLUMN) == set(ROW_POLICIES)


def test_the_world_has_rows_in_every_table_of_which_some_are_not_bens(world: World) -> None:
    for name, rows in world.everything().items():
        assert rows, name
        seen = world.found(name, SEEN.get(name, "1 = 0"), me=world.ids["ben"])
        assert len(seen) < len(rows), name


@each_guarded
def test_a_bare_select_finds_ones_own_rows_only(world: World, name: str) -> None:
    mine = ids_of(world, name, SEEN[name])
    theirs = set(ids_of(world, name, "1 = 1")) - set(mine)
    with world.acting("ben") as session:
        for way in WAYS:
            assert sorted(map(tuple, SELECTS[way](session, name).all())) == mine, way
        assert session.scalar(select(func.count()).select_from(TABLES[name])) == len(mine)
        assert [session.get(MODELS[name], key) for key in theirs] == [None] * len(theirs)


@each_guarded
def test_an_update_of_all_rows_changes_ones_own_only(world: World, name: str) -> None:
    mine = ids_of(world, name, CHANGED[name])
    before = {key_of(name, row): row for row in world.found(name)}
    for way in WAYS:
        with world.acting("ben") as session:
            assert UPDATES[way](session, name).rowcount == len(mine), way
        for row in world.found(name):
            key = key_of(name, row)
            assert row == dict(before[key]) | ({A_COLUMN[name]: "new"} if key in mine else {})


@each_guarded
def test_a_delete_of_all_rows_deletes_ones_own_only(world: World, name: str) -> None:
    mine = ids_of(world, name, DELETED[name])
    kept = [row for row in world.found(name) if key_of(name, row) not in mine]
    for way in WAYS[1:]:
        with suppress(_Undone), world.acting("ben") as session:
            assert DELETES[way](session, name).rowcount == len(mine), way
            raise _Undone
    with world.acting("ben") as session:
        assert DELETES["orm"](session, name).rowcount == len(mine)
    assert world.found(name) == kept


class _Undone(Exception):
    """What ends a transaction that is not to count."""


@each_guarded
def test_a_row_in_anothers_name_is_refused(world: World, name: str) -> None:
    theirs = dict(world.found(name, f"NOT ({DELETED[name]})", me=world.ids["ben"])[0])
    theirs.pop("id", None)
    if "client_id" in theirs and name == "client":
        theirs["client_id"] = "another"
    if "email" in theirs:
        theirs["email"] = "another@example.com"
    before = world.everything()
    for way in WAYS:
        with pytest.raises(DBAPIError, match=_BY_THE_POLICY), world.acting("ben") as session:
            _insert(session, name, way, theirs)
    assert world.everything() == before


def _insert(session: Session, name: str, way: str, row: Mapping[str, Any]) -> None:
    columns = ", ".join(row)
    marks = ", ".join(f":{column}" for column in row)
    if way == "raw":
        given = {key: json.dumps(v) if isinstance(v, list) else v for key, v in row.items()}
        session.execute(text(f"INSERT INTO {name} ({columns}) VALUES ({marks})"), given)
    elif way == "core":
        session.connection().execute(insert(TABLES[name]).values(**_typed(TABLES[name], row)))
    else:
        attribute_of = inspect(MODELS[name]).get_property_by_column
        typed = _typed(TABLES[name], row).items()
        values = {attribute_of(TABLES[name].c[column]).key: value for column, value in typed}
        session.add(MODELS[name](**values))
        session.flush()


def _typed(table: Table, row: Mapping[str, Any]) -> dict[str, Any]:
    # The rows were read as text; what is JSON may be any list.
    lists = {"redirect_uris", "grant_types"}
    return {c.name: [] if c.name in lists else row[c.name] for c in table.columns if c.name in row}


@pytest.mark.parametrize(("name", "column", "anothers"), BELONGS_BY)
def test_a_row_cannot_be_given_to_another(
    world: World, name: str, column: str, anothers: str
) -> None:
    me = world.ids["ben"]
    with world.system.connect() as connection:
        target = connection.execute(text(f"{anothers} LIMIT 1"), {"me": me}).scalar_one()
    before = world.everything()
    mine = ids_of(world, name, CHANGED[name])[0]
    table = TABLES[name]
    is_mine = and_(*(column == key for column, key in zip(keys(name), mine, strict=True)))
    with pytest.raises(DBAPIError, match=_BY_THE_POLICY), world.acting("ben") as session:
        session.execute(update(table).where(is_mine).values({column: target}))
    assert world.everything() == before


@each_guarded
def test_nobody_finds_and_changes_nothing(world: World, name: str) -> None:
    before = world.everything()
    with Session(world.rows) as session:
        with acting_as(session, nobody(Channel.API), frozenset()):
            _find_and_change_nothing(session, name)
        _find_and_change_nothing(session, name)
        session.commit()
    assert world.everything() == before


def _find_and_change_nothing(session: Session, name: str) -> None:
    for way in WAYS:
        assert SELECTS[way](session, name).all() == []
        assert UPDATES[way](session, name).rowcount == 0
        assert DELETES[way](session, name).rowcount == 0


@each_unguarded
def test_a_table_without_a_policy_gives_no_row_to_anyone(world: World, name: str) -> None:
    table = TABLES[name]
    for column in table.columns:
        with _refused_or_empty(world), world.acting("grace") as session:
            assert session.execute(select(column)).all() == []
    with world.acting("grace") as session:
        assert session.scalar(select(func.count()).select_from(table)) == 0


@each_unguarded
def test_a_table_without_a_policy_cannot_be_changed(world: World, name: str) -> None:
    table, before = TABLES[name], world.everything()
    row = dict(world.found(name)[0])
    column = next(iter(row))
    for statement in (delete(table), text(f"UPDATE {name} SET {column} = {column}")):
        with _refused_or_empty(world), world.acting("grace") as session:
            changed: Any = session.execute(statement)
            assert changed.rowcount == 0
    with pytest.raises(DBAPIError), world.acting("grace") as session:
        session.execute(insert(table).values(row))
    assert world.everything() == before


def _refused_or_empty(world: World) -> AbstractContextManager[Any]:
    """Give what a table without a policy answers: SQLite's guard no, PostgreSQL nothing."""
    if world.rows.dialect.name == "sqlite":
        return pytest.raises(DBAPIError, match=_BY_THE_GUARD)
    return nullcontext()


def test_a_scope_that_bypasses_opens_rows_to_the_call_that_names_it(world: World) -> None:
    with world.acting("grace", "tasks:viewAll") as session:
        everyones = session.scalars(text("SELECT id FROM task")).all()
    with world.acting("grace", "tasks:view") as session:
        own = session.scalars(text("SELECT id FROM task")).all()
    assert (len(everyones), own) == (len(world.found("task")), [])


def test_a_scope_that_bypasses_reading_opens_no_changes(world: World) -> None:
    with world.acting("grace", "tasks:viewAll") as session:
        assert UPDATES["raw"](session, "task").rowcount == 0
        assert DELETES["raw"](session, "task").rowcount == 0


def test_no_scope_opens_the_trail_and_nobody_changes_it(world: World) -> None:
    with world.acting("grace", *SCOPES) as session:
        assert session.scalars(text("SELECT id FROM audit_event")).all() == []
        assert UPDATES["raw"](session, "audit_event").rowcount == 0
        assert DELETES["raw"](session, "audit_event").rowcount == 0
    assert world.found("audit_event")


def test_an_admin_may_change_and_delete_clients_of_others_and_of_nobody(world: World) -> None:
    with world.acting("grace", "oauth-clients:edit") as session:
        assert UPDATES["raw"](session, "client").rowcount == len(world.found("client"))
        session.execute(delete(TABLES["client"]))
    assert world.found("client") == world.found("oauth_grant") == world.found("access_token") == []


def test_deleting_ones_task_takes_the_comments_of_others_and_nothing_else(world: World) -> None:
    before = world.everything()
    with world.acting("ben") as session:
        session.execute(delete(TABLES["task"]))
    after = world.everything()
    gone = {row["body"] for row in before["comment"]} - {row["body"] for row in after["comment"]}
    assert gone == {"his: remark", "on his"}
    assert [row for row in before["task"] if HERS in row["title"]] == after["task"]
    untouched = set(before) - {"task", "comment"}
    assert {name: before[name] for name in untouched} == {name: after[name] for name in untouched}
