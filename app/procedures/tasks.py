"""Tasks: what a person wants done."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, or_

from app.core.procedure import Call, procedure
from app.models.task import NOTES_LENGTH, TITLE_LENGTH, Status, Task
from app.procedures.shapes import Given, GivenId, Id, Listing, Page, PageOf

Title = Annotated[str, Field(min_length=1, max_length=TITLE_LENGTH)]
Notes = Annotated[str, Field(max_length=NOTES_LENGTH)]


class TaskId(Given):
    """Which task."""

    task_id: GivenId = Field(description="The task's id.")


class NewTask(Given):
    """A task to be made."""

    title: Title = Field(description="What is to be done.")
    notes: Notes = Field("", description="Anything more to say about it.")


class TaskChange(TaskId):
    """What is to change about a task; what is left out stays as it is."""

    title: Title | None = Field(None, description="A new title.")
    notes: Notes | None = Field(None, description="New notes.")
    status: Status | None = Field(None, description="open, or done.")


class TaskFilter(PageOf):
    """Which tasks."""

    status: Status | None = Field(None, description="Only open ones, or only done ones.")
    q: str | None = Field(
        None, max_length=TITLE_LENGTH, description="Words that title or notes must hold."
    )


class TaskOut(BaseModel):
    """A task."""

    model_config = ConfigDict(from_attributes=True)

    id: Id
    title: str
    notes: str
    status: Status
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None


_LISTING = Listing(
    Task.id,
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

    id: str


@procedure("tasks.list", scopes=["tasks:view"])
def list_(call: Call, given: TaskFilter) -> TaskPage:
    """List your tasks, newest first.

    Filter by status, or by words that title or notes must hold.
    """
    return TaskPage.read(call, given)


@procedure("tasks.list_all", scopes=["tasks:viewAll"])
def list_all(call: Call, given: TaskFilter) -> TaskPage:
    """List the tasks of everyone, newest first.

    Takes the same filters as listing your own.
    """
    return TaskPage.read(call, given)


@procedure("tasks.get", scopes=["tasks:view"])
def get(call: Call, given: TaskId) -> TaskOut:
    """Show one task."""
    return TaskOut.model_validate(call.get(Task, given.task_id))


@procedure("tasks.create", scopes=["tasks:edit"], writes=True)
def create(call: Call, given: NewTask) -> TaskOut:
    """Create a task of your own."""
    task = Task(
        owner_id=call.user_id,
        title=given.title,
        notes=given.notes,
        created_at=call.now,
        updated_at=call.now,
    )
    call.session.add(task)
    call.session.flush()
    return TaskOut.model_validate(task)


@procedure("tasks.update", scopes=["tasks:edit"], writes=True, idempotent=True)
def update(call: Call, given: TaskChange) -> TaskOut:
    """Change a task's title, notes or status.

    What is left out stays as it is.
    """
    task = call.get(Task, given.task_id)
    task.title = task.title if given.title is None else given.title
    task.notes = task.notes if given.notes is None else given.notes
    if given.status == "open":
        task.completed_at = None
    elif given.status == "done":
        task.completed_at = task.completed_at or call.now
    task.updated_at = call.now
    return TaskOut.model_validate(task)


@procedure("tasks.complete", scopes=["tasks:edit"], writes=True, idempotent=True)
def complete(call: Call, given: TaskId) -> TaskOut:
    """Mark a task as done.

    Completing it again is not an error: the second call finds the same state.
    """
    task = call.get(Task, given.task_id)
    if task.completed_at is None:
        task.completed_at = task.updated_at = call.now
    return TaskOut.model_validate(task)


@procedure("tasks.delete", scopes=["tasks:edit"], writes=True, destructive=True)
def delete(call: Call, given: TaskId) -> Deleted:
    """Delete a task and its comments, for good."""
    task = call.get(Task, given.task_id)
    call.session.delete(task)
    return Deleted(id=given.task_id)


def _conditions(given: TaskFilter) -> Iterator[ColumnElement[bool]]:
    if given.status:
        yield Task.status == given.status
    if given.q:
        yield or_(
            Task.title.icontains(given.q, autoescape=True),
            Task.notes.icontains(given.q, autoescape=True),
        )
