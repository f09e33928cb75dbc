"""The road: what it refuses, in which order, and what it writes down."""

from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import RowMapping, text

from app.core.errors import ChannelRefused, Conflict, InvalidInput, NotFound, ScopeMissing
from app.core.principal import Channel, Principal, nobody
from app.core.procedure import PAGES_ONLY, Call, Catalogue, procedure
from app.models.task import Task
from app.procedures import catalogue
from app.procedures.tasks import TaskId, TaskOut
from tests.world import World


class Word(BaseModel):
    """A word."""

    word: str = ""


@procedure("words.raise_bug", scopes=["tasks:edit"], writes=True)
def raise_bug(call: Call, given: Word) -> Word:
    """Add a task, then fail."""
    call.session.add(_task(call))
    call.session.flush()
    raise ZeroDivisionError


@procedure("words.follow_up", scopes=["tasks:edit"], writes=True)
def follow_up(call: Call, given: Word) -> Word:
    """Add a task, with two effects of which the first fails."""
    call.session.add(_task(call))
    call.afterwards.append(_fail)
    call.afterwards.append(lambda: DONE.append(given.word))
    return given


DONE: list[str] = []


def _fail() -> None:
    raise ZeroDivisionError


@procedure("words.refuse", scopes=["tasks:edit"], writes=True)
def refuse(call: Call, given: Word) -> Word:
    """Add a task, then refuse."""
    call.session.add(_task(call))
    raise Conflict("Not now.")


@procedure("words.add_twice", scopes=["tasks:edit"], writes=True)
def add_twice(call: Call, given: Word) -> Word:
    """Add one row twice, and leave it to the end of the call to find out."""
    call.session.add(_task(call, key=500))
    call.session.flush()
    call.session.expunge_all()
    call.session.add(_task(call, key=500))
    return given


@procedure("words.give_away", scopes=["tasks:edit"], writes=True)
def give_away(call: Call, given: Word) -> Word:
    """Add a task in another's name."""
    call.session.add(_task(call, owner_id=1))
    return given


@procedure("words.change_any", scopes=["tasks:edit", "tasks:viewAll"], writes=True)
def change_any(call: Call, given: TaskId) -> TaskOut:
    """Change a task that one may see."""
    task = call.get(Task, given.task_id)
    task.title = "mine"
    call.session.flush()
    return TaskOut.model_validate(task)


@procedure("words.count", scopes=["tasks:view"], channels=PAGES_ONLY)
def count(call: Call, given: Word) -> Word:
    """Count the tasks."""
    return Word(word=str(call.session.scalar(text("SELECT count(*) FROM task"))))


def _task(call: Call, owner_id: int | None = None, key: int | None = None) -> Task:
    owner = owner_id or call.user_id
    return Task(id=key, owner_id=owner, title="new", notes="", created_at=1, updated_at=1)


WORDS = Catalogue(
    [raise_bug, follow_up, refuse, add_twice, give_away, change_any, count, *catalogue()]
)


def run(world: World, name: str, principal: Principal | None = None, /, **given: Any) -> Any:
    return world.pipeline(WORDS).call(name, principal or world.principal("ben"), given)


def last_event(world: World) -> RowMapping:
    return world.found("audit_event")[-1]


def events(world: World) -> int:
    return len(world.found("audit_event"))


def test_a_mutation_is_written_down_with_who_what_and_about_which_row(world: World) -> None:
    who = Principal(
        Channel.MCP, world.ids["ben"], frozenset({"tasks:edit"}), client_id="the client"
    )
    made = run(world, "tasks.create", who, title="new")
    event = dict(last_event(world))
    event.pop("id")
    assert event == {
        "at": 1000,
        "action": "tasks.create",
        "outcome": "allowed",
        "channel": "mcp",
        "user_id": world.ids["ben"],
        "client_id": "the client",
        "subject": made.id,
    }


def test_what_a_mutation_made_is_the_subject_even_deep_in_its_answer(world: World) -> None:
    uris = ["http://127.0.0.1/cb"]
    made = run(world, "oauth_apps.create", name="new", redirect_uris=uris)
    assert last_event(world)["subject"] == made.app.client_id


def test_a_query_is_not_written_down(world: World) -> None:
    before = events(world)
    run(world, "tasks.list")
    run(world, "tasks.get", task_id="3")
    assert events(world) == before


@pytest.mark.parametrize(
    ("name", "given", "outcome", "subject"),
    [
        ("tasks.complete", {"task_id": "1"}, "not_found", "1"),
        ("tasks.create", {}, "invalid_input", None),
        ("tasks.delete", {"task_id": 7}, "not_found", "7"),
        ("words.refuse", {}, "conflict", None),
        ("tasks.complete", {"task_id": "\ud800"}, "invalid_input", "?"),
        ("tasks.complete", {"task_id": "9" * 400}, "invalid_input", "9" * 100),
    ],
)
def test_a_refused_mutation_is_written_down(
    world: World, name: str, given: dict[str, Any], outcome: str, subject: str | None
) -> None:
    with pytest.raises((NotFound, InvalidInput, Conflict)):
        run(world, name, **given)
    event = last_event(world)
    assert (event["action"], event["outcome"], event["subject"]) == (name, outcome, subject)
    assert event["user_id"] == world.ids["ben"]


def test_a_query_refused_for_its_scope_is_written_down_and_for_its_input_is_not(
    world: World,
) -> None:
    before = events(world)
    with pytest.raises(InvalidInput):
        run(world, "tasks.list", limit=0)
    assert events(world) == before
    with pytest.raises(ScopeMissing):
        run(world, "tasks.list_all", world.principal("ben", "tasks:viewAll"))
    assert last_event(world)["outcome"] == "insufficient_scope"


@pytest.mark.parametrize("name", ["tasks.create", "nothing.here"])
def test_a_refusal_of_nobody_is_not_written_down(world: World, name: str) -> None:
    before = events(world)
    with pytest.raises(Exception, match=r"sign in|no procedure"):
        run(world, name, nobody(Channel.API))
    assert events(world) == before


def test_a_bug_leaves_nothing_behind(world: World) -> None:
    before = world.everything()
    with pytest.raises(ZeroDivisionError):
        run(world, "words.raise_bug")
    assert world.everything() == before


def test_a_fault_in_what_follows_a_call_is_logged_and_the_call_stands(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    tasks = len(world.found("task"))
    assert run(world, "words.follow_up", word="done").word == "done"
    assert len(world.found("task")) == tasks + 1
    assert last_event(world)["outcome"] == "allowed"
    assert DONE == ["done"]
    [record] = caplog.records
    assert "words.follow_up" in record.getMessage()
    assert record.exc_info


@pytest.mark.parametrize("name", ["words.refuse", "words.add_twice"])
def test_a_refusal_undoes_what_was_done_and_nothing_says_allowed(world: World, name: str) -> None:
    tasks, before = world.found("task"), events(world)
    with pytest.raises(Conflict):
        run(world, name)
    assert world.found("task") == tasks
    assert [event["outcome"] for event in world.found("audit_event")[before:]] == ["conflict"]


def test_a_row_in_anothers_name_is_no_row(world: World) -> None:
    with pytest.raises(NotFound):
        run(world, "words.give_away")
    assert last_event(world)["outcome"] == "not_found"


def test_a_row_that_one_may_see_but_not_change_is_no_row_to_change(world: World) -> None:
    before = world.found("task")
    with pytest.raises(NotFound):
        run(world, "words.change_any", task_id="1")
    assert world.found("task") == before


def test_a_call_acts_with_the_scopes_that_its_procedure_names_alone(world: World) -> None:
    everyones = run(world, "tasks.list_all").items
    assert len(everyones) == len(world.found("task"))
    assert run(world, "words.count").word == "2"


def test_the_channel_is_asked_before_the_scopes_and_these_before_the_input(world: World) -> None:
    elsewhere = Principal(Channel.API, world.ids["ben"])
    with pytest.raises(ChannelRefused):
        run(world, "words.count", elsewhere, word=1)
    with pytest.raises(ScopeMissing):
        run(world, "words.count", Principal(Channel.BROWSER, world.ids["ben"]), word=1)
    with pytest.raises(InvalidInput):
        run(world, "words.count", word=1)


def test_a_check_refuses_as_the_call_would_and_runs_nothing(world: World) -> None:
    road, before = world.pipeline(), world.found("task")
    road.check("tasks.delete", world.principal("ben"), {"task_id": "3"})
    with pytest.raises(ScopeMissing):
        road.check("tasks.delete", world.principal("ben", "tasks:edit"), {"task_id": "3"})
    assert world.found("task") == before
    assert last_event(world)["subject"] == "3"


def test_wrong_input_is_told_field_by_field(world: World) -> None:
    with pytest.raises(InvalidInput) as refusal:
        run(world, "tasks.update", task_id="3", title="", status="lost", colour="red")
    assert set(refusal.value.fields) == {"title", "status", "colour"}
    assert all(sentence.endswith(".") for sentence in refusal.value.fields.values())


def test_a_validators_own_words_are_told_without_pydantics(world: World) -> None:
    with pytest.raises(InvalidInput) as refusal:
        run(world, "oauth_apps.create", name="x", redirect_uris=["http://example.com/"])
    assert refusal.value.fields["redirect_uris.0"].startswith("'http://example.com/' must use")
