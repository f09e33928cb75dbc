"""The apps that a person has connected."""

from typing import Any

import pytest

from app.core import scopes
from app.core.errors import NotFound
from tests.world import World


def only(world: World) -> Any:
    (connection,) = world.call("ben", "connections.list").items
    return connection


def test_a_connection_says_which_app_and_what_was_allowed_in_plain_words(world: World) -> None:
    connection = only(world)
    (client,) = world.found("client", "id = 2")
    assert connection.client_id == client["client_id"]
    assert (connection.name, connection.source) == ("connected", "user")
    assert [scope.name for scope in connection.scopes] == list(scopes.BASIC)
    assert connection.scopes[0].sentence == "See your name and email address"
    assert not connection.is_client_revoked
    assert connection.last_used_at is None


def test_an_app_that_was_revoked_is_still_shown_as_such(world: World) -> None:
    with world.system.begin() as connection:
        connection.exec_driver_sql("UPDATE client SET revoked_at = 1")
        connection.exec_driver_sql("UPDATE oauth_grant SET last_used_at = 60")
    assert only(world).is_client_revoked
    assert only(world).last_used_at.timestamp() == 60


def test_a_scope_that_is_no_more_is_not_shown(world: World) -> None:
    with world.system.begin() as connection:
        connection.exec_driver_sql("UPDATE oauth_grant SET scopes = 'tasks:fly tasks:view'")
    assert [scope.name for scope in only(world).scopes] == ["tasks:view"]


def test_disconnecting_ends_ones_own_grant_and_nobody_elses(world: World) -> None:
    gone = world.call("ben", "connections.revoke", client_id=only(world).client_id)
    assert gone.name == "connected"
    assert world.call("ben", "connections.list").items == []
    ended = {row["user_id"]: row["revoked_at"] for row in world.found("oauth_grant")}
    assert ended == {world.ids["ben"]: 1000, world.ids["ada"]: None}


def test_an_app_is_disconnected_once(world: World) -> None:
    client_id = only(world).client_id
    world.call("ben", "connections.revoke", client_id=client_id)
    with pytest.raises(NotFound):
        world.call("ben", "connections.revoke", client_id=client_id)


@pytest.mark.parametrize("key", [1, 3, 4, 5])
def test_an_app_that_one_has_not_connected_cannot_be_disconnected(world: World, key: int) -> None:
    client_id = world.found("client", "id = :key", key=key)[0]["client_id"]
    before = world.found("oauth_grant")
    with pytest.raises(NotFound):
        world.call("ben", "connections.revoke", client_id=client_id)
    assert world.found("oauth_grant") == before


def test_who_has_connected_nothing_has_an_empty_list(world: World) -> None:
    assert world.call("grace", "connections.list").items == []
