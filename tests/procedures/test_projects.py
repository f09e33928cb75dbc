"""Projects: what organizations work on."""

import pytest

from app.core.errors import Conflict, InvalidInput, NotFound
from tests.databases import on_both_engines
from tests.procedures.people import make_organization
from tests.world import World

pytestmark = on_both_engines


@pytest.fixture
def acme(world: World) -> str:
    """Give an organization of Ada and Ben, with a project called Plan."""
    return str(make_organization(world, "Acme", ada="manager", ben="member"))


def names(world: World, name: str, **given: object) -> list[str]:
    return [project.name for project in world.call(name, "projects.list", **given).items]


def test_everyone_in_an_organization_makes_and_sees_its_projects(world: World, acme: str) -> None:
    made = world.call(
        "ben", "projects.create", organization_id=acme, name=" Launch ", description="In spring"
    )
    assert (made.name, made.description, made.organization_id) == ("Launch", "In spring", acme)
    assert made.created_at.timestamp() == 1000
    assert world.call("ada", "projects.list", organization_id=acme).items[0] == made
    assert names(world, "ada", organization_id=acme) == ["Launch", "Plan"]


def test_a_list_without_an_organization_has_those_of_all_of_ones_own(
    world: World, acme: str
) -> None:
    assert names(world, "ben") == ["Plan", "his"]
    assert names(world, "grace") == []


def test_who_is_in_one_organization_need_not_name_it(world: World) -> None:
    made = world.call("ben", "projects.create", name="Launch")
    own = world.found("organization", "name = 'his'")[0]["id"]
    assert (made.organization_id, made.description) == (str(own), "")


@pytest.mark.parametrize("name", ["ada", "grace"])
def test_others_have_to(world: World, acme: str, name: str) -> None:
    with pytest.raises(Conflict) as refusal:
        world.call(name, "projects.create", name="Launch")
    assert list(refusal.value.fields) == ["organization_id"]
    assert not world.found("project", "name = 'Launch'")


def test_projects_come_a_page_at_a_time_and_anothers_cursor_opens_none(
    world: World, acme: str
) -> None:
    for number in range(3):
        world.call("ada", "projects.create", organization_id=acme, name=f"Project {number}")
    first = world.call("ada", "projects.list", limit=2)
    rest = world.call("ada", "projects.list", cursor=first.next_cursor)
    shown = [project.name for project in (*first.items, *rest.items)]
    assert shown == ["Project 2", "Project 1", "Project 0", "Plan", "hers"]
    assert names(world, "grace", cursor=first.next_cursor) == []
    assert names(world, "ben", cursor=first.next_cursor) == ["Project 0", "Plan", "his"]


def test_power_over_every_organization_shows_no_project_to_a_call_that_does_not_name_it(
    world: World, acme: str
) -> None:
    assert names(world, "grace") == []
    with pytest.raises(NotFound):
        world.call("grace", "projects.list", organization_id=acme)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "n" * 81}, "name"),
        ({"name": "\u200b"}, "name"),
        ({"name": "n", "description": "d" * 501}, "description"),
        ({"name": "n", "description": "\u202e"}, "description"),
        ({"name": "n", "organization_id": True}, "organization_id"),
        ({"name": "n", "id": "1"}, "id"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(
    world: World, given: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        world.call("ben", "projects.create", **given)
    assert list(refusal.value.fields) == [field]
