"""What docs/postgresql.md says is so."""

import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import requests

from app.blueprints.operator.postgres_server import Server
from app.blueprints.operator.postgres_setup import Names, set_up
from tests.browser.conftest import PASSWORD, hidden
from tests.postgres import ADMIN, NEWEST, OLDEST, Cluster, client_programs
from tests.processes import PROJECT, free_port

DOCS = (Path(__file__).parent.parent / "docs" / "postgresql.md").read_text()
# What the server notes of a database, of its roles, and of the rights in it.
NOTED = """
SELECT to_jsonb(pg_database) - '{oid,datname,datdba,datfrozenxid,datminmxid}'::text[]
    || jsonb_build_object('owner', pg_get_userbyid(datdba))
FROM pg_database WHERE datname = current_database()
UNION ALL
SELECT to_jsonb(pg_roles) - 'oid' FROM pg_roles WHERE rolname IN (%(owner)s, %(app)s)
UNION ALL
SELECT to_jsonb(nspacl::text) FROM pg_namespace WHERE nspname = 'public'
UNION ALL
SELECT jsonb_build_array(defaclobjtype, defaclnamespace::regnamespace, defaclacl::text)
FROM pg_default_acl
"""


def noted(cluster: Cluster, names: Names) -> list[str]:
    """Give what the server notes, in the same words whatever the names are."""
    roles = {"owner": names.owner, "app": names.app}
    with psycopg.connect(cluster.url(names.database, ADMIN)) as admin:
        rows = [str(row) for [row] in admin.execute(NOTED, roles)]
    return sorted(row.replace(names.owner, "OWNER").replace(names.app, "APP") for row in rows)


@pytest.mark.parametrize("release", [OLDEST, NEWEST])
def test_what_one_types_by_hand_makes_what_the_command_makes(release: int) -> None:
    [typed] = re.findall(r"```sql\n(.*?)```", DOCS, re.DOTALL)
    outside, inside = re.sub(r"--.*|\\password.*", "", typed).split("\\connect latchkey\n")
    other = Names("other", "other_owner", "other_app")
    with Cluster.started(release) as cluster:
        for database, statements in (("postgres", outside), ("latchkey", inside)):
            with psycopg.connect(cluster.url(database, ADMIN), autocommit=True) as admin:
                for statement in filter(str.strip, statements.split(";")):
                    admin.execute(statement)
        set_up(Server(cluster.admin_url), other)
        assert len(noted(cluster, other)) == 7
        assert noted(cluster, Names()) == noted(cluster, other)


# What stands for the machine of the newcomer: its administrator, its packages, and the set-up.
COMMANDS = {
    # Debian knows an account by its name, over the socket ("peer").
    "sudo": 'export PGUSER=$2 PGHOST=$SOCKET PGPORT=$SERVER\nshift 2\nexec "$@"',
    "git": 'mkdir latchkey\nln -s "$PROJECT"/* "$PROJECT"/.venv latchkey/',
    "make": 'test "$1" = install || LATCHKEY_DEMO=1 exec .venv/bin/python asgi.py',
}


def newcomers_blocks() -> list[str]:
    """Return the commands of the section for newcomers, a block at a time."""
    [section] = re.findall(r"^## On Debian(.*?)^## ", DOCS, re.DOTALL | re.MULTILINE)
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def test_the_first_command_installs_what_this_machine_has() -> None:
    first = newcomers_blocks()[0].splitlines()[0]
    assert first == "sudo apt-get install postgresql git make python3-venv"


def test_a_newcomer_on_debian_comes_to_a_served_page(tmp_path: Path) -> None:
    port, server_port = free_port(), free_port()
    with Cluster.started(OLDEST, "scram-sha-256", server_port) as cluster:
        environment = _machine(tmp_path, cluster, port, server_port)
        *to_the_page, afterwards = newcomers_blocks()
        script = "".join(to_the_page).partition("\n")[2].replace("<this repository>", "here")
        script = script.replace("@localhost/", f"@localhost:{server_port}/")
        with _running(script, tmp_path, environment) as lines:
            assert next(lines) == f"Latchkey is at http://127.0.0.1:{port}\n"
            _sign_in(f"http://127.0.0.1:{port}")
            subprocess.run(  # noqa: S603 - the document's own command
                ["/bin/sh", "-e", "-c", afterwards],
                env=environment, check=True, capture_output=True,
            )  # fmt: skip
            _sign_in(f"http://127.0.0.1:{port}")


def _machine(folder: Path, cluster: Cluster, port: int, server_port: int) -> dict[str, str]:
    commands = folder / "commands"
    commands.mkdir()
    for name, script in COMMANDS.items():
        (commands / name).write_text(f"#!/bin/sh\n{script}\n")
        (commands / name).chmod(0o755)
    return {
        "PATH": f"{commands}:{client_programs()}:/usr/bin:/bin",
        "HOME": str(folder),
        "PROJECT": str(PROJECT),
        "SOCKET": str(cluster.folder),
        "SERVER": str(server_port),
        "LATCHKEY_PORT": str(port),
        "LATCHKEY_INSTANCE": str(folder / "instance"),
    }


@contextmanager
def _running(script: str, folder: Path, environment: dict[str, str]) -> Iterator[Iterator[str]]:
    """Type a script, as one who answers twice when asked for a password."""
    with subprocess.Popen(  # noqa: S603 - the document's own commands
        ["/bin/sh", "-e", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Without a terminal, createuser asks the standard input.
        start_new_session=True,
    ) as shell:
        assert shell.stdin
        assert shell.stdout
        shell.stdin.write("PASSWORD\nPASSWORD\n")
        shell.stdin.close()
        try:
            yield iter(shell.stdout)
        finally:
            os.killpg(shell.pid, signal.SIGTERM)


def _sign_in(site: str) -> None:
    with requests.Session() as browser:
        form = hidden(browser.get(f"{site}/login").text)
        form |= {"email": "ada@example.com", "password": PASSWORD}
        page = browser.post(f"{site}/login", data=form, headers={"Referer": f"{site}/login"})
        assert page.url == f"{site}/tasks"
