"""Comments on tasks."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.core.procedure import Call, procedure
from app.models.task import Comment, Task
from app.procedures.shapes import GivenId, Id, Listing, Page, PageOf
from app.procedures.tasks import TaskId

COMMENT_LENGTH = 4000


class CommentFilter(PageOf):
    """The comments of which task."""

    task_id: GivenId = Field(description="The task's id.", examples=["1"])


class NewComment(TaskId):
    """A comment to be added."""

    body: Annotated[str, Field(min_length=1, max_length=COMMENT_LENGTH)] = Field(
        description="What you have to say.", examples=["Nearly there."]
    )


class CommentOut(BaseModel):
    """A comment."""

    id: Id
    task_id: Id
    author_id: Id
    body: str = Field(examples=["Nearly there."])
    created_at: datetime


class CommentPage(Page[CommentOut]):
    """Some comments, newest first."""


_LISTING = Listing(
    Comment.id, Comment.task_id, Comment.author_id, Comment.body, Comment.created_at
)


@procedure("comments.list", scopes=["tasks:view"], touches=("task", "comment"))
def list_(call: Call, given: CommentFilter) -> CommentPage:
    """List the comments on a task, newest first."""
    task = call.get(Task, given.task_id)
    page = _LISTING.page(call.session, given, Comment.task_id == task.id)
    return CommentPage.model_validate(page)


@procedure(
    "comments.add",
    scopes=["tasks:edit"],
    writes=True,
    destructive=False,
    touches=("task", "comment"),
)
def add(call: Call, given: NewComment) -> CommentOut:
    """Add a comment to a task."""
    task = call.get(Task, given.task_id)
    comment = Comment(
        task_id=task.id, author_id=call.user_id, body=given.body, created_at=call.now
    )
    call.session.add(comment)
    call.session.flush()
    return CommentOut.model_validate(comment, from_attributes=True)
