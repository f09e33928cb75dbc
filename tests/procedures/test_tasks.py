"""Tasks: what a person wants done."""

from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.errors import InvalidInput, NotFound
from app.procedures.tasks import TaskFilter
from tests.world import HERS, World

BENS = ["his: other", "his: plan"]
ODD = "100% of_it\\"


def titles(world: World, **given: object) -> list[str]:
    return [task.title for task in world.call("ben", "tasks.list", **given).items]


def pages(world: World, limit: int, **given: object) -> list[list[str]]:
    """Give all pages of a list, each as its titles."""
    page: Any = world.call("ben", "tasks.list", limit=limit, **given)
    found = [[task.title for task in page.items]]
    while page.next_cursor:
        page = world.call("ben", "tasks.list", limit=limit, cursor=page.next_cursor, **given)
        found.append([task.title for task in page.items])
    return found


def test_a_new_task_is_open_and_ones_own(world: World) -> None:
    made = world.call("ben", "tasks.create", title="  New  ", notes="more")
    at = datetime.fromtimestamp(1000, UTC)
    assert made.model_dump() == {
        "id": made.id,
        "owner_id": str(world.ids["ben"]),
        "team_id": None,
        "title": "New",
        "notes": "more",
        "status": "open",
        "created_at": at,
        "updated_at": at,
        "completed_at": None,
    }
    assert isinstance(made.id, str)
    (row,) = world.found("task", "id = :id", id=int(made.id))
    assert row["owner_id"] == world.ids["ben"]
    assert world.call("ben", "tasks.get", task_id=made.id) == made


def test_a_list_has_ones_own_newest_first(world: World) -> None:
    assert titles(world) == BENS


def test_a_list_of_all_has_everyones(world: World) -> None:
    found = [task.title for task in world.call("ben", "tasks.list_all").items]
    assert found == [*BENS, f"{HERS}: other", f"{HERS}: plan"]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 100])
def test_the_pages_together_are_the_list_each_task_once(world: World, limit: int) -> None:
    for number in range(4):
        world.call("ben", "tasks.create", title=f"task {number}")
    found = pages(world, limit)
    assert [len(page) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert list(chain(*found)) == ["task 3", "task 2", "task 1", "task 0", *BENS]


def test_a_page_stays_where_it_was_when_a_task_comes_or_goes(world: World) -> None:
    first = world.call("ben", "tasks.list", limit=1)
    world.call("ben", "tasks.create", title="newer")
    world.call("ben", "tasks.delete", task_id=first.items[0].id)
    assert titles(world, limit=1, cursor=first.next_cursor) == ["his: plan"]


def test_a_filter_holds_on_each_page(world: World) -> None:
    for number in range(5):
        made = world.call("ben", "tasks.create", title=f"task {number}")
        if number % 2:
            world.call("ben", "tasks.complete", task_id=made.id)
    assert pages(world, 1, status="done") == [["task 3"], ["task 1"]]
    assert list(chain(*pages(world, 2, status="open", q="TASK"))) == ["task 4", "task 2", "task 0"]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("PLAN", ["his: plan"]),
        ("his", BENS),
        (HERS, []),
        ("%", [ODD]),
        ("_", [ODD]),
        ("\\", [ODD]),
        (ODD, [ODD]),
        ("' OR 1 = 1 --", []),
    ],
)
def test_words_are_looked_for_as_they_are(world: World, q: str, found: list[str]) -> None:
    world.call("ben", "tasks.create", title=ODD)
    assert titles(world, q=q) == found


def test_a_change_keeps_what_it_does_not_name(world: World) -> None:
    before = world.call("ben", "tasks.get", task_id="3")
    after = world.call("ben", "tasks.update", task_id="3", notes="")
    assert (after.title, after.notes, after.status) == (before.title, "", before.status)
    assert after.updated_at == datetime.fromtimestamp(1000, UTC)
    assert world.call("ben", "tasks.update", task_id="3", title="new").title == "new"


def test_a_task_is_done_and_opened_again(world: World) -> None:
    assert world.call("ben", "tasks.update", task_id="3", status="done").completed_at
    again = world.call("ben", "tasks.update", task_id="3", status="open")
    assert (again.status, again.completed_at) == ("open", None)


def test_completing_again_finds_the_same_state(world: World) -> None:
    first = world.call("ben", "tasks.complete", task_id="3")
    later = world.pipeline().at(2000)
    again = later.call("tasks.complete", world.principal("ben"), {"task_id": "3"})
    assert again == first
    assert (first.status, first.completed_at) == ("done", datetime.fromtimestamp(1000, UTC))


def test_a_deleted_task_is_gone_with_its_comments_and_its_number_is_not_reused(
    world: World,
) -> None:
    last = world.call("ben", "tasks.create", title="last")
    world.call("ben", "comments.add", task_id=last.id, body="x")
    assert world.call("ben", "tasks.delete", task_id=last.id).id == last.id
    assert not world.found("comment", "task_id = :id", id=int(last.id))
    with pytest.raises(NotFound):
        world.call("ben", "tasks.delete", task_id=last.id)
    assert int(world.call("ben", "tasks.create", title="next").id) > int(last.id)


@pytest.mark.parametrize("name", ["tasks.get", "tasks.complete", "tasks.update", "tasks.delete"])
@pytest.mark.parametrize("task_id", ["x", "-1", "0", "1e1", "3.0", "9" * 64, "0" * 30 + "9" * 34])
def test_an_id_that_cannot_be_one_names_no_task(world: World, name: str, task_id: str) -> None:
    with pytest.raises(NotFound):
        world.call("ben", name, task_id=task_id)


@pytest.mark.parametrize(
    ("name", "given", "field"),
    [
        ("tasks.create", {}, "title"),
        ("tasks.create", {"title": "   "}, "title"),
        ("tasks.create", {"title": "t" * 201}, "title"),
        ("tasks.create", {"title": 5}, "title"),
        ("tasks.create", {"title": None}, "title"),
        ("tasks.create", {"title": "t", "notes": "n" * 4001}, "notes"),
        ("tasks.create", {"title": "t", "owner_id": 1}, "owner_id"),
        ("tasks.update", {"task_id": "3", "status": "lost"}, "status"),
        ("tasks.update", {"task_id": "3", "title": ""}, "title"),
        ("tasks.update", {"task_id": "3", "owner_id": "1"}, "owner_id"),
        ("tasks.update", {"task_id": "3", "team_id": True}, "team_id"),
        ("tasks.create", {"title": "t", "team_id": "1" * 65}, "team_id"),
        ("tasks.list", {"team_id": ""}, "team_id"),
        ("tasks.get", {"task_id": ""}, "task_id"),
        ("tasks.get", {"task_id": "1" * 65}, "task_id"),
        ("tasks.get", {"task_id": 3.5}, "task_id"),
        ("tasks.list", {"limit": 0}, "limit"),
        ("tasks.list", {"limit": 101}, "limit"),
        ("tasks.list", {"limit": "many"}, "limit"),
        ("tasks.list", {"limit": 10**30}, "limit"),
        ("tasks.list", {"status": "OPEN"}, "status"),
        ("tasks.list", {"q": "q" * 201}, "q"),
        ("tasks.list", {"q": "\ud800"}, "q"),
        ("tasks.list", {"cursor": "MTIz" * 20}, "cursor"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(
    world: World, name: str, given: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        world.call("ben", name, **given)
    assert list(refusal.value.fields) == [field]


@given(st.text(max_size=70) | st.from_regex(r"c?[0-9a-f]{14,18}", fullmatch=True))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_cursor_gives_a_page_or_is_refused_at_its_field(world: World, cursor: str) -> None:
    try:
        page = world.call("ben", "tasks.list", cursor=cursor)
    except InvalidInput as refusal:
        fields = list(refusal.fields)
    else:
        assert {task.title for task in page.items} <= set(BENS)
        fields = ["cursor"]
    assert fields == ["cursor"]


def test_a_cursor_that_is_left_out_is_the_first_page() -> None:
    assert TaskFilter().cursor is None
