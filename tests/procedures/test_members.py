"""The people in an organization, and what they are there."""

import pytest

from app.core.errors import Conflict, InvalidInput, NotFound
from tests.databases import on_both_engines
from tests.procedures.people import make_organization
from tests.procedures.test_organizations import NO_ID, standings, theirs
from tests.world import HERS, World

pytestmark = on_both_engines


@pytest.fixture
def acme(world: World) -> str:
    """Give an organization that Ada manages, and Ben is in."""
    return str(make_organization(world, "Acme", ada="manager", ben="member"))


def member_id(world: World, organization_id: str, name: str) -> str:
    """Give the id of a membership."""
    where = "organization_id = :organization_id AND user_id = :user_id"
    given = {"organization_id": int(organization_id), "user_id": world.ids[name]}
    return str(world.found("membership", where, **given)[0]["id"])


def test_every_member_sees_who_is_in_it_and_as_what(world: World, acme: str) -> None:
    for name in ("ada", "ben"):
        page = world.call(name, "members.list", organization_id=acme)
        found = [(m.name, m.email, m.user_id, m.standing) for m in page.items]
        assert found == [
            ("Ben", "ben@example.com", str(world.ids["ben"]), "member"),
            ("Ada", "ada@example.com", str(world.ids["ada"]), "manager"),
        ]
        assert {member.organization_id for member in page.items} == {acme}


def test_members_come_a_page_at_a_time(world: World, acme: str) -> None:
    first = world.call("ben", "members.list", organization_id=acme, limit=1)
    rest = world.call(
        "ben", "members.list", organization_id=acme, limit=1, cursor=first.next_cursor
    )
    assert [member.name for member in (*first.items, *rest.items)] == ["Ben", "Ada"]
    assert rest.next_cursor is None


def test_the_cursor_of_another_opens_nothing(world: World, acme: str) -> None:
    of_ada = world.call("ada", "members.list", organization_id=acme, limit=1).next_cursor
    with pytest.raises(NotFound):
        world.call("grace", "members.list", organization_id=acme, cursor=of_ada)
    own = world.found("organization", "name = 'his'")[0]["id"]
    page = world.call("ben", "members.list", organization_id=str(own), cursor=of_ada)
    assert [member.name for member in page.items] == ["Ben"]


@pytest.mark.parametrize(("q", "found"), [("AD", ["Ada"]), ("ben@", ["Ben"]), ("%", [])])
def test_members_are_found_by_name_and_address(
    world: World, acme: str, q: str, found: list[str]
) -> None:
    page = world.call("ada", "members.list", organization_id=acme, q=q)
    assert [member.name for member in page.items] == found


def test_a_manager_makes_another_one_and_may_then_step_back(world: World, acme: str) -> None:
    ben, ada = (member_id(world, acme, name) for name in ("ben", "ada"))
    made = world.call("ada", "members.update", member_id=ben, standing="manager")
    assert (made.name, made.standing) == ("Ben", "manager")
    world.call("ada", "members.update", member_id=ada, standing="member")
    assert standings(world, acme) == {"ada": "member", "ben": "manager"}
    with pytest.raises(NotFound):
        world.call("ada", "members.remove", member_id=ben)


def test_the_last_manager_stays_one(world: World, acme: str) -> None:
    ada = member_id(world, acme, "ada")
    for name, given in (("update", {"standing": "member"}), ("remove", {})):
        with pytest.raises(Conflict, match="Nobody else manages"):
            world.call("ada", f"members.{name}", member_id=ada, **given)
    assert standings(world, acme) == {"ada": "manager", "ben": "member"}


def test_the_only_person_does_not_become_a_plain_member(world: World) -> None:
    alone = str(make_organization(world, "Alone", ada="manager"))
    with pytest.raises(Conflict):
        world.call(
            "ada", "members.update", member_id=member_id(world, alone, "ada"), standing="member"
        )
    assert standings(world, alone) == {"ada": "manager"}


def test_who_is_removed_is_out_of_the_teams_too_and_keeps_their_tasks(
    world: World, acme: str
) -> None:
    before = world.found("task")
    gone = world.call("ada", "members.remove", member_id=member_id(world, acme, "ben"))
    assert (gone.name, gone.standing) == ("Ben", "member")
    assert standings(world, acme) == {"ada": "manager"}
    here = world.found("team_member", "organization_id = :id", id=int(acme))
    assert [row["user_id"] for row in here] == [world.ids["ada"]]
    assert world.found("task") == before
    with pytest.raises(NotFound):
        world.call("ben", "members.list", organization_id=acme)


@pytest.mark.parametrize(
    ("name", "who", "given"),
    [
        ("members.update", "ada", {"standing": "member"}),
        ("members.update", "ben", {"standing": "manager"}),
        ("members.remove", "ada", {}),
    ],
)
def test_a_plain_member_changes_nobody(
    world: World, acme: str, name: str, who: str, given: dict[str, str]
) -> None:
    with pytest.raises(NotFound):
        world.call("ben", name, member_id=member_id(world, acme, who), **given)
    assert standings(world, acme) == {"ada": "manager", "ben": "member"}


@pytest.mark.parametrize(
    ("name", "given"), [("members.update", {"standing": "member"}), ("members.remove", {})]
)
def test_a_member_of_anothers_organization_and_none_are_the_same_answer(
    world: World, name: str, given: dict[str, str]
) -> None:
    foreign = member_id(world, theirs(world), "ada")
    said = set()
    for key in (foreign, "999999", *NO_ID):
        for who in ("ben", "grace"):
            with pytest.raises(NotFound) as refusal:
                world.call(who, name, member_id=key, **given)
            said.add(refusal.value.message.replace(repr(key), "this"))
    assert said == {"There is no membership this."}
    assert standings(world, theirs(world)) == {"ada": "manager"}


def test_an_id_of_something_else_is_no_membership(world: World, acme: str) -> None:
    team = world.found("team", "name = :name", name=HERS)[0]["id"]
    key = str(team + 500)
    with pytest.raises(NotFound):
        world.call("ada", "members.remove", member_id=key)
    assert len(standings(world, acme)) == 2


@pytest.mark.parametrize(
    ("name", "given", "field"),
    [
        ("members.update", {"member_id": "1", "standing": "owner"}, "standing"),
        ("members.update", {"member_id": "1"}, "standing"),
        ("members.update", {"member_id": True, "standing": "member"}, "member_id"),
        (
            "members.update",
            {"member_id": "1", "standing": "member", "organization_id": "2"},
            "organization_id",
        ),
        ("members.remove", {}, "member_id"),
        ("members.list", {}, "organization_id"),
        ("members.list", {"organization_id": "1", "q": "q" * 81}, "q"),
        ("members.list", {"organization_id": "1", "cursor": "!"}, "cursor"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(
    world: World, name: str, given: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        world.call("ada", name, **given)
    assert list(refusal.value.fields) == [field]
