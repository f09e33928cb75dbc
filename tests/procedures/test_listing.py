"""Lists, a page at a time: the very rows that the policy shows, however they are found."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import ColumnElement, select, text
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core.principal import Channel, Principal, nobody
from app.core.rows import acting_as
from app.core.rule import Held, Rule
from app.core.scopes import SCOPES
from app.core.transactions import for_reading
from app.extensions import Model
from app.models import ROW_POLICIES
from app.models.organization import Membership
from app.models.task import Task
from app.models.user import User
from app.procedures.shapes import Listing, PageOf
from tests.databases import on_both_engines
from tests.world import World

pytestmark = on_both_engines

NUMBERED = {
    mapper.class_.__tablename__: mapper.class_.id
    for mapper in Model.registry.mappers
    if mapper.class_.__tablename__ in ROW_POLICIES and "id" in mapper.columns
}
ACTS = [(), ("tasks:view",), ("tasks:edit",), ("tasks:view", "tasks:viewAll")]
TEAMS = [(), (1,), (1, 2, 3), (3, 99)]
FILTERS: list[tuple[ColumnElement[bool], ...]] = [
    (),
    (Task.title.icontains("7"),),
    (Task.team_id == 2, Task.status == "open"),
]


@pytest.fixture
def town(world: World) -> World:
    """Give a world in which three people have tasks in each of four teams, and in none."""
    people, teams = sorted(world.ids.values())[:3], (None, 1, 2, 3, 4)
    team = "INSERT INTO team (organization_id, name, created_at) VALUES (1, :name, 1)"
    task = (
        "INSERT INTO task (owner_id, team_id, title, notes, created_at, updated_at) "
        "VALUES (:owner, :team, :title, '', 1, 1)"
    )
    tasks = [{"owner": people[i % 3], "team": teams[i % 5], "title": f"{i}"} for i in range(60)]
    with world.system.begin() as connection:
        connection.execute(text(team), [{"name": "third"}, {"name": "fourth"}])
        connection.execute(text(task), tasks)
    return world


def in_pages(
    session: Session, listing: Listing, limit: int, *conditions: ColumnElement[bool]
) -> list[dict[str, Any]]:
    """Give the items of all pages."""
    items, cursor, is_first = [], None, True
    while cursor or is_first:
        page = listing.page(session, PageOf(cursor=cursor, limit=limit), *conditions)
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor, is_first = page["next_cursor"], False
    return items


def assert_alike(
    world: World,
    key: InstrumentedAttribute[int],
    principal: Principal,
    scopes: frozenset[str],
    *conditions: ColumnElement[bool],
) -> None:
    bare = select(key).where(*conditions).order_by(key.desc())
    with (
        Session(for_reading(world.rows)) as session,
        acting_as(session, principal, scopes),
    ):
        shown = list(session.scalars(bare))
        for limit in (4, 100):
            paged = in_pages(session, Listing(key), limit, *conditions)
            assert [item["id"] for item in paged] == shown


@pytest.mark.parametrize("teams", TEAMS, ids=str)
@pytest.mark.parametrize("scopes", ACTS, ids=str)
def test_the_pages_hold_each_task_that_the_policy_shows_once(
    town: World, scopes: tuple[str, ...], teams: tuple[int, ...]
) -> None:
    acts = frozenset(scopes)
    for user_id in (*sorted(town.ids.values())[:2], None):
        caller = Principal(Channel.API, user_id, acts, teams=frozenset(teams))
        for conditions in FILTERS:
            assert_alike(town, Task.id, caller, acts, *conditions)


def named(rule: Rule) -> set[str]:
    """Give the scopes that a rule asks for."""
    parts = getattr(rule, "rules", ())
    return {rule.scope} if isinstance(rule, Held) else set().union(*map(named, parts))


@pytest.mark.parametrize("table", sorted(NUMBERED))
def test_the_pages_of_each_table_are_what_its_policy_shows(world: World, table: str) -> None:
    people = [world.principal(name) for name in ("ada", "ben")]
    for scopes in (set(), set(SCOPES), *({each} for each in named(ROW_POLICIES[table].select))):
        for principal in (*people, nobody(Channel.API)):
            assert_alike(world, NUMBERED[table], principal, frozenset(scopes))


def test_what_stands_beside_a_row_comes_with_it(world: World) -> None:
    listing = Listing(Membership.id, User.email, beside=(User, User.id == Membership.user_id))
    ada = replace(world.principal("ada"), organizations=frozenset({1, 2}))
    acts = frozenset({"organizations:view", "users:viewAll"})
    with Session(world.rows) as session, acting_as(session, ada, acts):
        emails = [item["email"] for item in in_pages(session, listing, 1)]
    assert emails == ["ben@example.com", "ada@example.com"]
