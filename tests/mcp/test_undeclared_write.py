"""A query that writes is a bug of its declaration: a 500 and one line in the log, everywhere."""

import logging
import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import update

from app.core.pipeline import Pipeline
from app.core.procedure import Call, Catalogue, procedure
from app.extensions import ROWS, db
from app.models.audit import record
from app.models.task import Task
from app.procedures import catalogue
from app.procedures.tasks import TaskId, TaskOut
from tests.databases import on_both_engines
from tests.mcp.conftest import Ask, asking, headers_of, message

pytestmark = on_both_engines
WRITES = r"bug (\w{8}) {place}: tasks\.get writes to task: declare writes=True"


@procedure("tasks.get", scopes=["tasks:view"], touches=("task",))
def peek(call: Call, given: TaskId) -> TaskOut:
    """Look at a task."""
    call.session.execute(update(Task).values(title="changed"))
    return TaskOut.model_validate(call.get(Task, given.task_id))


@pytest.fixture
def ask(app: Flask) -> Iterator[Ask]:
    """Return a function that sends a request to the product, whose `tasks.get` writes."""
    others = (item for item in catalogue() if item.name != peek.name)
    app.extensions["pipeline"] = Pipeline(Catalogue([peek, *others]), db.engines[ROWS], record)
    with asking(app) as send:
        yield send


def test_a_query_that_writes_is_a_500_with_one_line_that_names_the_fault(
    ask: Ask, token: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    headers = headers_of(token("ada"))
    with caplog.at_level(logging.WARNING):
        answer = ask("GET", "/api/tasks/get?task_id=1", headers=headers)
    [line] = caplog.records
    told = re.fullmatch(WRITES.replace("{place}", "at GET '/api/tasks/get'"), line.getMessage())
    assert told
    assert (answer.status_code, line.exc_info) == (500, None)
    assert told[1] in answer.json()["detail"]
    assert "writes" not in answer.text


def test_a_tool_that_writes_fails_with_the_same_line(
    ask: Ask, token: Callable[..., str], caplog: pytest.LogCaptureFixture
) -> None:
    content = message("tools/call", name="tasks_get", arguments={"task_id": "1"})
    with caplog.at_level(logging.WARNING):
        answer = ask("POST", "/mcp", json=content, headers=headers_of(token("ada")))
    lines = [one.getMessage() for one in caplog.records if one.name.startswith("app.")]
    told = re.fullmatch(WRITES.replace("{place}", "in tool tasks_get"), "\n".join(lines))
    assert told
    assert "writes" not in answer.text
    assert told[1] in answer.text
