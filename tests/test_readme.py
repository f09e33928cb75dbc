"""What the README says is so."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from flask import Flask

from app.core.errors import NotFound
from app.core.pipeline import Pipeline
from app.core.policy import RowPolicy
from app.core.procedure import AnyProcedure, Catalogue
from app.extensions import ROWS, db
from app.models.audit import record
from app.procedures import catalogue, tasks
from config import PREFIX, Settings
from tests.conftest import Call, Person

PROJECT = Path(__file__).parent.parent
README = (PROJECT / "README.md").read_text()
# Holds each procedure against a list of its own; the other tests draw theirs from the catalogue.
NOTICING = (
    "tests/procedures/test_touches.py::"
    "test_each_procedure_does_to_its_tables_what_it_declares[sqlite]"
)


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
    others = [item for item in catalogue() if item.name != reopen.name]
    road = Pipeline(Catalogue([*others, reopen]), db.engines[ROWS], record)
    task_id = call("tasks.create", person("ada"), {"title": "Not quite done"}).id
    call("tasks.complete", person("ada"), {"task_id": task_id})
    with pytest.raises(NotFound):
        road.call("tasks.reopen", person("ben"), {"task_id": task_id})
    road.call("tasks.reopen", person("ada"), {"task_id": task_id})
    assert call("tasks.get", person("ada"), {"task_id": task_id}).status == "open"


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository in which a reader has typed the example."""
    folder = tmp_path_factory.mktemp("reader") / "latchkey"
    leave_out = shutil.ignore_patterns(".*", "node_modules", "instance", "__pycache__", "*.png")
    shutil.copytree(PROJECT, folder, ignore=leave_out)
    tasks_module = folder / "app" / "procedures" / "tasks.py"
    with tasks_module.open("a") as file:
        [example] = re.findall(r"```python\n(@procedure.*?)```", README, re.DOTALL)
        file.write(f"\n\n{example}")
    return folder


def _run(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - tools of the project's own
        [sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False
    )


def test_the_example_typed_as_printed_leaves_the_checks_green(copy: Path) -> None:
    forgotten = _run(copy, "wsgi")
    assert forgotten.returncode == 1
    assert forgotten.stderr == (
        "latchkey: procedure 'tasks.reopen' of app.procedures.tasks is in no list: "
        "add it to the catalogue in app/procedures/__init__.py\n"
    )
    [line] = re.findall(r"^    ( +tasks\.reopen,\n)", README, re.MULTILINE)
    listing = copy / "app" / "procedures" / "__init__.py"
    before = "            tasks.complete,\n"
    assert listing.read_text().count(before) == 1
    listing.write_text(listing.read_text().replace(before, before + line))
    for words in (("ruff", "format", "--check", "."), ("ruff", "check", "."), ("wsgi",)):
        done = _run(copy, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    done = _run(copy, "pytest", "-q", "-p", "no:cacheprovider", NOTICING)
    assert done.returncode == 0, done.stdout


def test_a_blueprint_in_no_list_stops_the_start_with_one_line(copy: Path) -> None:
    page = copy / "app" / "blueprints" / "projects" / "notes.py"
    page.write_text("import flask\n\nbp = flask.Blueprint('notes', __name__)\n")
    done = _run(copy, "wsgi")
    page.unlink()
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1


def test_the_example_of_a_table_is_a_policy() -> None:
    [example] = re.findall(r"```python\n(NOTE_ROWS.*?)```", README, re.DOTALL)
    names: dict[str, Any] = {}
    exec(f"from app.core.policy import Bypass, Group, Owner, rows\n{example}", names)  # noqa: S102 - our own README
    policy = names["NOTE_ROWS"]
    assert isinstance(policy, RowPolicy)
    assert [change.column for change in policy.changes] == ["author_id"]


def test_each_setting_is_in_the_table_and_nothing_else() -> None:
    told = set(re.findall(rf"^\| `({PREFIX}\w+)`", README, re.MULTILINE))
    assert told == {PREFIX + name.upper() for name in Settings.model_fields}


def test_each_command_is_a_target_of_the_makefile() -> None:
    makefile = (Path(__file__).parent.parent / "Makefile").read_text()
    told = set(re.findall(r"^\| `make (\w+)`", README, re.MULTILINE))
    assert told <= set(re.findall(r"^(\w+):", makefile, re.MULTILINE))
    assert told >= {"run", "test", "check", "bench"}
