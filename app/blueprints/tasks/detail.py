"""One task, with what people have said about it."""

from flask import Blueprint, Response, url_for

from app.blueprints.pages import (
    asked,
    call,
    for_members,
    form,
    is_partial,
    page,
    partial_or_redirect,
)
from app.blueprints.tasks.teams import Teams, people_of
from app.core.errors import InvalidInput

bp = Blueprint("task", __name__, url_prefix="/tasks/<task_id>")
bp.before_request(for_members)
bp.context_processor(lambda: {"teams": Teams()})


@bp.get("")
def detail(task_id: str) -> Response:
    """Show a task and its comments."""
    return _detail(task_id)


@bp.post("/comments")
def comment(task_id: str) -> Response:
    """Add a comment."""
    given = form()
    try:
        added = call("comments.add", {**given, "task_id": task_id})
    except InvalidInput as refusal:
        if is_partial():
            call("tasks.get", {"task_id": task_id})
            form_again = {"task_id": task_id, "values": given, "errors": refusal.fields}
            return page("tasks/_comment_form.html", 422, **form_again)
        return _detail(task_id, 422, values=given, errors=refusal.fields)
    target = url_for("task.detail", task_id=task_id)
    shown = {"comment": added, "task_id": task_id, "people": {added.author_id: "You"}}
    return partial_or_redirect("tasks/_commented.html", target, **shown)


def _detail(task_id: str, status: int = 200, **context: object) -> Response:
    task = call("tasks.get", {"task_id": task_id})
    comments = call("comments.list", {"task_id": task_id, **asked("cursor")})
    older = url_for("task.detail", task_id=task_id, cursor=comments.next_cursor)
    shown = {
        "task": task,
        "people": people_of(task),
        "comments": comments,
        "older": older,
        "values": {},
        "errors": {},
    }
    return page("tasks/detail.html", status, **{**shown, **context})
