"""Keeping people out, and letting them in again."""

import pytest

from app.core.errors import Conflict
from tests.databases import on_both_engines
from tests.procedures.people import holding
from tests.world import World

pytestmark = on_both_engines


def live_sessions(world: World, name: str) -> int:
    return len(world.found("login", "user_id = :me AND revoked_at IS NULL", me=world.ids[name]))


def test_suspending_ends_sessions_of_that_person_and_of_nobody_else(world: World) -> None:
    ben = str(world.ids["ben"])
    assert world.call("grace", "users.suspend", user_id=ben).status == "suspended"
    assert (live_sessions(world, "ben"), live_sessions(world, "ada")) == (0, 1)
    suspended = world.found("user_account", "suspended_at IS NOT NULL")
    assert [(row["id"], row["suspended_at"]) for row in suspended] == [(world.ids["ben"], 1000)]


def test_suspending_again_keeps_when_it_was_first_done(world: World) -> None:
    given = {"user_id": str(world.ids["ben"])}
    for moment in (1000, 2000):
        world.pipeline().at(moment).call("users.suspend", world.principal("grace"), given)
    (row,) = world.found("user_account", "suspended_at IS NOT NULL")
    assert row["suspended_at"] == 1000


def test_a_suspended_persons_rows_and_grants_are_kept(world: World) -> None:
    before = {name: world.found(name) for name in ("task", "comment", "client", "oauth_grant")}
    world.call("grace", "users.suspend", user_id=str(world.ids["ben"]))
    assert {name: world.found(name) for name in before} == before


def test_resuming_lets_in_and_brings_no_session_back(world: World) -> None:
    ben = str(world.ids["ben"])
    world.call("grace", "users.suspend", user_id=ben)
    for _ in range(2):
        assert world.call("grace", "users.resume", user_id=ben).status == "active"
    assert world.found("user_account", "suspended_at IS NOT NULL") == []
    assert live_sessions(world, "ben") == 0


def test_signing_out_everywhere_ends_sessions_and_leaves_connected_apps(world: World) -> None:
    ben, grants = str(world.ids["ben"]), world.found("oauth_grant")
    assert world.call("grace", "users.sign_out", user_id=ben).sessions == 1
    assert world.call("grace", "users.sign_out", user_id=ben).sessions == 0
    assert (live_sessions(world, "ben"), live_sessions(world, "ada")) == (0, 1)
    assert world.found("oauth_grant") == grants


def test_one_may_sign_oneself_out_everywhere(world: World) -> None:
    assert world.call("ada", "users.sign_out", user_id=str(world.ids["ada"])).sessions == 1


@pytest.mark.parametrize("verb", ["suspend", "delete"])
def test_nobody_suspends_or_deletes_themself(world: World, verb: str) -> None:
    with pytest.raises(Conflict, match=f"You cannot {verb} yourself"):
        world.call("ada", f"users.{verb}", user_id=str(world.ids["ada"]))


@pytest.mark.parametrize("verb", ["suspend", "resume", "sign_out", "delete"])
def test_the_scope_to_edit_everyone_is_enough_for_who_holds_as_much(
    world: World, verb: str
) -> None:
    with world.system.begin() as connection:
        connection.exec_driver_sql("DELETE FROM user_role WHERE user_id <> 3")
    who = {"user_id": str(world.ids["ben"])}
    world.pipeline().call(f"users.{verb}", holding(world, "ada", "users:editAll"), who)
