"""Teams: some members of an organization, who share tasks."""

import pytest

from app.core.errors import Conflict, InvalidInput, NotFound
from tests.databases import on_both_engines
from tests.procedures.people import make_organization
from tests.procedures.test_organizations import NO_ID
from tests.world import HERS, World

pytestmark = on_both_engines


@pytest.fixture
def acme(world: World) -> str:
    """Give an organization that Ada manages, and Ben is in; all are in the team Everyone."""
    return str(make_organization(world, "Acme", ada="manager", ben="member"))


@pytest.fixture
def team(world: World, acme: str) -> str:
    """Give a team of Acme with nobody in it."""
    return str(world.call("ada", "teams.create", organization_id=acme, name=" Design ").id)


def people(world: World, team: str) -> list[str]:
    """Give who is really in a team."""
    names = {key: name for name, key in world.ids.items()}
    found = world.found("team_member", "team_id = :id", id=int(team))
    return [names[row["user_id"]] for row in found]


def id_of(world: World, name: str) -> str:
    """Give a person's user id."""
    return str(world.ids[name])


def test_everyone_in_an_organization_sees_its_teams_by_name(
    world: World, acme: str, team: str
) -> None:
    for name in ("ada", "ben"):
        found = world.call(name, "teams.list", organization_id=acme).items
        assert [(each.name, each.is_mine, each.members) for each in found] == [
            ("Design", False, 0),
            ("Everyone", True, 2),
        ]
    everywhere = world.call("ben", "teams.list").items
    assert [each.name for each in everywhere] == ["Design", "Everyone", "his"]
    assert {each.organization_id for each in everywhere[:2]} == {acme}
    assert world.call("grace", "teams.list").items == []


def test_a_new_team_has_nobody_in_it(world: World, acme: str, team: str) -> None:
    (row,) = world.found("team", "id = :id", id=int(team))
    assert (row["name"], row["organization_id"], row["created_at"]) == ("Design", int(acme), 1000)
    assert people(world, team) == []


def test_two_teams_of_an_organization_have_two_names(world: World, acme: str, team: str) -> None:
    with pytest.raises(Conflict, match="a team of this name already"):
        world.call("ada", "teams.create", organization_id=acme, name="Design")
    with pytest.raises(Conflict, match="a team of this name already"):
        world.call("ada", "teams.update", team_id=team, name="Everyone")
    assert world.call("ada", "teams.update", team_id=team, name="Design").name == "Design"
    assert world.call("ada", "teams.update", team_id=team, name="Drawing").name == "Drawing"
    other = str(make_organization(world, "Other", ada="manager"))
    assert world.call("ada", "teams.create", organization_id=other, name="Drawing")


def test_a_manager_puts_people_into_a_team_and_takes_them_out(world: World, team: str) -> None:
    added = world.call("ada", "teams.add_member", team_id=team, user_id=id_of(world, "ben"))
    assert (added.name, added.email, added.team_id) == ("Ben", "ben@example.com", team)
    again = world.pipeline().at(2000)
    given = {"team_id": team, "user_id": id_of(world, "ben")}
    assert again.call("teams.add_member", world.principal("ada"), given) == added
    world.call("ada", "teams.add_member", team_id=team, user_id=id_of(world, "ada"))
    page = world.call("ben", "teams.members", team_id=team)
    assert [member.name for member in page.items] == ["Ada", "Ben"]
    gone = world.call("ada", "teams.remove_member", team_id=team, user_id=id_of(world, "ben"))
    assert gone == added
    assert people(world, team) == ["ada"]
    with pytest.raises(NotFound, match="The team has no member"):
        world.call("ada", "teams.remove_member", team_id=team, user_id=id_of(world, "ben"))


def test_only_people_of_the_organization_can_be_in_its_teams(world: World, team: str) -> None:
    said = set()
    for key in (id_of(world, "grace"), "999999", *NO_ID):
        with pytest.raises(NotFound) as refusal:
            world.call("ada", "teams.add_member", team_id=team, user_id=key)
        said.add(refusal.value.message.replace(repr(key), "this"))
    assert said == {"The organization has no member this."}
    assert people(world, team) == []


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("teams.create", {"name": "Ben's"}),
        ("teams.update", {"name": "Ben's"}),
        ("teams.delete", {}),
        ("teams.add_member", {"user_id": "2"}),
        ("teams.remove_member", {"user_id": "1"}),
    ],
)
def test_a_plain_member_changes_no_team(
    world: World, acme: str, name: str, given: dict[str, str]
) -> None:
    everyone = world.found("team", "organization_id = :id", id=int(acme))[0]["id"]
    design = world.call("ada", "teams.create", organization_id=acme, name="Design").id
    which = {
        "teams.create": {"organization_id": acme},
        "teams.add_member": {"team_id": design},
    }.get(name, {"team_id": str(everyone)})
    before = world.everything()
    with pytest.raises(NotFound):
        world.call("ben", name, **which, **given)
    after = world.everything()
    before.pop("audit_event")
    after.pop("audit_event")
    assert after == before


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("teams.members", {}),
        ("teams.update", {"name": "Mine"}),
        ("teams.delete", {}),
        ("teams.add_member", {"user_id": "2"}),
        ("teams.remove_member", {"user_id": "1"}),
    ],
)
def test_a_team_of_anothers_organization_and_none_are_the_same_answer(
    world: World, name: str, given: dict[str, str]
) -> None:
    foreign = str(world.found("team", "name = :name", name=HERS)[0]["id"])
    said, before = set(), world.everything()
    for key in (foreign, "999999", *NO_ID):
        for who in ("ben", "grace"):
            with pytest.raises(NotFound) as refusal:
                world.call(who, name, team_id=key, **given)
            said.add(refusal.value.message.replace(repr(key), "this"))
    assert said == {"There is no team this."}
    after = world.everything()
    before.pop("audit_event")
    after.pop("audit_event")
    assert after == before


def test_a_deleted_team_leaves_its_tasks_with_their_owners(world: World, acme: str) -> None:
    everyone = str(world.found("team", "organization_id = :id", id=int(acme))[0]["id"])
    task = world.call("ben", "tasks.create", title="Shared", team_id=everyone)
    comment = world.call("ada", "comments.add", task_id=task.id, body="Seen")
    gone = world.call("ada", "teams.delete", team_id=everyone)
    assert (gone.name, gone.members) == ("Everyone", 2)
    assert world.found("team", "id = :id", id=int(everyone)) == []
    assert people(world, everyone) == []
    kept = world.call("ben", "tasks.get", task_id=task.id)
    assert kept == task.model_copy(update={"team_id": None})
    assert world.call("ben", "comments.list", task_id=task.id).items == [comment]
    with pytest.raises(NotFound):
        world.call("ada", "tasks.get", task_id=task.id)


def test_a_teams_people_come_a_page_at_a_time(world: World, acme: str) -> None:
    everyone = str(world.found("team", "organization_id = :id", id=int(acme))[0]["id"])
    first = world.call("ben", "teams.members", team_id=everyone, limit=1)
    rest = world.call("ben", "teams.members", team_id=everyone, limit=1, cursor=first.next_cursor)
    assert [member.name for member in (*first.items, *rest.items)] == ["Ben", "Ada"]
    assert rest.next_cursor is None


@pytest.mark.parametrize(
    ("name", "given", "field"),
    [
        ("teams.create", {"organization_id": "1", "name": " "}, "name"),
        ("teams.create", {"organization_id": "1", "name": "n" * 81}, "name"),
        ("teams.create", {"organization_id": "1", "name": "\u202e"}, "name"),
        ("teams.create", {"name": "n"}, "organization_id"),
        ("teams.update", {"team_id": "1", "name": "n", "organization_id": "2"}, "organization_id"),
        ("teams.add_member", {"team_id": "1"}, "user_id"),
        ("teams.add_member", {"team_id": "1", "user_id": True}, "user_id"),
        ("teams.list", {"organization_id": ""}, "organization_id"),
        ("teams.members", {"team_id": "1", "limit": 0}, "limit"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(
    world: World, name: str, given: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        world.call("ada", name, **given)
    assert list(refusal.value.fields) == [field]
