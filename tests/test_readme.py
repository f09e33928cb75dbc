"""What the README says is so."""

import re
from pathlib import Path
from types import ModuleType

import pytest
from flask import Flask

from app.core.errors import NotFound
from app.core.pipeline import Pipeline
from app.core.procedure import AnyProcedure, Catalogue
from app.extensions import ROWS, db
from app.models.audit import record
from app.procedures import catalogue, tasks
from config import PREFIX, Settings
from tests.conftest import Call, Person

README = (Path(__file__).parent.parent / "README.md").read_text()


@pytest.fixture
def reopen() -> AnyProcedure:
    """Give the README's example, as if it stood at the end of app/procedures/tasks.py."""
    module = ModuleType("app.procedures.tasks")
    vars(module).update(vars(tasks))
    [example] = re.findall(r"```python\n(@procedure.*?)```", README, re.DOTALL)
    exec(example, vars(module))  # noqa: S102 - our own README
    return vars(module)["reopen"]  # type: ignore[no-any-return] # whatever it declares


def test_the_example_is_a_procedure_on_own_rows(
    app: Flask, call: Call, person: Person, reopen: AnyProcedure
) -> None:
    road = Pipeline(Catalogue([*catalogue(), reopen]), db.engines[ROWS], record)
    task_id = call("tasks.create", person("ada"), {"title": "Not quite done"}).id
    call("tasks.complete", person("ada"), {"task_id": task_id})
    with pytest.raises(NotFound):
        road.call("tasks.reopen", person("ben"), {"task_id": task_id})
    road.call("tasks.reopen", person("ada"), {"task_id": task_id})
    assert call("tasks.get", person("ada"), {"task_id": task_id}).status == "open"


def test_each_setting_is_in_the_table_and_nothing_else() -> None:
    told = set(re.findall(rf"^\| `({PREFIX}\w+)`", README, re.MULTILINE))
    assert told == {PREFIX + name.upper() for name in Settings.model_fields}


def test_each_command_is_a_target_of_the_makefile() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text()
    told = set(re.findall(r"^\| `make (\w+)`", README, re.MULTILINE))
    assert told <= set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    assert told >= {"run", "test", "check", "bench"}
