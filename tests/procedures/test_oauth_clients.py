"""Every OAuth client, for admins."""

from typing import Any

import pytest

from app.core import scopes
from app.core.errors import InvalidInput, NotFound
from tests.world import World


def names(world: World, **given: object) -> list[str]:
    return [client.name for client in world.call("grace", "oauth_clients.list", **given).items]


def get(world: World, key: int) -> Any:
    return world.call("grace", "oauth_clients.get", client_id=world.client_id(key))


def test_an_admin_sees_each_client_whoever_made_it_newest_first(world: World) -> None:
    found = world.call("grace", "oauth_clients.list").items
    assert [(client.owner, client.source) for client in found] == [
        (None, "registration"),
        ("ben@example.com", "user"),
        ("ben@example.com", "user"),
        ("ada@example.com", "user"),
        ("ada@example.com", "user"),
    ]


def test_clients_come_a_page_at_a_time(world: World) -> None:
    first = world.call("grace", "oauth_clients.list", limit=3)
    rest = world.call("grace", "oauth_clients.list", limit=3, cursor=first.next_cursor)
    assert [len(first.items), len(rest.items), rest.next_cursor] == [3, 2, None]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("IDLE", ["his: idle", "hers: idle"]),
        ("127.0.0.1/registered", ["hers: registered by a program, of nobody"]),
        ("no such", []),
        ("%", []),
        ("_", []),
    ],
)
def test_clients_are_found_by_name_and_redirect_uri(
    world: World, q: str, found: list[str]
) -> None:
    assert names(world, q=q) == found


def test_a_client_is_found_by_its_id(world: World) -> None:
    assert names(world, q=world.client_id(1)) == ["hers: idle"]


def test_what_people_granted_is_counted_by_person_and_scope(world: World) -> None:
    client = get(world, 2)
    assert client.users == 1
    assert {scope.name: scope.users for scope in client.granted} == dict.fromkeys(scopes.BASIC, 1)
    with world.system.begin() as connection:
        connection.exec_driver_sql("UPDATE oauth_grant SET revoked_at = 1")
    assert (get(world, 2).users, get(world, 2).granted) == (0, [])


def test_an_admins_client_has_its_secret_once(world: World) -> None:
    uris = ["https://reports.example.com/cb"]
    made = world.call("grace", "oauth_clients.create", name="Reports", redirect_uris=uris)
    assert (made.client.source, made.client.owner) == ("admin", "grace@example.com")
    assert made.client_secret
    assert made.client_secret not in str(world.everything())


@pytest.mark.parametrize("key", [1, 2, 3, 4, 5])
def test_an_admin_revokes_any_client_for_good(world: World, key: int) -> None:
    revoked = world.call("grace", "oauth_clients.revoke", client_id=world.client_id(key))
    assert revoked.revoked_at.timestamp() == 1000
    road = world.pipeline().at(2000)
    given = {"client_id": world.client_id(key)}
    again: Any = road.call("oauth_clients.revoke", world.principal("grace"), given)
    assert again.revoked_at == revoked.revoked_at
    others = world.found("client", "id <> :key", key=key)
    assert [row["revoked_at"] for row in others] == [None] * 4


@pytest.mark.parametrize("key", [1, 2, 3, 4, 5])
def test_an_admin_deletes_any_client_and_nothing_of_the_others(world: World, key: int) -> None:
    world.call("grace", "oauth_clients.delete", client_id=world.client_id(key))
    assert {row["id"] for row in world.found("client")} == {1, 2, 3, 4, 5} - {key}
    assert key not in {row["client_key"] for row in world.found("oauth_grant")}
    assert len(world.found("oauth_grant")) == (1 if key in {2, 4} else 2)
    assert len(world.found("task")) == 4


@pytest.mark.parametrize("verb", ["get", "revoke", "delete"])
@pytest.mark.parametrize("given", ["x", "1", "' OR 1 = 1 --", "f" * 64])
def test_an_unknown_client_is_not_found(world: World, verb: str, given: str) -> None:
    with pytest.raises(NotFound):
        world.call("grace", f"oauth_clients.{verb}", client_id=given)


def test_an_admin_is_held_to_the_same_redirect_uris(world: World) -> None:
    with pytest.raises(InvalidInput) as refusal:
        world.call("grace", "oauth_clients.create", name="x", redirect_uris=["http://a.example/"])
    assert list(refusal.value.fields) == ["redirect_uris.0"]
