"""A person's browser without a script: it keeps cookies, and sends what forms hold."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, session
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import config
from app import create_app
from app.extensions import db
from app.identity.session import sign_in
from tests.blueprints.terminal import Run
from tests.conftest import Person, Program


class Browser:
    """One browser, signed in as one person; `client` sends what it never would."""

    def __init__(self, app: Flask, user_id: int) -> None:
        self.client = app.test_client()
        with app.test_request_context():
            sign_in(user_id)
            begun = dict(session)
        with self.client.session_transaction() as kept:
            kept.update(begun)
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/logout").text)
        assert found
        self.token = found[1]

    def get(self, path: str, **query: str) -> TestResponse:
        """Follow a link."""
        return self.client.get(path, query_string=query or None)

    def submit(self, path: str, fields: dict[str, Any] | None = None) -> TestResponse:
        """Send a form."""
        return self.client.post(path, data={**(fields or {}), "csrf_token": self.token})

    def swap(self, path: str, fields: dict[str, Any] | None = None) -> TestResponse:
        """Send a form as HTMX does."""
        headers = {"HX-Request": "true", "X-CSRFToken": self.token}
        return self.client.post(path, data=fields or {}, headers=headers)

    def submit_without_token(self, path: str) -> TestResponse:
        """Send what another site could send."""
        return self.client.post(path)


@pytest.fixture
def browser(app: Flask, person: Person) -> Callable[[str], Browser]:
    """Give a function from a name to that person's browser."""
    return lambda name: Browser(app, person(name).user_id or 0)


@pytest.fixture
def ada(browser: Callable[[str], Browser]) -> Browser:
    """Give Ada's browser."""
    return browser("ada")


@pytest.fixture
def grace(browser: Callable[[str], Browser]) -> Browser:
    """Give the browser of Grace, who is an admin."""
    return browser("grace")


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    """Give a browser in which nobody is signed in."""
    return app.test_client()


@pytest.fixture
def deployed(sqlite_template: Path, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Give a function that makes an app with other settings, on a database of its own."""
    made: list[Flask] = []

    def deploy(**settings: Any) -> Flask:
        instance = tmp_path / f"deployed-{len(made)}"
        instance.mkdir()
        (instance / "latchkey.sqlite3").write_bytes(sqlite_template.read_bytes())
        made.append(create_app(config.load(instance=instance, secret_key="k" * 40, **settings)))
        made[-1].test_client_class = Program
        return made[-1]

    yield deploy
    for app in made:
        with app.app_context():
            for engine in db.engines.values():
                engine.dispose()


@pytest.fixture
def run(app: Flask) -> Run:
    """Give a function that types a command: its words, and what stands on standard input."""
    return lambda *words, given=None: app.test_cli_runner().invoke(args=words, input=given)
