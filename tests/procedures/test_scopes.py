"""The scopes that there are, what they open, and who holds them."""

from typing import Any

import pytest

from app.core.scopes import ADMIN, BASIC, SCOPES, THIRD_PARTY
from app.oauth import operator
from app.procedures import catalogue
from app.procedures.clients import NewClient
from tests.databases import on_both_engines
from tests.procedures.people import make_role
from tests.world import World

pytestmark = on_both_engines

# Ada's, which Ben has connected, and the other way round.
HERS, HIS = 2, 4
RULES = NewClient(name="Ruler", redirect_uris=["https://app.example/cb"])


def change(world: World, statement: str) -> None:
    with world.system.begin() as connection:
        assert connection.exec_driver_sql(statement).rowcount


def found(world: World, scope: str = "tasks:view") -> Any:
    listed = {item.name: item for item in world.call("grace", "scopes.list", limit=100).items}
    assert list(listed) == list(SCOPES)
    return listed[scope]


def clients(world: World, scope: str = "tasks:view") -> dict[str, int]:
    return {client.client_id: client.users for client in found(world, scope).clients}


def trusted(world: World, *scopes: str) -> str:
    """Give the id of a client that is trusted with these scopes."""
    held = frozenset(scopes)
    made = operator.create_client(
        world.system, RULES, allowed=held, owner=None, now=1, is_trusted=True
    )
    return str(made["client_id"])


def allow(world: World, client_id: str, name: str, *scopes: str) -> None:
    """Let a person allow a client these scopes."""
    email = f"{name}@example.com"
    held = frozenset(scopes)
    operator.mint_token(world.system, client_id=client_id, email=email, granted=held, now=1)


def test_each_scope_is_told_as_it_is_declared(world: World) -> None:
    for told in world.call("grace", "scopes.list", limit=100).items:
        scope = SCOPES[told.name]
        assert (told.sentence, told.risk) == (scope.sentence, scope.risk)
        assert (told.third_party, told.identity) == (scope.third_party, scope.identity)
        needs = [item.name for item in catalogue() if scope.name in item.scopes]
        assert told.procedures == needs


def test_the_roles_that_hold_a_scope_are_named_with_their_people(world: World) -> None:
    make_role(world, "Auditor", "access:edit", "tasks:view", holders=("ada", "ben"))
    told = {role.name: role.users for role in found(world).roles}
    assert told == {"Member": 2, "Admin": 1, "Auditor": 2}
    assert {role.name for role in found(world, "access:edit").roles} == {"Admin", "Auditor"}
    assert found(world, "openid").roles == []


def test_the_clients_are_those_that_people_gave_a_scope(world: World) -> None:
    assert clients(world) == {world.client_id(HERS): 1, world.client_id(HIS): 1}
    allow(world, world.client_id(HIS), "grace", *BASIC)
    told = found(world)
    assert [client.users for client in told.clients] == [2, 1]
    assert told.clients[0].name == "connected"
    assert clients(world, "tasks:viewAll") == {}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE oauth_grant SET revoked_at = 1 WHERE client_key = 2",
        "UPDATE oauth_grant SET is_service = true WHERE client_key = 2",
        "UPDATE client SET revoked_at = 1 WHERE id = 2",
        "UPDATE client SET scopes = 'profile:view' WHERE id = 2",
    ],
)
def test_what_counts_no_more_is_held_by_nobody(world: World, statement: str) -> None:
    change(world, statement)
    assert clients(world) == {world.client_id(HIS): 1}


def test_how_many_clients_may_ask_is_counted(world: World) -> None:
    assert {scope: found(world, scope).asking for scope in BASIC} == dict.fromkeys(BASIC, 4)
    change(world, "UPDATE client SET scopes = 'tasks:view' WHERE id = 1")
    change(world, "UPDATE client SET revoked_at = 1 WHERE id = 3")
    assert found(world).asking == 3
    assert found(world, "tasks:edit").asking == 2
    assert {found(world, scope).asking for scope in ADMIN} == {0}


def test_who_is_trusted_to_rule_is_named_before_anybody_allowed_it(world: World) -> None:
    made = trusted(world, "roles:view", "tasks:view")
    assert clients(world, "roles:view") == {made: 0}
    assert made not in clients(world)
    assert clients(world, "roles:edit") == {}
    assert found(world, "roles:view").asking == 1
    allow(world, made, "grace", "roles:view", "tasks:view")
    assert clients(world, "roles:view") == {made: 1}
    assert clients(world)[made] == 1


def test_of_many_clients_those_of_most_people_are_named(world: World) -> None:
    made = [trusted(world, "tasks:view") for _ in range(21)]
    for client_id in made:
        allow(world, client_id, "ada", "tasks:view")
    for name in ("ben", "grace"):
        allow(world, made[20], name, "tasks:view")
    named = found(world).clients
    assert len(named) == 20
    assert (named[0].client_id, named[0].users) == (made[20], 3)
    assert found(world).asking == 4 + 21


def test_every_power_of_the_pages_alone_is_asked_for_by_no_client(world: World) -> None:
    for told in world.call("grace", "scopes.list", limit=100).items:
        assert bool(told.asking) == (told.name in THIRD_PARTY)
