"""Whether the app fits its database: the command that tells, and what a balancer asks."""

from pathlib import Path

import pytest
from flask import Flask

import config
from app import create_app
from tests.blueprints.terminal import Run, refused
from tests.conftest import change

URI = "http://127.0.0.1:9999/callback"


@pytest.fixture
def unready(tmp_path: Path) -> Flask:
    """Give an app whose database is empty."""
    return create_app(config.load(instance=tmp_path / "unready", secret_key="k" * 40))


def test_what_fits_is_ok(run: Run) -> None:
    result = run("check")
    assert (result.exit_code, result.output) == (0, "ok\n")


@pytest.mark.parametrize(
    ("statements", "lines"),
    [
        (
            ["CREATE TABLE stray (id INTEGER)"],
            ["table stray: it has no policy, and is not named as unreachable"],
        ),
        (["DROP TABLE guess"], ["table guess: it is declared, and not in the database"]),
        (
            ["ALTER TABLE audit_event RENAME COLUMN user_id TO person_id"],
            [
                (
                    "table audit_event: its policy names the column audit_event.user_id, "
                    "which is not in the database"
                )
            ],
        ),
        (
            ["INSERT INTO role_scope VALUES (1, 'tasks:juggle')"],
            ["role Member: it holds the unknown scope tasks:juggle"],
        ),
        (
            ["DELETE FROM role_scope WHERE scope IN ('tasks:viewAll', 'profile:view')"],
            [
                "procedure tasks.list_all: no role holds tasks:viewAll",
                "procedure profile.get: no role holds profile:view",
                "role Admin: it is the admins', and lacks tasks:viewAll",
            ],
        ),
        (
            ["UPDATE role SET is_default = true"],
            ["roles: 2 of them are the default; let it be one"],
        ),
        (["UPDATE role SET is_admin = false"], ["roles: none of them is the admins'"]),
        (
            ["DELETE FROM role_scope WHERE scope = 'access:edit'"],
            [
                "procedure access.get: no role holds access:edit",
                "procedure access.set: no role holds access:edit",
                "role Admin: it is the admins', and lacks access:edit",
            ],
        ),
    ],
)
def test_each_fault_is_one_line(run: Run, statements: list[str], lines: list[str]) -> None:
    for statement in statements:
        change(statement)
    result = run("check")
    assert (result.exit_code, result.output.splitlines()) == (1, lines)


def test_without_a_database_each_command_says_so_in_one_line(unready: Flask) -> None:
    fault = "The database is not migrated: run flask --app wsgi db upgrade."
    runner = unready.test_cli_runner()
    for words in (
        ["demo"],
        ["purge"],
        ["clients", "list"],
        ["clients", "revoke", "x"],
        ["clients", "create", "x", "--redirect-uri", URI],
        ["users", "create", "a@example.com", "--role", "Member"],
        ["tokens", "create", "--client", "x", "--user", "y", "--scope", "z"],
    ):
        assert refused(runner.invoke(args=words)) == "Error: " + fault
    result = runner.invoke(args=["check"])
    assert (result.exit_code, result.output) == (1, fault + "\n")
    assert runner.invoke(args=["procedures"]).exit_code == 0


def test_a_migrated_app_is_alive_and_ready(app: Flask) -> None:
    for path in ("/healthz", "/readyz"):
        answer = app.test_client().get(path)
        assert (answer.status_code, answer.get_json()) == (200, {"status": "ok"})


def test_without_its_database_the_app_is_alive_and_not_ready(unready: Flask) -> None:
    program = unready.test_client()
    assert program.get("/healthz").get_json() == {"status": "ok"}
    answer = program.get("/readyz")
    assert (answer.status_code, answer.mimetype) == (503, "application/json")
    assert "db upgrade" in answer.get_json()["detail"]


def test_a_database_that_does_not_answer_is_told_without_detail(tmp_path: Path) -> None:
    elsewhere = f"sqlite:///{tmp_path}/nosuch/latchkey.sqlite3"
    settings = config.load(instance=tmp_path, secret_key="k" * 40, database_url=elsewhere)
    answer = create_app(settings).test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json() == {
        "status": "not ready",
        "detail": "The database does not answer.",
    }


def test_an_older_database_is_not_ready(app: Flask) -> None:
    change("UPDATE alembic_version SET version_num = 'older'")
    assert app.test_client().get("/readyz").status_code == 503
