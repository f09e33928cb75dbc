"""Every organization, for admins."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from app.core.errors import CallError, Conflict, InvalidInput, NotFound
from tests.databases import on_both_engines
from tests.procedures.people import holding, make_organization
from tests.procedures.test_organizations import NO_ID, standings
from tests.world import World

pytestmark = on_both_engines

Grace = Callable[..., Any]


@pytest.fixture
def acme(world: World) -> str:
    """Give an organization that Ada manages, and Ben is in; Grace has no part in it."""
    return str(make_organization(world, "Acme", ada="manager", ben="member"))


@pytest.fixture
def grace(world: World) -> Grace:
    """Give a function that runs a procedure about all organizations as Grace."""
    return lambda verb, **given: world.call("grace", f"all_organizations.{verb}", **given)


def member_id(world: World, organization_id: str, name: str) -> str:
    where = "organization_id = :organization_id AND user_id = :user_id"
    given = {"organization_id": int(organization_id), "user_id": world.ids[name]}
    return str(world.found("membership", where, **given)[0]["id"])


def test_an_admin_sees_every_organization_newest_first(grace: Grace, acme: str) -> None:
    found = grace("list").items
    assert [(each.name, each.members) for each in found] == [("Acme", 2), ("his", 1), ("hers", 1)]
    first = grace("list", limit=2)
    rest = grace("list", limit=2, cursor=first.next_cursor)
    assert [*first.items, *rest.items] == found
    assert rest.next_cursor is None


@pytest.mark.parametrize(
    ("q", "found"),
    [("ACM", ["Acme"]), ("acme.example", ["Acme"]), ("h", ["his", "hers"]), ("%", []), ("_", [])],
)
def test_organizations_are_found_by_name_and_domain(
    grace: Grace, acme: str, q: str, found: list[str]
) -> None:
    grace("update", organization_id=acme, domain="acme.example")
    assert [each.name for each in grace("list", q=q).items] == found


def test_how_much_there_is_in_it_is_told(world: World, grace: Grace, acme: str) -> None:
    world.call("ada", "invitations.create", organization_id=acme, email="zoe@example.com")
    revoked = grace("invite", organization_id=acme, email="new@example.com")
    grace("revoke_invitation", invitation_id=revoked.id)
    whole = grace("get", organization_id=acme).model_dump()
    counts = {name: value for name, value in whole.items() if isinstance(value, int)}
    assert counts == {"members": 2, "managers": 1, "teams": 1, "projects": 1, "invitations": 1}


def test_who_creates_an_organization_manages_it(world: World, grace: Grace) -> None:
    made = grace("create", name="Initech", domain="Initech.EXAMPLE")
    assert (made.name, made.domain, made.members) == ("Initech", "initech.example", 1)
    assert standings(world, made.id) == {"grace": "manager"}
    assert made.created_at.timestamp() == 1000
    [mine] = world.call("grace", "organizations.list").items
    assert (mine.id, mine.standing) == (made.id, "manager")


@pytest.mark.parametrize("name", ["", " ", "x" * 81, "A\u202eb", "A\nb", "\u3164", "—"])
def test_an_organization_needs_a_name_that_can_be_read(grace: Grace, acme: str, name: str) -> None:
    for verb, given in (("create", {}), ("update", {"organization_id": acme})):
        with pytest.raises(InvalidInput) as refusal:
            grace(verb, **given, name=name)
        assert list(refusal.value.fields) == ["name"]


@pytest.mark.parametrize(
    "domain",
    ["localhost", "", "a@acme.example", "https://acme.example", "a b.example", "10.0.0.1"],
)
def test_a_domain_is_the_name_of_a_host(grace: Grace, acme: str, domain: str) -> None:
    for verb, given in (("create", {"name": "x"}), ("update", {"organization_id": acme})):
        with pytest.raises(InvalidInput) as refusal:
            grace(verb, **given, domain=domain)
        assert list(refusal.value.fields) == ["domain"]


def test_no_two_organizations_have_one_domain(grace: Grace, acme: str) -> None:
    given = {"domain": "acme.example"}
    grace("update", organization_id=acme, **given)
    grace("update", organization_id=acme, domain="ACME.example")
    with pytest.raises(Conflict, match="has this domain"):
        grace("create", name="Another", **given)
    other = grace("create", name="Another").id
    with pytest.raises(Conflict, match="has this domain"):
        grace("update", organization_id=other, **given)
    grace("update", organization_id=acme, domain="none")
    assert grace("update", organization_id=other, **given).domain == "acme.example"
    assert grace("get", organization_id=acme).domain is None


def test_what_is_left_out_stays_as_it_is(grace: Grace, acme: str) -> None:
    grace("update", organization_id=acme, domain="acme.example")
    assert grace("update", organization_id=acme, name="Acme & Co").domain == "acme.example"
    assert grace("update", organization_id=acme).name == "Acme & Co"


def test_a_manager_claims_no_domain(world: World, acme: str) -> None:
    with pytest.raises(InvalidInput):
        world.call(
            "ada", "organizations.update", organization_id=acme, name="x", domain="a.example"
        )
    weak = holding(world, "ada", "organizations:edit", "organizations:view", "teams:edit")
    given = {"organization_id": acme, "domain": "a.example"}
    with pytest.raises(CallError) as refusal:
        world.pipeline().call("all_organizations.update", weak, given)
    assert refusal.value.code == "insufficient_scope"
    assert world.found("organization", "domain IS NOT NULL") == []


def test_deleting_takes_teams_projects_and_invitations_and_leaves_people_and_tasks(
    world: World, grace: Grace, acme: str
) -> None:
    world.call("ada", "invitations.create", organization_id=acme, email="zoe@example.com")
    team = str(world.found("team", "name = 'Everyone'")[0]["id"])
    task = world.call("ben", "tasks.create", title="Shared", team_id=team).id
    before = {name: len(world.found(name)) for name in ("user_account", "task", "membership")}
    assert grace("delete", organization_id=acme).name == "Acme"
    for table in ("organization", "membership", "team", "team_member", "project", "invitation"):
        column = "id" if table == "organization" else "organization_id"
        assert world.found(table, f"{column} = :id", id=int(acme)) == [], table
        assert len(world.found(table)) == 2, table
    assert len(world.found("user_account")) == before["user_account"]
    assert len(world.found("task")) == before["task"]
    assert world.call("ben", "tasks.get", task_id=task).team_id is None
    with pytest.raises(NotFound):
        grace("get", organization_id=acme)


def test_an_admin_puts_people_in_and_takes_them_out(world: World, grace: Grace, acme: str) -> None:
    added = grace(
        "add_member", organization_id=acme, email=" GRACE@example.com", standing="manager"
    )
    assert (added.name, added.standing) == ("Grace", "manager")
    assert [m.name for m in grace("members", organization_id=acme).items] == [
        "Grace",
        "Ben",
        "Ada",
    ]
    grace("update_member", member_id=added.id, standing="member")
    grace("remove_member", member_id=member_id(world, acme, "ben"))
    assert standings(world, acme) == {"ada": "manager", "grace": "member"}
    assert world.found("team_member", "user_id = :id", id=world.ids["ben"])[0]["team_id"] == 2


def test_only_who_has_an_account_is_put_in_and_only_once(grace: Grace, acme: str) -> None:
    with pytest.raises(NotFound) as refusal:
        grace("add_member", organization_id=acme, email="zoe@example.com")
    assert "invite it instead" in refusal.value.fields["email"]
    with pytest.raises(Conflict, match="member already"):
        grace("add_member", organization_id=acme, email="ben@example.com")


@pytest.mark.parametrize(
    ("verb", "given"), [("update_member", {"standing": "member"}), ("remove_member", {})]
)
def test_no_admin_leaves_an_organization_without_a_manager(
    world: World, grace: Grace, acme: str, verb: str, given: dict[str, str]
) -> None:
    with pytest.raises(Conflict, match="Nobody else manages"):
        grace(verb, member_id=member_id(world, acme, "ada"), **given)
    assert standings(world, acme) == {"ada": "manager", "ben": "member"}


def test_the_last_person_may_be_taken_out(world: World, grace: Grace) -> None:
    hers = str(world.found("organization", "name = 'hers'")[0]["id"])
    grace("remove_member", member_id=member_id(world, hers, "ada"))
    assert standings(world, hers) == {}


@pytest.mark.parametrize(
    ("verb", "given"), [("update_member", {"standing": "member"}), ("remove_member", {})]
)
def test_two_managers_lost_at_once_leave_one(
    world: World, grace: Grace, acme: str, verb: str, given: dict[str, str]
) -> None:
    keys = [member_id(world, acme, name) for name in ("ada", "ben")]
    grace("update_member", member_id=keys[1], standing="manager")
    start, road, principal = Barrier(2), world.pipeline(), world.principal("grace")

    def act(key: str) -> str:
        start.wait()
        try:
            road.call(f"all_organizations.{verb}", principal, {"member_id": key, **given})
        except CallError as refusal:
            return refusal.code
        return "done"

    if verb == "remove_member":
        grace("add_member", organization_id=acme, email="grace@example.com")
    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(act, keys)) == ["conflict", "done"]
    assert list(standings(world, acme).values()).count("manager") == 1


@pytest.mark.parametrize("key", [*NO_ID, "999999"])
def test_what_is_no_id_is_not_found(grace: Grace, key: str) -> None:
    for verb, given in (
        ("get", {}),
        ("update", {"name": "x"}),
        ("delete", {}),
        ("members", {}),
        ("invitations", {}),
        ("invite", {"email": "zoe@example.com"}),
        ("add_member", {"email": "ben@example.com"}),
    ):
        with pytest.raises(NotFound):
            grace(verb, organization_id=key, **given)
    for verb, given in (("update_member", {"standing": "member"}), ("remove_member", {})):
        with pytest.raises(NotFound):
            grace(verb, member_id=key, **given)


@pytest.mark.parametrize(
    ("verb", "scope", "given"),
    [
        ("list", "orgs:viewAll", {}),
        ("get", "orgs:viewAll", {"organization_id"}),
        ("members", "orgs:viewAll", {"organization_id"}),
        ("invitations", "orgs:viewAll", {"organization_id"}),
        ("create", "orgs:edit", {"name"}),
        ("update", "orgs:edit", {"organization_id", "name"}),
        ("delete", "orgs:edit", {"organization_id"}),
        ("add_member", "orgs:manageMembers", {"organization_id", "email"}),
        ("invite", "orgs:manageMembers", {"organization_id", "email"}),
        ("update_member", "orgs:manageMembers", {"member_id", "standing"}),
        ("remove_member", "orgs:manageMembers", {"member_id"}),
    ],
)
def test_each_needs_one_scope_and_no_other(
    world: World, acme: str, verb: str, scope: str, given: set[str]
) -> None:
    known = {
        "organization_id": acme,
        "name": "New",
        "email": "grace@example.com",
        "member_id": member_id(world, acme, "ben"),
        "standing": "manager",
    }
    named = {name: known[name] for name in given}
    world.pipeline().call(f"all_organizations.{verb}", holding(world, "grace", scope), named)
