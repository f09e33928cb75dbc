"""Deleting a person, and what goes with them."""

from typing import Any

import pytest

from app.core.errors import Conflict
from app.extensions import Model
from tests.databases import on_both_engines
from tests.procedures.people import at_once, give, holding, invite, make_organization
from tests.world import World

pytestmark = on_both_engines

# Where a person's id stands, besides the audit trail.
OF_A_PERSON = {
    "user_account": "id",
    "password": "user_id",
    "login": "user_id",
    "user_role": "user_id",
    "task": "owner_id",
    "comment": "author_id",
    "client": "owner_id",
    "oauth_grant": "user_id",
    "consent_request": "user_id",
    "membership": "user_id",
    "team_member": "user_id",
    "invitation": "created_by",
}


def deletion(world: World, name: str) -> Any:
    return world.call("grace", "users.deletion", user_id=str(world.ids[name]))


def delete(world: World, name: str) -> Any:
    return world.call("grace", "users.delete", user_id=str(world.ids[name]))


@pytest.fixture
def acme(world: World) -> int:
    """Give an organization of everyone, that Ada and Ben manage and that Ben invited to."""
    made = make_organization(world, "Acme", ada="manager", ben="manager", grace="member")
    invite(world, made, "ben", "new@example.com")
    return made


def test_every_column_that_refers_to_a_person_is_known_here(world: World) -> None:
    found = {
        table.name: column.name
        for table in Model.metadata.sorted_tables
        for column in table.columns
        if any(key.column.table.name == "user_account" for key in column.foreign_keys)
    }
    assert found.items() <= OF_A_PERSON.items()
    assert OF_A_PERSON.keys() - found.keys() == {"user_account", "team_member"}
    assert OF_A_PERSON.keys() <= world.everything().keys()


@pytest.mark.usefixtures("acme")
def test_what_would_go_is_told_and_nothing_goes(world: World) -> None:
    before = world.everything()
    told = deletion(world, "ben")
    assert told.model_dump() == {
        "id": str(world.ids["ben"]),
        "email": "ben@example.com",
        "tasks": 2,
        # Two of his own, one of Ada's on a task of his.
        "comments": 3,
        # Acme, and one of his alone.
        "memberships": 2,
        "connected_apps": 1,
        "oauth_apps": 2,
        "app_users": 1,
        "invitations": 2,
        "unmanaged": [],
    }
    assert world.everything() == before


@pytest.mark.usefixtures("acme")
def test_a_person_goes_with_all_that_is_theirs_and_nothing_of_others(world: World) -> None:
    ben, before = world.ids["ben"], world.everything()
    gone = delete(world, "ben")
    assert (gone.id, gone.email) == (str(ben), "ben@example.com")
    for table, column in OF_A_PERSON.items():
        assert world.found(table, f"{column} = :ben", ben=ben) == [], table
    after = world.everything()
    kept = {name: [row for row in rows if row in after[name]] for name, rows in before.items()}
    assert [row["owner_id"] for row in kept["task"]] == [world.ids["ada"]] * 2
    assert [row["body"] for row in kept["comment"]] == ["hers: remark"]
    assert {row["owner_id"] for row in kept["client"]} == {world.ids["ada"], None}
    for table in ("user_account", "user_role", "membership", "team_member"):
        others = [row for row in before[table] if row[OF_A_PERSON[table]] != ben]
        assert after[table] == others != [], table
    for table in ("role", "organization", "team", "project"):
        assert after[table] == before[table] != [], table


@pytest.mark.usefixtures("acme")
def test_those_who_connected_the_persons_apps_are_disconnected_from_these_alone(
    world: World,
) -> None:
    assert len(world.found("oauth_grant")) == 2
    delete(world, "ben")
    assert world.found("oauth_grant") == world.found("refresh_token") == []
    assert len(world.found("client", "owner_id = :ada", ada=world.ids["ada"])) == 2


@pytest.mark.usefixtures("acme")
def test_what_they_did_stays_in_the_trail_and_nobody_joins_by_their_invitation(
    world: World,
) -> None:
    mine = "user_id = :ben"
    before = world.found("audit_event", mine, ben=world.ids["ben"])
    delete(world, "ben")
    assert world.found("audit_event", mine, ben=world.ids["ben"]) == before != []
    assert world.found("invitation", "email = 'new@example.com'") == []
    event = world.found("audit_event")[-1]
    assert (event["action"], event["subject"]) == ("users.delete", str(world.ids["ben"]))


def test_a_task_in_a_team_goes_with_its_owner_and_the_comments_of_its_team(
    world: World, acme: int
) -> None:
    with world.system.begin() as connection:
        connection.exec_driver_sql(
            f"UPDATE task SET team_id = (SELECT id FROM team WHERE organization_id = {acme})"
        )
    delete(world, "ben")
    assert {row["owner_id"] for row in world.found("task")} == {world.ids["ada"]}
    assert [row["body"] for row in world.found("comment")] == ["hers: remark"]


@pytest.mark.usefixtures("acme")
def test_the_scope_to_edit_everyone_is_enough_to_tell_all_and_to_delete_all(world: World) -> None:
    whole = deletion(world, "ben")
    with world.system.begin() as connection:
        connection.exec_driver_sql("DELETE FROM user_role WHERE user_id <> 3")
    alone, given = holding(world, "ada", "users:editAll"), {"user_id": str(world.ids["ben"])}
    assert world.pipeline().call("users.deletion", alone, given) == whole
    world.pipeline().call("users.delete", alone, given)
    for table, column in OF_A_PERSON.items():
        assert world.found(table, f"{column} = :ben", ben=world.ids["ben"]) == [], table


def test_no_organization_is_left_with_people_and_without_a_manager(world: World) -> None:
    for name in ("Globex", "Acme"):
        make_organization(world, name, ben="manager", ada="member")
    make_organization(world, "Shared", ben="manager", ada="manager")
    make_organization(world, "Alone", ben="manager")
    make_organization(world, "Elsewhere", ben="member", ada="member")
    before = world.everything()
    assert deletion(world, "ben").unmanaged == ["Acme", "Globex"]
    with pytest.raises(Conflict, match="Nobody else manages Acme, Globex: make somebody"):
        delete(world, "ben")
    after = world.everything()
    before.pop("audit_event")
    assert after.pop("audit_event")[-1]["outcome"] == "conflict"
    assert after == before
    with world.system.begin() as connection:
        connection.exec_driver_sql("UPDATE membership SET standing = 'manager'")
    delete(world, "ben")


@pytest.mark.usefixtures("acme")
def test_of_two_managers_deleted_at_once_one_stays(world: World) -> None:
    outcomes = at_once(world, ("grace", "users.delete", "ada"), ("grace", "users.delete", "ben"))
    assert sorted(outcomes) == ["conflict", "done"]


def test_an_admin_goes_once_there_is_another(world: World) -> None:
    give(world, "ada", "Admin")
    world.call("ada", "users.delete", user_id=str(world.ids["grace"]))
    assert [row["email"] for row in world.found("user_account")] == [
        "ada@example.com",
        "ben@example.com",
    ]


def test_the_id_of_a_deleted_person_is_nobody_elses(world: World) -> None:
    give(world, "ada", "Admin")
    world.call("ada", "users.delete", user_id=str(world.ids["grace"]))
    with world.system.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO user_account (email, name, created_at) VALUES ('n@example.com', 'N', 1)"
        )
    (new,) = world.found("user_account", "email = 'n@example.com'")
    assert new["id"] > world.ids["grace"]
