"""The product on PostgreSQL as an operator sets it up: init, the two URLs, serve."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from app.extensions import Model
from tests.postgres import Cluster
from tests.processes import PROJECT, Ask, free_port, sent


@pytest.fixture(scope="module")
def urls(cluster: Cluster) -> dict[str, str]:
    """Give what `postgres init` prints, as an environment."""
    done = flask("postgres", "init", "--admin-url", cluster.admin_url, "--database", "served")
    return dict(line.split("=", 1) for line in done.stdout.splitlines())


@pytest.fixture(scope="module")
def site(
    urls: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, dict[str, str]]]:
    """Give the address of a server with the demo in it, and its environment."""
    port = free_port()
    given = {
        **urls,
        "LATCHKEY_INSTANCE": str(tmp_path_factory.mktemp("instance")),
        "LATCHKEY_PORT": str(port),
        "LATCHKEY_DEMO": "1",
    }
    with subprocess.Popen(
        [sys.executable, "asgi.py"],
        cwd=PROJECT,
        env={**_outside(), **given},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == f"Latchkey is at http://127.0.0.1:{port}\n"
        yield f"http://127.0.0.1:{port}", given
        process.terminate()


def flask(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - the product's own command
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        cwd=PROJECT,
        env={**_outside(), **environment},
        capture_output=True,
        text=True,
        check=True,
    )


def started(given: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    """Give what a server says that does not come up."""
    return subprocess.run(
        [sys.executable, "asgi.py"],
        cwd=PROJECT,
        env={**_outside(), **given},
        capture_output=True,
        text=True,
        check=False,
    )


def _outside() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if "LATCHKEY" not in name}


def test_it_serves_a_persons_rows_and_no_others(site: tuple[str, dict[str, str]]) -> None:
    address, environment = site
    assert sent(address, Ask("/readyz")).json == {"status": "ok"}
    made = flask(
        "clients", "create", "Script", "--redirect-uri", "http://127.0.0.1/cb", **environment
    )
    client_id = made.stdout.split('"client_id": "')[1].split('"')[0]
    for email, count in (("ada@example.com", 40), ("ben@example.com", 25)):
        minted = flask(
            "tokens", "create", "--client", client_id, "--user", email, "--scope", "tasks:view",
            **environment,
        )  # fmt: skip
        token = minted.stdout.split('"access_token": "')[1].split('"')[0]
        bearer = {"Authorization": f"Bearer {token}"}
        found = sent(address, Ask("/api/tasks/list?limit=100", headers=bearer)).json
        assert len(found["items"]) == count


def test_the_applications_role_finds_nothing_by_itself(
    site: tuple[str, dict[str, str]],
) -> None:
    with psycopg.connect(site[1]["LATCHKEY_DATABASE_URL"]) as connection:
        for table in Model.metadata.tables:
            count = SQL("SELECT count(*) FROM {}").format(Identifier(table))
            assert connection.execute(count).fetchone() == (0,), table


def test_the_owner_finds_nothing_either(site: tuple[str, dict[str, str]]) -> None:
    with psycopg.connect(site[1]["LATCHKEY_MIGRATION_URL"]) as connection:
        assert connection.execute("SELECT count(*) FROM task").fetchone() == (0,)


@pytest.mark.parametrize(
    ("role", "fault"),
    [("postgres", "passes row policies by"), ("latchkey_owner", "owns the tables")],
)
def test_it_does_not_serve_as_a_role_that_could_go_round_the_policies(
    site: tuple[str, dict[str, str]], cluster: Cluster, tmp_path: Path, role: str, fault: str
) -> None:
    given = {
        **site[1],
        "LATCHKEY_INSTANCE": str(tmp_path),
        "LATCHKEY_PORT": str(free_port()),
        "LATCHKEY_DATABASE_URL": cluster.url("served", role),
    }
    done = started(given)
    assert (done.returncode, done.stdout) == (1, "")
    assert fault in done.stderr
    assert done.stderr.count("\n") == 1


def test_it_says_in_one_line_that_it_may_not_migrate(cluster: Cluster, tmp_path: Path) -> None:
    cluster.create("unmigrated")
    given = {
        "LATCHKEY_INSTANCE": str(tmp_path),
        "LATCHKEY_PORT": str(free_port()),
        "LATCHKEY_DATABASE_URL": cluster.url("unmigrated", "latchkey_app"),
    }
    done = started(given)
    assert done.returncode == 1
    assert done.stderr.startswith("latchkey: the database could not be made ready: ")
    assert done.stderr.count("\n") == 1


def test_it_does_not_serve_a_table_that_has_no_policy(tmp_path: Path) -> None:
    given = {"LATCHKEY_INSTANCE": str(tmp_path), "LATCHKEY_PORT": str(free_port())}
    flask("db", "upgrade", **given)
    with closing(sqlite3.connect(tmp_path / "latchkey.sqlite3")) as database:
        database.execute("CREATE TABLE stray (id INTEGER)")
    done = started(given)
    fault = "table stray: it has no policy, and is not named as unreachable"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", f"latchkey: {fault}\n")
