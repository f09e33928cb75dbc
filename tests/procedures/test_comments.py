"""Comments on tasks."""

import pytest

from app.core.errors import InvalidInput, NotFound
from tests.world import HERS, World


def bodies(world: World, task_id: str, **given: object) -> list[str]:
    page = world.call("ben", "comments.list", task_id=task_id, **given)
    return [comment.body for comment in page.items]


def test_a_comment_is_ones_own_on_ones_own_task(world: World) -> None:
    made = world.call("ben", "comments.add", task_id="4", body=" Nearly there ")
    assert (made.task_id, made.author_id, made.body) == (
        "4",
        str(world.ids["ben"]),
        "Nearly there",
    )
    assert made.created_at.timestamp() == 1000


def test_the_comments_of_a_task_are_everyones_on_it_newest_first(world: World) -> None:
    assert bodies(world, "3") == ["on his", "his: remark"]


def test_the_comments_of_one_task_are_not_those_of_another(world: World) -> None:
    world.call("ben", "comments.add", task_id="4", body="elsewhere")
    assert bodies(world, "4") == ["elsewhere"]


def test_comments_come_a_page_at_a_time(world: World) -> None:
    first = world.call("ben", "comments.list", task_id="3", limit=1)
    assert [comment.body for comment in first.items] == ["on his"]
    assert bodies(world, "3", limit=1, cursor=first.next_cursor) == ["his: remark"]


def test_a_task_without_comments_has_an_empty_page(world: World) -> None:
    page = world.call("ben", "comments.list", task_id="4")
    assert (page.items, page.next_cursor) == ([], None)


@pytest.mark.parametrize("name", ["comments.list", "comments.add"])
@pytest.mark.parametrize("task_id", ["1", "999", "x"])
def test_the_comments_of_anothers_task_do_not_exist(world: World, name: str, task_id: str) -> None:
    before = world.found("comment")
    with pytest.raises(NotFound) as refusal:
        world.call("ben", name, task_id=task_id, **({"body": "x"} if "add" in name else {}))
    assert refusal.value.message == f"There is no task '{task_id}'."
    assert HERS not in refusal.value.message
    assert world.found("comment") == before


@pytest.mark.parametrize("body", ["", "  ", "b" * 4001, None, 5])
def test_a_comment_says_something_and_not_too_much(world: World, body: object) -> None:
    with pytest.raises(InvalidInput) as refusal:
        world.call("ben", "comments.add", task_id="3", body=body)
    assert list(refusal.value.fields) == ["body"]
