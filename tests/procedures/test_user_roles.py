"""Which roles people have."""

from typing import Any

import pytest

from app.core.errors import Forbidden, NotFound
from tests.databases import on_both_engines
from tests.procedures.people import holding, lacking, make_role, role_id, roles_of
from tests.world import World

pytestmark = on_both_engines


def give(world: World, name: str, *roles: str, by: str = "grace") -> Any:
    return world.call(by, "user_roles.set", user_id=str(world.ids[name]), role_ids=list(roles))


def test_every_role_is_shown_and_whether_the_person_has_it(world: World) -> None:
    make_role(world, "Auditor", "access:edit", holders=("ben",))
    given = {"user_id": str(world.ids["ben"])}
    alone = holding(world, "grace", "users:viewRoles", "access:edit")
    shown: Any = world.pipeline().call("user_roles.get", alone, given)
    held = {role.name: (role.is_held, role.is_yours_to_give) for role in shown.items}
    assert held == {
        "Member": (True, False),
        "Admin": (False, False),
        "Auditor": (True, True),
    }


def test_a_person_has_the_roles_that_were_set_and_no_others(world: World) -> None:
    auditor = make_role(world, "Auditor", "access:edit")
    shown = give(world, "ben", auditor, role_id(world, "Member"))
    assert {role.name for role in shown.items if role.is_held} == {"Auditor", "Member"}
    assert roles_of(world, "ben") == {"Auditor", "Member"}
    give(world, "ben", auditor)
    give(world, "ben", auditor, auditor)
    assert roles_of(world, "ben") == {"Auditor"}
    give(world, "ben")
    assert roles_of(world, "ben") == set()
    assert roles_of(world, "ada") == {"Member"}


def test_a_role_counts_from_the_next_call_on(world: World) -> None:
    auditor = make_role(world, "Auditor", "access:edit")
    give(world, "ben", auditor)
    seen = world.call("grace", "users.get", user_id=str(world.ids["ben"]))
    assert [role.name for role in seen.roles] == ["Auditor"]


def test_nobody_gives_a_role_that_holds_more_than_they_do(world: World) -> None:
    auditor = make_role(world, "Auditor", "access:edit")
    caller = lacking(world, "ada", "access:edit")
    for target in ("ada", "ben"):
        given = {"user_id": str(world.ids[target]), "role_ids": [auditor]}
        with pytest.raises(Forbidden, match="It takes access:edit"):
            world.pipeline().call("user_roles.set", caller, given)
        assert roles_of(world, target) == {"Member"}


def test_nobody_takes_a_role_that_holds_more_than_they_do(world: World) -> None:
    make_role(world, "Auditor", "access:edit", holders=("ben",))
    given = {"user_id": str(world.ids["ben"]), "role_ids": [role_id(world, "Member")]}
    with pytest.raises(Forbidden):
        world.pipeline().call("user_roles.set", lacking(world, "ada", "access:edit"), given)
    assert roles_of(world, "ben") == {"Member", "Auditor"}


def test_a_role_that_stays_need_not_be_held_by_who_sets_another(world: World) -> None:
    plain = make_role(world, "Plain")
    given = {"user_id": str(world.ids["grace"]), "role_ids": [role_id(world, "Admin"), plain]}
    with pytest.raises(Forbidden):
        world.pipeline().call("user_roles.set", lacking(world, "ada", "access:edit"), given)
    world.call("ada", "user_roles.set", **given)
    assert roles_of(world, "grace") == {"Admin", "Plain"}


@pytest.mark.parametrize("unknown", ["999", "x", "9" * 40, "-1", "1.0"])
def test_a_role_that_there_is_not_cannot_be_given(world: World, unknown: str) -> None:
    with pytest.raises(NotFound) as refused:
        give(world, "ben", role_id(world, "Member"), unknown)
    assert list(refused.value.fields) == ["role_ids"]
    assert roles_of(world, "ben") == {"Member"}


@pytest.mark.parametrize("verb", ["get", "set"])
def test_roles_of_nobody_are_not_found(world: World, verb: str) -> None:
    given: dict[str, list[str]] = {"role_ids": []} if verb == "set" else {}
    with pytest.raises(NotFound):
        world.call("grace", f"user_roles.{verb}", user_id="999", **given)


def test_the_scope_to_edit_roles_is_enough_to_give_what_one_holds(world: World) -> None:
    held = {scope["scope"] for scope in world.found("role_scope", "role_id = 1")}
    auditor = make_role(world, "Auditor", "access:edit")
    caller = holding(world, "ada", "users:editRoles", "access:edit", *held)
    given = {"user_id": str(world.ids["ben"]), "role_ids": [auditor]}
    world.pipeline().call("user_roles.set", caller, given)
    assert roles_of(world, "ben") == {"Auditor"}
