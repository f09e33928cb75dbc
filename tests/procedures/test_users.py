"""Everyone who has an account, for admins."""

from typing import Any

import pytest

from app.core.errors import Conflict, InvalidInput, NotFound
from tests.databases import on_both_engines
from tests.procedures.people import holding, make_organization, make_role, role_id
from tests.world import World

pytestmark = on_both_engines


def emails(world: World, **given: object) -> list[str]:
    found = world.call("grace", "users.list", **given).items
    return [user.email.partition("@")[0] for user in found]


def get(world: World, name: str) -> Any:
    return world.call("grace", "users.get", user_id=str(world.ids[name]))


def test_everyone_is_listed_newest_first_with_roles_and_status(world: World) -> None:
    found = world.pipeline().call("users.list", holding(world, "grace", "users:viewAll"), {})
    shown: Any = found
    assert [(user.name, [role.name for role in user.roles]) for user in shown.items] == [
        ("Grace", ["Admin"]),
        ("Ben", ["Member"]),
        ("Ada", ["Member"]),
    ]
    assert {user.status for user in shown.items} == {"active"}
    assert {user.last_seen_at for user in shown.items} == {None}


def test_people_come_a_page_at_a_time(world: World) -> None:
    first = world.call("grace", "users.list", limit=2)
    rest = world.call("grace", "users.list", limit=2, cursor=first.next_cursor)
    assert [user.name for user in (*first.items, *rest.items)] == ["Grace", "Ben", "Ada"]
    assert rest.next_cursor is None


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("ADA", ["ada"]),
        ("ben@", ["ben"]),
        ("example.com", ["grace", "ben", "ada"]),
        ("hr-7", ["ben"]),
        ("%", []),
        ("_", []),
        ("no such", []),
    ],
)
def test_people_are_found_by_name_address_and_external_id(
    world: World, q: str, found: list[str]
) -> None:
    ben = str(world.ids["ben"])
    world.call("grace", "users.set_external_id", user_id=ben, external_id="hr-77")
    assert emails(world, q=q) == found


def test_people_are_found_by_status(world: World) -> None:
    world.call("grace", "users.suspend", user_id=str(world.ids["ben"]))
    assert emails(world, status="suspended") == ["ben"]
    assert emails(world, status="active") == ["grace", "ada"]
    with pytest.raises(InvalidInput):
        emails(world, status="asleep")


def test_people_are_found_by_role(world: World) -> None:
    assert emails(world, role_id=role_id(world, "Member")) == ["ben", "ada"]
    assert emails(world, role_id=role_id(world, "Member"), q="ada") == ["ada"]
    for unknown in ("999", "x", "9" * 40, "-1"):
        assert emails(world, role_id=unknown) == []


def test_a_person_is_shown_with_what_belongs_to_them(world: World) -> None:
    make_organization(world, "Globex", ben="member")
    make_organization(world, "Acme", ben="manager", ada="member")
    shown = get(world, "ben")
    assert [(each.name, each.standing) for each in shown.organizations] == [
        ("Acme", "manager"),
        ("Globex", "member"),
        ("his", "manager"),
    ]
    (app,) = shown.connected_apps
    assert (app.name, app.client_id) == ("connected", world.client_id(2))
    assert "tasks:view" in app.scopes
    (session,) = shown.sessions
    assert (session.address, session.user_agent) == ("127.0.0.1", "hers")
    assert not shown.is_you
    assert shown.beyond_you == []
    assert get(world, "grace").is_you


def test_the_scope_to_see_everyone_is_enough_to_see_a_person_whole(world: World) -> None:
    make_organization(world, "Acme", ben="manager", ada="member")
    alone = holding(world, "grace", "users:viewAll", "tasks:view")
    given = {"user_id": str(world.ids["ben"])}
    shown: Any = world.pipeline().call("users.get", alone, given)
    whole = get(world, "ben")
    assert shown.beyond_you
    assert shown.model_copy(update={"beyond_you": []}) == whole


def test_what_is_over_is_not_shown(world: World) -> None:
    with world.system.begin() as connection:
        for table in ("login", "oauth_grant"):
            connection.exec_driver_sql(f"UPDATE {table} SET revoked_at = 1")
    assert get(world, "ben").sessions == get(world, "ben").connected_apps == []


def test_a_session_is_over_when_it_ends(world: World) -> None:
    with world.system.begin() as connection:
        connection.exec_driver_sql("UPDATE login SET expires_at = 1000")
    assert get(world, "ben").sessions == []


def test_scopes_that_a_person_holds_and_the_viewer_lacks_are_named(world: World) -> None:
    make_role(world, "Auditor", "access:edit", "tasks:viewAll", holders=("ben",))
    viewer = world.principal("grace", "access:edit", "tasks:viewAll")
    given = {"user_id": str(world.ids["ben"])}
    shown: Any = world.pipeline().call("users.get", viewer, given)
    assert shown.beyond_you == ["tasks:viewAll", "access:edit"]


@pytest.mark.parametrize("verb", ["get", "suspend", "resume", "sign_out", "deletion", "delete"])
@pytest.mark.parametrize("given", ["999", "x", "-1", "9" * 40, "1; --"])
def test_an_unknown_person_is_not_found(world: World, verb: str, given: str) -> None:
    with pytest.raises(NotFound):
        world.call("grace", f"users.{verb}", user_id=given)


def test_an_external_id_is_noted_and_taken_away(world: World) -> None:
    ben = str(world.ids["ben"])
    alone = world.principal("grace")
    noted: Any = world.pipeline().call(
        "users.set_external_id", alone, {"user_id": ben, "external_id": " hr-7 "}
    )
    assert noted.external_id == "hr-7"
    assert get(world, "ben").external_id == "hr-7"
    again = world.call("grace", "users.set_external_id", user_id=ben, external_id="hr-7")
    assert again.external_id == "hr-7"
    for nothing in ({"external_id": "none"}, {"external_id": None}):
        assert world.call("grace", "users.set_external_id", user_id=ben, **nothing)
        assert get(world, "ben").external_id is None


def test_an_external_id_is_one_persons(world: World) -> None:
    ids = {name: str(world.ids[name]) for name in ("ada", "ben")}
    world.call("grace", "users.set_external_id", user_id=ids["ada"], external_id="hr-7")
    with pytest.raises(Conflict, match="Somebody else"):
        world.call("grace", "users.set_external_id", user_id=ids["ben"], external_id="hr-7")
    for user_id in ids.values():
        world.call("grace", "users.set_external_id", user_id=user_id, external_id="none")


@pytest.mark.parametrize("given", ["x" * 201, "a\nb", "a\u202eb", "a\0b", "\ud800"])
def test_an_odd_external_id_is_refused(world: World, given: str) -> None:
    with pytest.raises(InvalidInput):
        world.call(
            "grace", "users.set_external_id", user_id=str(world.ids["ben"]), external_id=given
        )
