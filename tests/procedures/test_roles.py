"""Roles: named sets of scopes, which people have."""

from collections.abc import Callable
from typing import Any

import pytest

from app.core import scopes
from app.core.errors import Conflict, Forbidden, InvalidInput, NotFound
from tests.databases import on_both_engines
from tests.procedures.people import give, holding, lacking, make_role, role_id, roles_of
from tests.procedures.test_organizations import fates
from tests.world import World

pytestmark = on_both_engines

READS = ("tasks:view", "users:viewAll")


def roles(world: World) -> dict[str, Any]:
    return {role.name: role for role in world.call("grace", "roles.list").items}


def create(world: World, name: str = "Support", **given: Any) -> Any:
    return world.call("grace", "roles.create", name=name, **{"scopes": list(READS), **given})


def update(world: World, role: str, **given: object) -> Any:
    return world.call("grace", "roles.update", role_id=role, **given)


def held(world: World, role: str) -> set[str]:
    """Give the scopes that a role really holds."""
    return {row["scope"] for row in world.found("role_scope", "role_id = :id", id=int(role))}


def test_each_role_is_listed_with_its_scopes_and_how_many_have_it(world: World) -> None:
    make_role(world, "Auditor", "access:edit", holders=("ada", "grace"))
    listed = roles(world)
    assert list(listed) == ["Member", "Admin", "Auditor"]
    facts = {name: (role.users, role.is_default, role.is_admin) for name, role in listed.items()}
    assert facts == {
        "Member": (2, True, False),
        "Admin": (1, False, True),
        "Auditor": (2, False, False),
    }
    assert listed["Auditor"].scopes == ["access:edit"]
    assert set(listed["Admin"].scopes) == set(scopes.OF_ROLES)
    one = world.call("grace", "roles.get", role_id=listed["Auditor"].id)
    assert one == listed["Auditor"]


def test_a_role_is_made_with_what_it_holds(world: World) -> None:
    made = create(world, description="Who helps", scopes=[*reversed(READS), READS[0]])
    assert (made.name, made.description, made.scopes) == ("Support", "Who helps", list(READS))
    assert (made.users, made.is_default, made.is_admin) == (0, False, False)
    assert roles(world)["Support"] == made
    assert held(world, made.id) == set(READS)


def test_what_is_left_out_of_a_change_stays(world: World) -> None:
    made = create(world, description="Who helps")
    assert update(world, made.id) == made
    assert update(world, made.id, name="Helpers").description == "Who helps"
    assert update(world, made.id, description="").name == "Helpers"
    changed = update(world, made.id, scopes=["tasks:view", "tasks:edit"])
    assert changed.scopes == ["tasks:view", "tasks:edit"]
    assert held(world, made.id) == {"tasks:view", "tasks:edit"}
    assert update(world, made.id, scopes=[]).scopes == []
    assert held(world, role_id(world, "Member")) >= {"tasks:view", "tasks:edit"}


@pytest.mark.parametrize("name", ["Support", "support", "ADMIN"])
def test_two_roles_have_no_name_that_looks_the_same(world: World, name: str) -> None:
    made = create(world)
    with pytest.raises(Conflict) as refused:
        create(world, name)
    assert list(refused.value.fields) == ["name"]
    with pytest.raises(Conflict):
        update(world, role_id(world, "Member"), name=name)
    assert update(world, made.id, name="SUPPORT").name == "SUPPORT"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 41}, "name"),
        ({"name": "Ad\u200bmin"}, "name"),
        ({"name": "…"}, "name"),
        ({"description": "x" * 201}, "description"),
        ({"description": "\u202eevil"}, "description"),
        ({"scopes": ["tasks:juggle"]}, "scopes.0"),
        ({"scopes": ["openid"]}, "scopes.0"),
        ({"scopes": "tasks:view"}, "scopes"),
        ({"is_admin": True}, "is_admin"),
        ({"users": 3}, "users"),
    ],
)
def test_what_a_role_cannot_be_is_named(world: World, given: dict[str, Any], field: str) -> None:
    made = create(world, "Other")
    for send in (create, lambda world, **changes: update(world, made.id, **changes)):
        with pytest.raises(InvalidInput) as refused:
            send(world, **given)
        assert list(refused.value.fields) == [field]


@pytest.mark.parametrize("key", ["999", "x", "-1", "9" * 40, "1.0"])
def test_a_role_that_there_is_not_is_not_found(world: World, key: str) -> None:
    for verb in ("get", "update", "delete"):
        with pytest.raises(NotFound):
            world.call("grace", f"roles.{verb}", role_id=key)


def test_a_role_that_nobody_has_is_deleted(world: World) -> None:
    made = create(world)
    assert world.call("grace", "roles.delete", role_id=made.id).name == "Support"
    assert set(roles(world)) == {"Member", "Admin"}
    assert held(world, made.id) == set()
    assert roles_of(world, "ada") == {"Member"}


def test_a_role_that_somebody_has_stays(world: World) -> None:
    made = make_role(world, "Auditor", "access:edit", holders=("ben",))
    with pytest.raises(Conflict, match="One person has this role"):
        world.call("grace", "roles.delete", role_id=made)
    give(world, "ada", "Auditor")
    # A person who is suspended comes back with it.
    world.call("grace", "users.suspend", user_id=str(world.ids["ada"]))
    with pytest.raises(Conflict, match="2 people have this role"):
        world.call("grace", "roles.delete", role_id=made)
    assert roles_of(world, "ben") == {"Member", "Auditor"}


def test_the_role_of_admins_and_the_default_one_stay(world: World) -> None:
    with world.system.begin() as connection:
        connection.exec_driver_sql("DELETE FROM user_role")
    for name in ("Member", "Admin"):
        with pytest.raises(Conflict):
            world.call("grace", "roles.delete", role_id=role_id(world, name))
    assert set(roles(world)) == {"Member", "Admin"}


@pytest.mark.parametrize("scope", scopes.ADMIN)
def test_the_role_of_admins_keeps_each_scope_that_rules(world: World, scope: str) -> None:
    admin = role_id(world, "Admin")
    wanted = [name for name in scopes.OF_ROLES if name != scope]
    with pytest.raises(Conflict, match=f"keeps {scope}\\.") as refused:
        update(world, admin, scopes=wanted)
    assert list(refused.value.fields) == ["scopes"]
    assert held(world, admin) == set(scopes.OF_ROLES)


def test_the_role_of_admins_may_lose_the_rest_and_be_renamed(world: World) -> None:
    admin = role_id(world, "Admin")
    changed = update(world, admin, name="Root", scopes=list(scopes.ADMIN))
    assert (changed.is_admin, changed.scopes) == (True, list(scopes.ADMIN))
    with pytest.raises(Conflict):
        update(world, admin, scopes=[])


def test_exactly_one_role_is_the_default(world: World) -> None:
    made = create(world, scopes=["tasks:view"])
    member = role_id(world, "Member")
    with pytest.raises(Conflict):
        update(world, member, is_default=False)
    for role in (made.id, made.id, member):
        assert update(world, role, is_default=True).is_default
        assert [row["id"] for row in world.found("role", "is_default")] == [int(role)]
    assert not update(world, made.id, is_default=False).is_default
    assert len(world.found("role", "is_default")) == 1


def test_not_everybody_who_signs_up_becomes_an_admin(world: World) -> None:
    with pytest.raises(Conflict, match="would be an admin"):
        update(world, role_id(world, "Admin"), is_default=True)
    assert [row["name"] for row in world.found("role", "is_default")] == ["Member"]


def test_nobody_puts_into_a_role_what_they_do_not_hold(world: World) -> None:
    own = make_role(world, "Editors", "roles:edit", "tasks:view", holders=("ada",))
    before = held(world, own)
    ada = holding(world, "ada", "roles:edit", "roles:view", "tasks:view")
    for verb, given in (
        ("create", {"name": "Mine", "scopes": ["tasks:view", "access:edit"]}),
        ("update", {"role_id": own, "scopes": [*before, "access:edit"]}),
        ("update", {"role_id": role_id(world, "Member"), "scopes": ["users:editRoles"]}),
    ):
        with pytest.raises(Forbidden, match="which you do not hold"):
            world.pipeline().call(f"roles.{verb}", ada, given)
    assert held(world, own) == before
    assert set(roles(world)) == {"Member", "Admin", "Editors"}
    mine = {"name": "Mine", "scopes": ["tasks:view", "roles:edit"]}
    world.pipeline().call("roles.create", ada, mine)


def test_nobody_takes_out_of_a_role_what_they_do_not_hold(world: World) -> None:
    made = make_role(world, "Auditor", "access:edit", "tasks:view")
    ada = lacking(world, "ada", "access:edit")
    for verb, given in (
        ("update", {"scopes": ["tasks:view"]}),
        ("update", {"is_default": True}),
        ("delete", {}),
    ):
        with pytest.raises(Forbidden, match="It takes access:edit"):
            world.pipeline().call(f"roles.{verb}", ada, {"role_id": made, **given})
    assert held(world, made) == {"access:edit", "tasks:view"}
    kept = {"role_id": made, "scopes": ["access:edit"], "description": "Reads the trail"}
    world.pipeline().call("roles.update", ada, kept)
    assert held(world, made) == {"access:edit"}


def test_what_the_code_has_dropped_anybody_takes_out(world: World) -> None:
    made = make_role(world, "Old", "tasks:juggle", "tasks:view")
    ada = holding(world, "ada", "roles:edit", "roles:view")
    given = {"role_id": made, "scopes": ["tasks:view"]}
    world.pipeline().call("roles.update", ada, given)
    assert held(world, made) == {"tasks:view"}
    old = make_role(world, "Older", "tasks:juggle")
    world.pipeline().call("roles.update", ada, {"role_id": old, "name": "Oldest"})
    world.pipeline().call("roles.delete", lacking(world, "ada"), {"role_id": old})


@pytest.mark.parametrize("_time", range(3))
def test_of_two_roles_made_the_default_at_once_one_is(world: World, _time: int) -> None:
    pipeline, who = world.pipeline(), world.principal("grace")
    made = [create(world, name, scopes=["tasks:view"]).id for name in ("Support", "Guest")]

    def becoming(role: str) -> Callable[[], Any]:
        return lambda: pipeline.call("roles.update", who, {"role_id": role, "is_default": True})

    assert fates(*map(becoming, made)) == ["done", "done"]
    assert len(world.found("role", "is_default")) == 1


@pytest.mark.parametrize("_time", range(3))
def test_a_role_that_is_given_and_deleted_at_once_is_one_of_both(world: World, _time: int) -> None:
    pipeline, who = world.pipeline(), world.principal("grace")
    made = create(world, scopes=["tasks:view"]).id
    ben = {"user_id": str(world.ids["ben"]), "role_ids": [made]}
    told = fates(
        lambda: pipeline.call("roles.delete", who, {"role_id": made}),
        lambda: pipeline.call("user_roles.set", who, ben),
    )
    is_there = bool(world.found("role", "id = :id", id=int(made)))
    assert told == (["conflict", "done"] if is_there else ["done", "not_found"])
    assert roles_of(world, "ben") == ({"Support"} if is_there else {"Member"})


def test_the_trail_says_which_role_was_changed(world: World) -> None:
    made = create(world)
    update(world, made.id, name="Helpers")
    world.call("grace", "roles.delete", role_id=made.id)
    told = world.found("audit_event", "action LIKE 'roles.%'")
    assert [(row["action"], row["outcome"], row["subject"]) for row in told] == [
        (f"roles.{verb}", "allowed", made.id) for verb in ("create", "update", "delete")
    ]
