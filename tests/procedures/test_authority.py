"""How far a caller's power over others goes."""

from dataclasses import replace
from typing import Any

import pytest

from app.core.errors import CallError, Conflict, Forbidden
from app.core.principal import Channel
from tests.databases import on_both_engines
from tests.procedures.people import at_once, give, holding, lacking, make_role, role_id, roles_of
from tests.world import World

pytestmark = on_both_engines

ON_A_PERSON = ["suspend", "resume", "sign_out", "delete", "set_external_id"]
# What one of them takes beside the person.
MORE = {"set_external_id": {"external_id": "hr-7"}}


@pytest.mark.parametrize(
    ("scope", "is_given"), [("projects:edit", True), ("tasks:viewAll", False)]
)
def test_an_app_hands_on_of_what_rules_the_workspace_only_what_it_was_granted_itself(
    world: World, scope: str, *, is_given: bool
) -> None:
    whole = world.principal("grace", channel=Channel.API)
    given = {"user_id": str(world.ids["ben"]), "role_ids": [make_role(world, "New", scope)]}

    def give_to_ben(*granted: str) -> None:
        app = replace(whole, scopes=frozenset({"users:editRoles", *granted}))
        world.pipeline().call("user_roles.set", app, given)

    if not is_given:
        with pytest.raises(Forbidden, match=f"It takes {scope}"):
            give_to_ben()
    give_to_ben(*([] if is_given else [scope]))
    assert roles_of(world, "ben") == {"New"}


@pytest.mark.parametrize("verb", ON_A_PERSON)
def test_nobody_acts_on_a_person_who_may_do_more(world: World, verb: str) -> None:
    before = world.everything()
    who = holding(world, "ada", "users:editAll", "tasks:view")
    for name in ("grace", "ben"):
        given = {"user_id": str(world.ids[name]), **MORE.get(verb, {})}
        with pytest.raises(Forbidden, match="which you do not hold"):
            world.pipeline().call(f"users.{verb}", who, given)
    after = world.everything()
    before.pop("audit_event")
    events = after.pop("audit_event")
    assert after == before
    assert events[-1]["outcome"] == "forbidden"
    assert events[-1]["subject"] == str(world.ids["ben"])


@pytest.mark.parametrize("verb", ON_A_PERSON)
def test_who_holds_as_much_acts_on_a_person(world: World, verb: str) -> None:
    make_role(world, "Other", "tasks:viewAll", holders=("ben",))
    who = {"user_id": str(world.ids["ben"]), **MORE.get(verb, {})}
    with pytest.raises(Forbidden, match="holds tasks:viewAll, which"):
        world.pipeline().call(f"users.{verb}", lacking(world, "grace", "tasks:viewAll"), who)
    world.pipeline().call(f"users.{verb}", world.principal("grace"), who)


@pytest.mark.parametrize("verb", ["users.suspend", "users.delete"])
def test_the_last_admin_stays(world: World, verb: str) -> None:
    who = {"user_id": str(world.ids["grace"])}
    with pytest.raises(Conflict, match="Nobody else is an admin"):
        world.pipeline().call(verb, world.principal("ada"), who)
    give(world, "ben", "Admin")
    world.call("ada", "users.suspend", user_id=str(world.ids["ben"]))
    with pytest.raises(Conflict, match="Nobody else is an admin"):
        world.pipeline().call(verb, world.principal("ada"), who)
    world.call("ada", "users.resume", user_id=str(world.ids["ben"]))
    world.pipeline().call(verb, world.principal("ada"), who)


def test_the_last_admin_keeps_the_role(world: World) -> None:
    grace, member = str(world.ids["grace"]), role_id(world, "Member")
    for caller in ("grace", "ada"):
        with pytest.raises(Conflict, match="Nobody else is an admin"):
            world.call(caller, "user_roles.set", user_id=grace, role_ids=[member])
    give(world, "ben", "Admin")
    world.call("grace", "user_roles.set", user_id=grace, role_ids=[member])


def test_with_every_admin_gone_already_others_can_still_be_suspended(world: World) -> None:
    with world.system.begin() as connection:
        connection.exec_driver_sql("DELETE FROM user_role WHERE user_id = 3")
    suspended = world.call("ada", "users.suspend", user_id=str(world.ids["ben"]))
    assert suspended.status == "suspended"


def test_what_rules_a_person_is_the_roles_they_have_now(world: World) -> None:
    caller = lacking(world, "ada", "access:edit")
    target = {"user_id": str(world.ids["grace"])}
    give(world, "ben", "Admin")
    with pytest.raises(CallError) as refused:
        world.pipeline().call("users.sign_out", caller, target)
    assert refused.value.status == 403
    world.call("ben", "user_roles.set", role_ids=[role_id(world, "Member")], **target)
    world.pipeline().call("users.sign_out", caller, target)


RACES = ["users.suspend", "users.delete", "user_roles.set"]


@pytest.mark.parametrize("theirs", RACES)
@pytest.mark.parametrize("ours", RACES)
def test_two_admins_at_once_do_not_do_away_with_each_other(
    world: World, ours: str, theirs: str
) -> None:
    give(world, "ada", "Admin")
    outcomes = at_once(world, ("ada", ours, "grace"), ("grace", theirs, "ada"))
    assert sorted(outcomes) == ["conflict", "done"]
    assert len(active_admins(world)) == 1


def test_of_three_admins_at_once_one_is_left(world: World) -> None:
    for name in ("ada", "ben"):
        give(world, name, "Admin")
    circle = (("ada", "ben"), ("ben", "grace"), ("grace", "ada"))
    for _ in range(5):
        outcomes = at_once(world, *((who, "users.suspend", whom) for who, whom in circle))
        assert sorted(outcomes) == ["conflict", "done", "done"]
        assert len(active_admins(world)) == 1
        with world.system.begin() as connection:
            connection.exec_driver_sql("UPDATE user_account SET suspended_at = NULL")


def active_admins(world: World) -> list[Any]:
    return world.found(
        "user_role",
        "role_id IN (SELECT id FROM role WHERE is_admin)"
        " AND user_id IN (SELECT id FROM user_account WHERE suspended_at IS NULL)",
    )
