"""A person's tasks: find them, add one, change it where it stands."""

from flask import Blueprint, Response, url_for

from app.blueprints.pages import (
    asked,
    call,
    for_members,
    form,
    is_partial,
    may,
    page,
    part_or_page,
    partial_or_redirect,
)
from app.blueprints.tasks.teams import Teams
from app.core.errors import InvalidInput
from app.identity.session import principal
from app.procedures.tasks import TaskOut

bp = Blueprint("tasks", __name__, url_prefix="/tasks")
bp.before_request(for_members)
bp.context_processor(lambda: {"teams": Teams()})


@bp.get("")
def index() -> Response:
    """Show the tasks that meet the filter."""
    try:
        return _index(asked("status", "q", "team_id", "cursor"))
    except InvalidInput as refusal:
        return _index({}, 422, filter_errors=refusal.fields)


@bp.post("")
def create() -> Response:
    """Add a task; give the fresh form and, in the list, the new row."""
    given = form()
    try:
        task = call("tasks.create", given)
    except InvalidInput as refusal:
        if is_partial():
            return page("tasks/_add.html", 422, values=given, errors=refusal.fields)
        return _index({}, 422, values=given, errors=refusal.fields)
    return partial_or_redirect("tasks/_added.html", url_for("tasks.index"), task=task)


@bp.get("/<task_id>/edit")
def edit(task_id: str) -> Response:
    """Show a task's form, in place of its row or on a page of its own."""
    task = call("tasks.get", {"task_id": task_id})
    return _edit_page(task, {}, {})


@bp.post("/<task_id>")
def update(task_id: str) -> Response:
    """Change a task's title, notes and team; give its row."""
    given = form()
    try:
        task = call("tasks.update", {**given, "task_id": task_id})
    except InvalidInput as refusal:
        # A form for a task that is not there is not worth correcting.
        task = call("tasks.get", {"task_id": task_id})
        return _edit_page(task, given, refusal.fields, 422)
    return _row(task)


@bp.post("/<task_id>/complete")
def complete(task_id: str) -> Response:
    """Mark a task as done; give its row."""
    return _row(call("tasks.complete", {"task_id": task_id}))


@bp.post("/<task_id>/reopen")
def reopen(task_id: str) -> Response:
    """Mark a task as open again; give its row."""
    return _row(call("tasks.update", {"task_id": task_id, "status": "open"}))


@bp.get("/<task_id>/row")
def row(task_id: str) -> Response:
    """Give a task's row back, its form being cancelled."""
    return _row(call("tasks.get", {"task_id": task_id}))


@bp.post("/<task_id>/delete")
def delete(task_id: str) -> Response:
    """Delete a task; its row goes."""
    call("tasks.delete", {"task_id": task_id})
    return partial_or_redirect("tasks/_deleted.html", url_for("tasks.index"))


def _index(filters: dict[str, str], status: int = 200, **context: object) -> Response:
    shown = call("tasks.list", filters)
    older = url_for("tasks.index", **{**filters, "cursor": shown.next_cursor})
    return page(
        "tasks/index.html",
        status,
        **{
            "tasks": shown,
            "filters": filters,
            "older": older,
            "workspace": call("settings.get") if may("settings:view") else None,
            "values": {},
            "errors": {},
            **context,
        },
    )


def _row(task: TaskOut) -> Response:
    return partial_or_redirect("tasks/_row.html", url_for("tasks.index"), task=task)


def _edit_page(
    task: TaskOut, given: dict[str, str], errors: dict[str, str], status: int = 200
) -> Response:
    return part_or_page(
        "tasks/_edit.html",
        "tasks/edit.html",
        status,
        task_id=task.id,
        values={**task.model_dump(), **given},
        errors=errors,
        is_own=task.owner_id == str(principal().user_id),
    )
