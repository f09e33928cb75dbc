"""Tasks: what a person wants done."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, false

from app.core.errors import NotFound
from app.core.json_schema import NullClears
from app.core.patterns import NONE
from app.core.procedure import Call, is_row_key, procedure
from app.core.text_search import holds_words
from app.models.task import NOTES_LENGTH, TITLE_LENGTH, Status, Task
from app.procedures.shapes import (
    Given,
    GivenId,
    GivenIdOrNone,
    Id,
    Listing,
    Page,
    PageOf,
    SearchQuery,
)

Title = Annotated[str, Field(min_length=1, max_length=TITLE_LENGTH)]
Notes = Annotated[str, Field(max_length=NOTES_LENGTH)]


class TaskId(Given):
    """Which task."""

    task_id: GivenId = Field(description="The task's id.", examples=["1"])


class NewTask(Given):
    """A task to be made."""

    title: Title = Field(description="What is to be done.", examples=["Draft the budget"])
    notes: Notes = Field(
        "", description="Anything more to say about it.", examples=["Ask finance for numbers."]
    )
    team_id: GivenIdOrNone | None = Field(
        None,
        description=f'A team of yours, whose members share the task; "{NONE}": no team.',
        examples=["1"],
    )


class TaskChange(TaskId):
    """What is to change about a task; what is left out stays as it is."""

    title: Title | None = Field(
        None, description="A new title.", examples=["Draft the budget for May"]
    )
    notes: Notes | None = Field(
        None,
        description="New notes; empty: it has no notes any more.",
        examples=["Ask finance for numbers."],
    )
    status: Status | None = Field(None, description="open, or done.", examples=["open"])
    team_id: Annotated[GivenIdOrNone | None, NullClears()] = Field(
        None,
        description=f'A team of yours to share your own task with; "{NONE}": it is in no team.',
        examples=["1"],
    )


class TaskFilter(PageOf):
    """Which tasks."""

    status: Status | None = Field(
        None, description="Only open ones, or only done ones.", examples=["open"]
    )
    q: SearchQuery | None = Field(
        None,
        max_length=TITLE_LENGTH,
        description="Words that title or notes must hold.",
        examples=["budget"],
    )
    team_id: GivenIdOrNone | None = Field(
        None,
        description=f'Only those in this team; "{NONE}": only those in no team.',
        examples=["1"],
    )


class TaskOut(BaseModel):
    """A task."""

    model_config = ConfigDict(from_attributes=True)

    id: Id
    owner_id: Id
    team_id: Id | None
    title: str = Field(examples=["Draft the budget"])
    notes: str = Field(examples=["Ask finance for numbers."])
    status: Status
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None


_LISTING = Listing(
    Task.id,
    Task.owner_id,
    Task.team_id,
    Task.title,
    Task.notes,
    Task.status,
    Task.created_at,
    Task.updated_at,
    Task.completed_at,
)


class TaskPage(Page[TaskOut]):
    """Some tasks, newest first."""

    @classmethod
    def read(cls, call: Call, given: TaskFilter) -> "TaskPage":
        """Give the tasks of this call that meet the filter."""
        return cls.model_validate(_LISTING.page(call.session, given, *_conditions(given)))


class Deleted(BaseModel):
    """What was deleted."""

    id: Id


@procedure("tasks.list", scopes=["tasks:view"], touches=("task",))
def list_(call: Call, given: TaskFilter) -> TaskPage:
    """List your tasks and those of your teams, newest first.

    Filter by status, by team, or by words that title or notes must hold.
    """
    return TaskPage.read(call, given)


@procedure("tasks.list_all", scopes=["tasks:viewAll"], touches=("task",))
def list_all(call: Call, given: TaskFilter) -> TaskPage:
    """List the tasks of everyone, newest first.

    Takes the same filters as listing your own.
    """
    return TaskPage.read(call, given)


@procedure("tasks.get", scopes=["tasks:view"], touches=("task",))
def get(call: Call, given: TaskId) -> TaskOut:
    """Show one task."""
    return TaskOut.model_validate(call.get(Task, given.task_id))


@procedure(
    "tasks.create", scopes=["tasks:edit"], writes=True, destructive=False, touches=("task",)
)
def create(call: Call, given: NewTask) -> TaskOut:
    """Create a task of your own, and share it with one of your teams if you like."""
    task = Task(
        owner_id=call.user_id,
        team_id=_team(call, given.team_id),
        title=given.title,
        notes=given.notes,
        created_at=call.now,
        updated_at=call.now,
    )
    call.session.add(task)
    call.session.flush()
    return TaskOut.model_validate(task)


@procedure("tasks.update", scopes=["tasks:edit"], writes=True, idempotent=True, touches=("task",))
def update(call: Call, given: TaskChange) -> TaskOut:
    """Change a task's title, notes or status, or share it with another team.

    What is left out stays as it is. Members of its team may change it, too; but its owner alone
    takes it into a team, or out of it.
    """
    task = call.get(Task, given.task_id)
    if given.team_id is not None and given.team_id != str(task.team_id or NONE):
        task.team_id = _team(call, given.team_id)
    task.title = task.title if given.title is None else given.title
    task.notes = task.notes if given.notes is None else given.notes
    if given.status == "open":
        task.completed_at = None
    elif given.status == "done":
        task.completed_at = task.completed_at or call.now
    task.updated_at = call.now
    return TaskOut.model_validate(task)


@procedure(
    "tasks.complete", scopes=["tasks:edit"], writes=True, idempotent=True, touches=("task",)
)
def complete(call: Call, given: TaskId) -> TaskOut:
    """Mark a task as done.

    Completing it again is not an error: the second call finds the same state.
    """
    task = call.get(Task, given.task_id)
    if task.completed_at is None:
        task.completed_at = task.updated_at = call.now
    return TaskOut.model_validate(task)


@procedure("tasks.delete", scopes=["tasks:edit"], writes=True, destructive=True, touches=("task",))
def delete(call: Call, given: TaskId) -> Deleted:
    """Delete a task and its comments, for good."""
    task = call.get(Task, given.task_id)
    call.session.delete(task)
    return Deleted(id=given.task_id)


def _team(call: Call, key: str | None) -> int | None:
    """Return the id of a team of the caller's, or None for "none" and where none is named.

    Raises:
        NotFound: the caller is in no such team.
    """
    if key is None or key == NONE:
        return None
    if not (is_row_key(key) and int(key) in call.principal.teams):
        raise NotFound(f"You are in no team {key!r}.")
    return int(key)


def _conditions(given: TaskFilter) -> Iterator[ColumnElement[bool]]:
    if given.team_id == NONE:
        yield Task.team_id.is_(None)
    elif given.team_id:
        yield Task.team_id == int(given.team_id) if is_row_key(given.team_id) else false()
    if given.status:
        yield Task.status == given.status
    if given.q:
        yield holds_words(given.q, Task.title, Task.notes)
