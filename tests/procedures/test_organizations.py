"""A person's own organizations."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.core.errors import CallError, Conflict, InvalidInput, NotFound
from tests.databases import on_both_engines
from tests.procedures.people import make_organization
from tests.world import HERS, World

pytestmark = on_both_engines

NO_ID = ["x", "-1", "0", "1.0", "9" * 40, "²"]


@pytest.fixture
def acme(world: World) -> str:
    """Give an organization that Ada manages, and Ben is in."""
    return str(make_organization(world, "Acme", ada="manager", ben="member"))


def theirs(world: World) -> str:
    """Give the organization in which Ada is, and Ben is not."""
    return str(world.found("organization", "name = :name", name=HERS)[0]["id"])


def standings(world: World, organization_id: str) -> dict[str, str]:
    """Give what people really are in an organization."""
    names = {key: name for name, key in world.ids.items()}
    found = world.found("membership", "organization_id = :id", id=int(organization_id))
    return {names[row["user_id"]]: row["standing"] for row in found}


def test_a_person_sees_their_own_organizations_and_what_they_are_there(
    world: World, acme: str
) -> None:
    found = world.call("ben", "organizations.list").items
    assert [(each.name, each.standing, each.members) for each in found] == [
        ("Acme", "member", 2),
        ("his", "manager", 1),
    ]
    assert world.call("ben", "organizations.get", organization_id=acme) == found[0]
    assert found[0].created_at.timestamp() == 1
    assert world.call("grace", "organizations.list").items == []


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("organizations.get", {}),
        ("organizations.update", {"name": "Mine"}),
        ("organizations.leave", {}),
        ("members.list", {}),
        ("teams.list", {}),
        ("teams.create", {"name": "Mine"}),
        ("projects.list", {}),
        ("projects.create", {"name": "Mine"}),
    ],
)
def test_anothers_organization_and_none_are_the_same_answer(
    world: World, name: str, given: dict[str, str]
) -> None:
    before = world.everything()
    said = set()
    for key in (theirs(world), "999999", *NO_ID):
        with pytest.raises(NotFound) as refusal:
            world.call("ben", name, organization_id=key, **given)
        said.add(refusal.value.message.replace(repr(key), "this"))
    assert said == {"There is no organization this."}
    after = world.everything()
    before.pop("audit_event")
    after.pop("audit_event")
    assert after == before


def test_power_over_every_organization_counts_only_where_a_procedure_names_it(
    world: World,
) -> None:
    for name, given in (("get", {}), ("update", {"name": "Mine"}), ("leave", {})):
        with pytest.raises(NotFound):
            world.call("grace", f"organizations.{name}", organization_id=theirs(world), **given)


def test_a_manager_renames_an_organization(world: World, acme: str) -> None:
    renamed = world.call("ada", "organizations.update", organization_id=acme, name=" Acme Ltd ")
    assert renamed.name == "Acme Ltd"
    assert world.call("ben", "organizations.get", organization_id=acme).name == "Acme Ltd"


def test_a_plain_member_does_not(world: World, acme: str) -> None:
    with pytest.raises(NotFound):
        world.call("ben", "organizations.update", organization_id=acme, name="Ben's")
    assert world.call("ben", "organizations.get", organization_id=acme).name == "Acme"


@pytest.mark.parametrize("name", ["", "  ", "n" * 81, "\u202egpj", "a\0b", "---", 5, None])
def test_a_name_can_be_read(world: World, acme: str, name: object) -> None:
    with pytest.raises(InvalidInput) as refusal:
        world.call("ada", "organizations.update", organization_id=acme, name=name)
    assert list(refusal.value.fields) == ["name"]


def test_a_domain_is_not_a_managers_to_claim(world: World, acme: str) -> None:
    given = {"organization_id": acme, "name": "Acme", "domain": "example.com"}
    with pytest.raises(InvalidInput) as refusal:
        world.call("ada", "organizations.update", **given)
    assert list(refusal.value.fields) == ["domain"]


def test_whoever_leaves_sees_nothing_of_it_from_the_next_call_on(world: World, acme: str) -> None:
    world.call("ada", "projects.create", organization_id=acme, name="Secret")
    left = world.call("ben", "organizations.leave", organization_id=acme)
    assert left.name == "Acme"
    assert standings(world, acme) == {"ada": "manager"}
    for name in ("organizations.get", "members.list", "teams.list", "projects.list"):
        with pytest.raises(NotFound):
            world.call("ben", name, organization_id=acme)
    assert "Secret" not in str(world.call("ben", "projects.list").items)
    assert not world.found("team_member", "user_id = 2 AND organization_id = :id", id=int(acme))


def test_the_last_manager_cannot_leave_people_behind(world: World, acme: str) -> None:
    with pytest.raises(Conflict, match="Nobody else manages"):
        world.call("ada", "organizations.leave", organization_id=acme)
    assert standings(world, acme) == {"ada": "manager", "ben": "member"}
    world.call("ben", "organizations.leave", organization_id=acme)
    world.call("ada", "organizations.leave", organization_id=acme)
    assert standings(world, acme) == {}


def test_a_member_may_leave_what_nobody_manages(world: World) -> None:
    headless = str(make_organization(world, "Headless", ada="member", ben="member"))
    world.call("ben", "organizations.leave", organization_id=headless)
    assert standings(world, headless) == {"ada": "member"}


def fates(*calls: Callable[[], Any]) -> list[str]:
    """Run calls at once; give what became of each."""

    def fate(call: Callable[[], Any]) -> str:
        try:
            call()
        except CallError as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(len(calls)) as threads:
        return sorted(threads.map(fate, calls))


@pytest.mark.parametrize("_time", range(3))
def test_of_two_managers_who_leave_at_once_one_stays(world: World, _time: int) -> None:
    managers = {"ada": "manager", "ben": "manager"}
    board = str(make_organization(world, "Board", grace="member", **managers))
    pipeline = world.pipeline()

    def leaving(name: str) -> Callable[[], Any]:
        who = world.principal(name)
        return lambda: pipeline.call("organizations.leave", who, {"organization_id": board})

    assert fates(leaving("ada"), leaving("ben")) == ["conflict", "done"]
    assert sorted(standings(world, board).values()) == ["manager", "member"]


@pytest.mark.parametrize("_time", range(3))
def test_of_two_managers_who_depose_each_other_at_once_one_stays(world: World, _time: int) -> None:
    board = str(make_organization(world, "Board", ada="manager", ben="manager"))
    pipeline = world.pipeline()
    keys = {
        name: str(
            world.found("membership", "organization_id = :o AND user_id = :u", **ids)[0]["id"]
        )
        for name in ("ada", "ben")
        for ids in [{"o": int(board), "u": world.ids[name]}]
    }

    def deposing(name: str, other: str) -> Callable[[], Any]:
        who, given = world.principal(name), {"member_id": keys[other], "standing": "member"}
        return lambda: pipeline.call("members.update", who, given)

    assert fates(deposing("ada", "ben"), deposing("ben", "ada")) == ["conflict", "done"]
    assert sorted(standings(world, board).values()) == ["manager", "member"]
