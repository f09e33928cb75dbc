"""`python asgi.py` as an operator meets it: how it starts, what it says, how it stops."""

import os
import runpy
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from flask import Flask

Token = Callable[..., str]
_PROJECT = Path(__file__).parents[2]


def _started(instance: Path, **settings: str) -> subprocess.Popen[str]:
    given = {f"LATCHKEY_{name}": value for name, value in settings.items()}
    kept = {name: value for name, value in os.environ.items() if "LATCHKEY" not in name}
    return subprocess.Popen(
        [sys.executable, "asgi.py"],
        cwd=_PROJECT,
        env={**kept, **given, "LATCHKEY_INSTANCE": str(instance)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@contextmanager
def _serving(instance: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run it on a free port, and give process and address once it says where it is."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = _started(instance, PORT=str(port), **settings)
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said == f"Latchkey is at http://127.0.0.1:{port}\n"
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.communicate()


def _patient() -> httpx2.Client:
    """Give a client that the server's backlog keeps waiting until the first worker is up."""
    return httpx2.Client(timeout=30)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"PORT": "many"}, "latchkey: LATCHKEY_PORT:"),
        ({"PROT": "8000"}, "latchkey: LATCHKEY_PROT: there is no such setting"),
    ],
)
def test_a_broken_setting_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, settings: dict[str, str], line: str
) -> None:
    for name, value in {"INSTANCE": str(tmp_path), **settings}.items():
        monkeypatch.setenv(f"LATCHKEY_{name}", value)
    mask = os.umask(0o077)
    try:
        with pytest.raises(SystemExit) as stop:
            runpy.run_path(str(_PROJECT / "wsgi.py"))
    finally:
        os.umask(mask)
    # Python prints such a code to standard error, and ends with status 1.
    message = str(stop.value.code)
    assert message.startswith(line)
    assert "\n" not in message


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = _started(tmp_path, PORT=port)
        said = process.communicate(timeout=30)[0]
    assert process.returncode == 1
    assert said.startswith(f"latchkey: cannot listen on 127.0.0.1 port {port}: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_an_open_stream_does_not_hold_up_the_stop(
    app: Flask, token: Token, sign: signal.Signals
) -> None:
    held = {"Authorization": f"Bearer {token('ada')}"}
    with _serving(app.extensions["settings"].instance) as (process, address), _patient() as http:
        with http.stream("GET", f"{address}/sse", headers=held) as stream:
            assert next(stream.iter_lines()) == "event: endpoint"
            process.send_signal(sign)
            said = process.communicate(timeout=5)[0]
        assert process.returncode in (0, -sign)
        assert "Traceback" not in said


def test_two_workers_share_the_port(app: Flask, token: Token) -> None:
    held = {"Authorization": f"Bearer {token('ada')}"}
    instance = app.extensions["settings"].instance
    with _serving(instance, WORKERS="2") as (process, address), _patient() as http:
        assert http.get(f"{address}/api/tasks/list", headers=held).status_code == 200
        assert http.post(f"{address}/mcp").status_code == 401
        assert process.stdout is not None
        assert "LATCHKEY_WORKERS=1" in process.stdout.readline()
        process.terminate()
        said = process.communicate(timeout=10)[0]
    assert process.returncode == 0
    assert "Traceback" not in said
