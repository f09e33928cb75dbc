"""Tasks that a team shares: seen and changed by its members, and given to it by their owners."""

from dataclasses import replace
from typing import Any

import pytest

from app.core.errors import Conflict, NotFound, ScopeMissing
from tests.databases import on_both_engines
from tests.procedures.people import make_organization
from tests.procedures.test_organizations import NO_ID
from tests.world import HERS, World

pytestmark = on_both_engines


@pytest.fixture
def team(world: World) -> str:
    """Give the team of Ada and Ben in an organization that Ada manages, and Grace is in."""
    acme = make_organization(world, "Acme", ada="manager", ben="member", grace="member")
    made = str(world.found("team", "organization_id = :id", id=acme)[0]["id"])
    world.call("ada", "teams.remove_member", team_id=made, user_id=str(world.ids["grace"]))
    return made


@pytest.fixture
def task(world: World, team: str) -> str:
    """Give a task of Ada's in the team."""
    return str(world.call("ada", "tasks.create", title="Shared", team_id=team).id)


def titles(world: World, name: str, **given: object) -> list[str]:
    return [task.title for task in world.call(name, "tasks.list", **given).items]


def in_team(world: World, task: str) -> int | None:
    """Give the team that a task is really in."""
    key: int | None = world.found("task", "id = :id", id=int(task))[0]["team_id"]
    return key


def leave_team(world: World, team: str, name: str) -> None:
    given = {"team_id": team, "user_id": str(world.ids[name])}
    world.call("ada", "teams.remove_member", **given)


def test_a_task_in_a_team_is_its_members_too(world: World, team: str, task: str) -> None:
    assert titles(world, "ben") == ["Shared", "his: other", "his: plan"]
    assert titles(world, "grace") == []
    seen = world.call("ben", "tasks.get", task_id=task)
    assert (seen.owner_id, seen.team_id) == (str(world.ids["ada"]), team)
    assert world.call("ben", "tasks.update", task_id=task, notes="Ben's").notes == "Ben's"
    assert world.call("ben", "tasks.complete", task_id=task).status == "done"
    assert world.found("task", "id = :id", id=int(task))[0]["owner_id"] == world.ids["ada"]
    world.call("ben", "tasks.delete", task_id=task)
    assert titles(world, "ada", q="Shared") == []


def test_members_comment_on_it_and_others_do_not(world: World, task: str) -> None:
    said = world.call("ben", "comments.add", task_id=task, body="Mine")
    assert said.author_id == str(world.ids["ben"])
    assert world.call("ada", "comments.list", task_id=task).items == [said]
    for name, given in (("comments.add", {"body": "x"}), ("comments.list", {})):
        with pytest.raises(NotFound):
            world.call("grace", name, task_id=task, **given)


def test_the_list_of_a_team_has_its_tasks_alone(world: World, team: str, task: str) -> None:
    assert titles(world, "ada", team_id=team) == ["Shared"]
    assert titles(world, "ben", team_id=team, status="open", q="SHARED") == ["Shared"]
    assert titles(world, "ben", team_id=team, status="done") == []


@pytest.mark.parametrize("key", [None, "999999", *NO_ID])
def test_the_list_of_anothers_team_and_of_none_is_empty(
    world: World, team: str, task: str, key: str | None
) -> None:
    assert titles(world, "grace", team_id=key or team) == []
    hers = world.found("team", "name = :name", name=HERS)[0]["id"]
    assert titles(world, "ben", team_id=key or str(hers)) == []


def test_pages_have_ones_own_and_the_teams_each_once_in_one_order(world: World, team: str) -> None:
    for number in range(6):
        who, given = (("ada", {"team_id": team}), ("ben", {}), ("ben", {"team_id": team}))[
            number % 3
        ]
        world.call(who, "tasks.create", title=f"{number}", **given)
    page: Any = world.call("ben", "tasks.list", limit=2)
    found = [task.title for task in page.items]
    while page.next_cursor:
        page = world.call("ben", "tasks.list", limit=2, cursor=page.next_cursor)
        found += [task.title for task in page.items]
    assert found == ["5", "4", "3", "2", "1", "0", "his: other", "his: plan"]


def test_the_cursor_of_another_opens_nothing(world: World, team: str, task: str) -> None:
    page = world.call("ada", "tasks.list", limit=1)
    assert [each.title for each in page.items] == ["Shared"]
    assert titles(world, "grace", cursor=page.next_cursor) == []
    assert titles(world, "ben", cursor=page.next_cursor) == ["his: other", "his: plan"]


def test_only_its_owner_takes_a_task_out_of_its_team(world: World, team: str, task: str) -> None:
    own = str(world.found("team", "name = 'his'")[0]["id"])
    for target in ("none", own):
        with pytest.raises(NotFound):
            world.call("ben", "tasks.update", task_id=task, team_id=target)
    assert in_team(world, task) == int(team)
    same = world.call("ben", "tasks.update", task_id=task, team_id=team, title="Ours")
    assert (same.title, same.team_id) == ("Ours", team)
    assert world.call("ada", "tasks.update", task_id=task, team_id="none").team_id is None
    assert titles(world, "ben", q="Ours") == []
    assert world.call("ada", "tasks.update", task_id=task, team_id=team).team_id == team


@pytest.mark.parametrize("name", ["ben", "grace"])
def test_a_task_goes_to_no_team_but_ones_own(world: World, team: str, name: str) -> None:
    hers = str(world.found("team", "name = :name", name=HERS)[0]["id"])
    keys = [hers, "999999", *NO_ID, *([team] if name == "grace" else [])]
    mine = world.call(name, "tasks.create", title="Mine").id
    said, before = set(), world.found("task")
    for key in keys:
        for procedure, given in (
            ("tasks.create", {"title": "Planted"}),
            ("tasks.update", {"task_id": mine}),
        ):
            with pytest.raises(NotFound) as refusal:
                world.call(name, procedure, team_id=key, **given)
            said.add(refusal.value.message.replace(repr(key), "this"))
    assert said == {"You are in no team this."}
    assert world.found("task") == before


def test_a_principal_who_claims_a_team_that_is_gone_is_refused(world: World, team: str) -> None:
    who = world.principal("ben")
    claiming = replace(who, teams=who.teams | {999999})
    for name, given in (("create", {"title": "x"}), ("update", {"task_id": "3"})):
        with pytest.raises((Conflict, NotFound)):
            world.pipeline().call(f"tasks.{name}", claiming, {**given, "team_id": "999999"})
    assert not world.found("task", "team_id = 999999")


def test_who_is_out_of_the_team_sees_its_tasks_no_more_but_their_own(
    world: World, team: str, task: str
) -> None:
    own = world.call("ben", "tasks.create", title="Ben's", team_id=team)
    said = world.call("ben", "comments.add", task_id=task, body="Before")
    cursor = world.call("ben", "tasks.list", limit=1).next_cursor
    leave_team(world, team, "ben")
    assert titles(world, "ben", cursor=cursor) == ["his: other", "his: plan"]
    assert titles(world, "ben") == ["Ben's", "his: other", "his: plan"]
    for name, given in (
        ("tasks.get", {}),
        ("tasks.update", {"title": "x"}),
        ("tasks.complete", {}),
        ("tasks.delete", {}),
        ("comments.list", {}),
        ("comments.add", {"body": "After"}),
    ):
        with pytest.raises(NotFound):
            world.call("ben", name, task_id=task, **given)
    assert world.call("ada", "comments.list", task_id=task).items == [said]
    # What they gave to the team is still shared, until they take it out.
    assert titles(world, "ada", q="Ben's") == ["Ben's"]
    assert world.call("ben", "tasks.update", task_id=own.id, title="Ben's own").team_id == team
    assert world.call("ben", "tasks.update", task_id=own.id, team_id="none").team_id is None
    assert titles(world, "ada", q="Ben's") == []
    with pytest.raises(NotFound):
        world.call("ben", "tasks.update", task_id=own.id, team_id=team)


def test_an_app_that_may_only_read_changes_no_task_of_the_team(world: World, task: str) -> None:
    who = world.principal("ben", "tasks:edit")
    for name, given in (("tasks.complete", {}), ("comments.add", {"body": "x"})):
        with pytest.raises(ScopeMissing):
            world.pipeline().call(name, who, {"task_id": task, **given})
    with world.acting("ben", "tasks:view") as session:
        changed = session.connection().exec_driver_sql("UPDATE task SET title = 'x'")
        assert changed.rowcount == 2
    assert world.found("task", "id = :id", id=int(task))[0]["title"] == "Shared"
