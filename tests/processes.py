"""Whole processes of the product on an instance that a test shares with them, and their load."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPResponse
from json import loads
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

import config
from tests.conftest import Program
from tests.databases import copied, opened

PROJECT = Path(__file__).parents[1]
_FORM = "application/x-www-form-urlencoded"
# Seconds that a process may take until it answers, or until it has ended.
_PATIENCE = 60


@contextmanager
def sharing(database: Path, instance: Path, **settings: Any) -> Iterator[Flask]:
    """Give an app on a copy of a SQLite database, ready to share its instance with processes."""
    (instance / "latchkey.sqlite3").write_bytes(database.read_bytes())
    with _shared(instance, **settings) as app:
        yield app


@contextmanager
def sharing_on(
    request: pytest.FixtureRequest, engine: str, instance: Path, **settings: Any
) -> Iterator[Flask]:
    """Give the same on either engine."""
    with (
        copied(request, engine, instance, "template") as urls,
        _shared(instance, **urls, **settings) as app,
    ):
        yield app


@contextmanager
def _shared(instance: Path, **settings: Any) -> Iterator[Flask]:
    with opened(instance, **{"rate_limits": "off", **settings}) as app:
        app.test_client_class = Program
        yield app


@contextmanager
def serving(app: Flask, *ports: int, **settings: str) -> Iterator[list[str]]:
    """Run `asgi.py` on each of the ports, on an app's instance and with its keys.

    Gives the addresses. At the end no process may have met a bug.
    """
    shared = app.extensions["settings"]
    logs = [shared.instance / f"{port}.log" for port in ports]
    with ExitStack() as running:
        started = [
            running.enter_context(_started(shared, port, log, settings))
            for port, log in zip(ports, logs, strict=True)
        ]
        for process in started:
            assert process.stdout
            assert process.stdout.readline() == f"Latchkey is at {shared.public_url}\n"
        yield [f"http://127.0.0.1:{port}" for port in ports]
    assert [log.read_text() for log in logs] == [""] * len(ports)


def environment(shared: config.Settings, **settings: str) -> dict[str, str]:
    """Give the environment of a process that shares an app's instance and its keys."""
    given = {
        "INSTANCE": str(shared.instance),
        "PUBLIC_URL": shared.public_url,
        "SECRET_KEY": shared.secret_key,
        "RATE_LIMITS": shared.rate_limits,
        "DATABASE_URL": shared.database_url,
        "MIGRATION_URL": shared.migration_url,
        **settings,
    }
    kept = {name: value for name, value in os.environ.items() if "LATCHKEY" not in name}
    return {**kept, **{f"LATCHKEY_{name}": value for name, value in given.items()}}


def free_port() -> int:
    """Give a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def _started(
    shared: config.Settings, port: int, log: Path, settings: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "asgi.py"],
            cwd=PROJECT,
            env=environment(shared, PORT=str(port), **settings),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            # Not killed: its workers would live on.
            process.terminate()
            process.communicate(timeout=_PATIENCE)


@dataclass(frozen=True, slots=True)
class Ask:
    """A request, as the bytes that go over the wire; a form is posted, if there is one."""

    path: str
    form: Mapping[str, str | Sequence[str]] | None = None
    headers: Mapping[str, str] | None = None
    body: bytes = b""

    def wire(self) -> bytes:
        """Give its bytes."""
        is_form = self.form is not None
        body = urlencode(self.form or {}, doseq=True).encode() if is_form else self.body
        method = "POST" if is_form or body else "GET"
        given = {
            "Host": "127.0.0.1",
            "Connection": "close",
            **({"Content-Type": _FORM} if is_form else {}),
            **({"Content-Length": str(len(body))} if method == "POST" else {}),
            **(self.headers or {}),
        }
        lines = [f"{method} {self.path} HTTP/1.1", *(f"{k}: {v}" for k, v in given.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body


@dataclass(frozen=True, slots=True)
class Said:
    """What a process answered."""

    status: int
    headers: Message
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body of an answer in JSON."""
        return dict(loads(self.body))


def sent(address: str, ask: Ask) -> Said:
    """Send one request to a process."""
    return at_once([address], [ask])[0]


def at_once(addresses: Sequence[str], asks: Sequence[Ask]) -> list[Said]:
    """Send requests to processes in turn, all of them at the same moment; give the answers.

    Each is whole but for its last byte before the first of these bytes goes out, so that
    neither the connections nor the kernel put them in a row.
    """
    with ExitStack() as open_:
        lines = [
            open_.enter_context(_connected(addresses[number % len(addresses)]))
            for number in range(len(asks))
        ]
        wires = [ask.wire() for ask in asks]
        for line, wire in zip(lines, wires, strict=True):
            line.sendall(wire[:-1])
        for line, wire in zip(lines, wires, strict=True):
            line.sendall(wire[-1:])
        return [_answer(line) for line in lines]


def _connected(address: str) -> socket.socket:
    host, _, port = address.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=_PATIENCE)


def _answer(line: socket.socket) -> Said:
    with HTTPResponse(line) as response:
        response.begin()
        return Said(response.status, response.headers, response.read())


def cookie_of(browser: FlaskClient, app: Flask) -> dict[str, str]:
    """Give the header with which a process knows a browser that signed in to its app."""
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = browser.get_cookie(name)
    assert cookie
    return {"Cookie": f"{name}={cookie.value}"}
