"""Schemathesis against the document: what it calls valid is accepted, and nothing else is."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.serving import make_server

from app.core.principal import Channel
from app.procedures import catalogue
from tests.surfaces.demo_site import demo_site, token_of

_PROGRAM = Path(sys.executable).with_name("schemathesis")
_SEED = "1"
_SENT = re.compile(r"(?P<generated>\d+) generated, (?P<passed>\d+) passed")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Return an app on the demo workspace."""
    with demo_site(tmp_path_factory.mktemp("demo")) as app:
        yield app


@pytest.fixture(scope="module")
def address(site: Flask) -> Iterator[str]:
    """Return the address at which the app answers."""
    server = make_server("127.0.0.1", 0, site, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


# Its three runs take 20 seconds together on two idle cores.
# The phase "coverage" sends 2,000 requests with each boundary of each field: once, as the person
# who reaches every operation. The others send what random inputs add to it, and
# before the admin, who deletes people.
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("person", "phases", "examples"),
    [("", "fuzzing", "1"), ("ada", "examples,fuzzing", "2"), ("grace", "coverage,fuzzing", "2")],
    ids=["nobody", "member", "admin"],
)
def test_schemathesis_finds_nothing(
    person: str, phases: str, examples: str, address: str, tmp_path: Path
) -> None:
    token = ["--header", f"Authorization: Bearer {token_of(person)}"] if person else []
    found = subprocess.run(  # noqa: S603 - a pinned program
        [
            *(_PROGRAM, "run", f"{address}/api/openapi.json", "--url", address, "--no-color"),
            *("--phases", phases, "--max-examples", examples, "--seed", _SEED),
            *("--generation-deterministic", "--continue-on-failure", *token),
        ],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "120"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    tested, sent = re.search(r"Tested: (\d+)", found.stdout), _SENT.search(found.stdout)
    assert tested
    assert sent
    assert int(tested[1]) == len(catalogue().on(Channel.API))
    assert sent["passed"] == sent["generated"]
