"""The server of `make run` on a free port, a browser, and a program that waits for the answer."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from html import unescape
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from flask_migrate import upgrade
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from app.blueprints.operator import demo
from tests.databases import opened

PROJECT = Path(__file__).parents[2]
PASSWORD = "latchkey-demo"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def demo_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a migrated SQLite file with the demo workspace, to be copied."""
    folder = tmp_path_factory.mktemp("demo")
    with opened(folder, demo=True) as app:
        upgrade()
        demo.seed(app)
    return folder / "latchkey.sqlite3"


@pytest.fixture(scope="module")
def site(demo_database: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the address of a server of the test file's own, with the demo workspace in it."""
    instance = tmp_path_factory.mktemp("instance")
    (instance / "latchkey.sqlite3").write_bytes(demo_database.read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {
        **os.environ,
        "LATCHKEY_INSTANCE": str(instance),
        "LATCHKEY_PORT": str(port),
        "LATCHKEY_DEMO": "1",
        "LATCHKEY_RATE_LIMITS": "off",
    }
    with subprocess.Popen(
        [sys.executable, "asgi.py"],
        cwd=PROJECT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout
        first = server.stdout.readline()
        assert str(port) in first, first
        yield f"http://127.0.0.1:{port}"
        server.terminate()
        assert server.wait(10) in (0, -15)


@pytest.fixture(scope="session")
def chromium_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the browser that `make test` found or installed; yield where it is controlled."""
    profile = tmp_path_factory.mktemp("chromium")
    with subprocess.Popen(  # noqa: S603 - the browser that the Makefile names
        [
            os.environ["CHROMIUM"],
            *FLAGS,
            "--hide-scrollbars",
            "--remote-debugging-port=0",
            f"--user-data-dir={profile}",
            "about:blank",
        ],
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr
        lines = (line.partition("DevTools listening on ")[2] for line in process.stderr)
        address = next(filter(None, lines)).strip()
        # Read on: a full pipe would stop the browser.
        reader = Thread(target=process.stderr.read)
        reader.start()
        yield address
        process.terminate()
        reader.join()


# Playwright's loop runs in this thread while it is open, and other tests have loops of their own.
@pytest.fixture(scope="module")
def chromium(chromium_process: str) -> Iterator[Browser]:
    """Yield the worker's browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.connect_over_cdp(chromium_process)
        yield browser
        browser.close()


class Person:
    """Someone in front of a browser of their own; what the browser complains about is kept."""

    def __init__(self, context: BrowserContext, site: str) -> None:
        self.site = site
        self.complaints: list[str] = []
        self.page = context.new_page()
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def sign_in(self, name: str) -> Page:
        """Sign in by the form's request; test_device.py and test_staying.py type into the form."""
        with requests.Session() as http:
            login = http.get(f"{self.site}/login")
            credentials = {"email": f"{name}@example.com", "password": PASSWORD}
            http.post(f"{self.site}/login", data={**hidden(login.text), **credentials})
            cookies = [{"name": c.name, "value": c.value, "url": self.site} for c in http.cookies]
        self.page.context.add_cookies(cookies)  # type: ignore[arg-type] # a typed dictionary
        self.page.goto(f"{self.site}/tasks")
        self.page.wait_for_url("**/tasks")
        return self.page

    def _hear(self, message: Any) -> None:
        # A 4xx answer is what some tests are about; the browser writes each down as an error.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)


@pytest.fixture
def people(chromium: Browser, site: str) -> Iterator[Any]:
    """Give a function that brings one more person; none may have had a complaint at the end."""
    contexts: list[BrowserContext] = []
    present: list[Person] = []

    def bring(**options: Any) -> Person:
        contexts.append(chromium.new_context(**options))
        present.append(Person(contexts[-1], site))
        return present[-1]

    yield bring
    for context in contexts:
        context.close()
    assert [complaint for person in present for complaint in person.complaints] == []


class Callback:
    """A program on this computer that the browser is sent back to."""

    def __init__(self) -> None:
        self.answers: Queue[dict[str, str]] = Queue()
        answers = self.answers

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/callback":
                    answers.put(dict(parse_qsl(parts.query)))
                self.send_response(200)
                self.send_header("Content-Type", "text/plain")
                self.end_headers()
                self.wfile.write(b"Back in the program.")

            def log_message(self, *_args: Any) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.uri = f"http://127.0.0.1:{self._server.server_port}/callback"
        self._thread = Thread(target=self._server.serve_forever)
        self._thread.start()

    def answer(self) -> dict[str, str]:
        """Give what the browser brought."""
        return self.answers.get(timeout=20)

    def close(self) -> None:
        """Stop waiting."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def callback() -> Iterator[Callback]:
    """Give a program that waits for the browser."""
    program = Callback()
    yield program
    program.close()


def hidden(html: str) -> dict[str, str]:
    """Give the hidden fields of a page's forms."""
    found = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html)
    return {name: unescape(value) for name, value in reversed(found)}


def ticked(html: str) -> list[str]:
    """Give the scopes that a consent page offers, each with its tick."""
    return re.findall(r'name="scope" value="([^"]+)" checked', html)


def allow(site: str, name: str, authorization_url: str) -> dict[str, str]:
    """Do what a person does with an authorization URL, without a browser; give the answer."""
    with requests.Session() as person:
        login = person.get(authorization_url)
        sent = {"email": f"{name}@example.com", "password": PASSWORD}
        consent = person.post(f"{site}/login", data={**hidden(login.text), **sent})
        assert "Allow" in consent.text, consent.text
        decided = person.post(
            f"{site}/oauth/consent",
            data={**hidden(consent.text), "decision": "allow", "scope": ticked(consent.text)},
            allow_redirects=False,
        )
        assert decided.status_code == 303, decided.text
        return dict(parse_qsl(urlsplit(decided.headers["Location"]).query))
