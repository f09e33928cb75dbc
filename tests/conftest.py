"""What every test stands on: a real app on a real database, with three people in it."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import Context
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import text
from werkzeug.test import TestResponse

import config
from app import create_app
from app.core import scopes
from app.core.principal import Channel, Principal
from app.extensions import db
from app.identity import accounts
from app.oauth import operator

pytest_plugins = ["tests.world"]

PASSWORD = "latchkey-demo"
PEOPLE = {"ada": "Member", "ben": "Member", "grace": "Admin"}

Call = Callable[..., Any]
Person = Callable[..., Principal]


def change(statement: str, **given: object) -> None:
    """Change rows behind the back of the road; at least one."""
    with db.engine.begin() as connection:
        assert connection.execute(text(statement), given).rowcount


@pytest.fixture(scope="session")
def template_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated database with the three people, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    app = create_app(config.load(instance=folder, secret_key="of the tests"))
    with app.app_context():
        upgrade()
        for name, role in PEOPLE.items():
            accounts.create(
                db.engine,
                email=f"{name}@example.com",
                name=name.title(),
                password=PASSWORD,
                role=role,
                now=int(time.time()),
            )
        for engine in db.engines.values():
            engine.dispose()
    return folder / "latchkey.sqlite3"


def stop_the_minute(app: Flask) -> None:
    """Let no window of a share end while a test counts what is spent in it."""
    shares = app.extensions["shares"]
    for each in fields(shares):
        getattr(shares, each.name)._now = lambda: 0.0


class Program(FlaskClient):
    """A client whose requests begin as the server's do: with nothing of the test around them."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """Send a request outside the test's application context."""
        return Context().run(super().open, *args, **kwargs)


@pytest.fixture
def app(template_database: Path, tmp_path: Path) -> Iterator[Flask]:
    """Give an app on a database of its own."""
    (tmp_path / "latchkey.sqlite3").write_bytes(template_database.read_bytes())
    app = create_app(
        config.load(instance=tmp_path, secret_key="of the tests", rate_limits="off", demo=True)
    )
    app.test_client_class = Program
    with app.app_context():
        yield app
        for engine in db.engines.values():
            engine.dispose()


@pytest.fixture
def person(app: Flask) -> Person:
    """Give a function from a name to that person's principal; by default with all their scopes."""

    def principal(
        name: str, *held: str, channel: Channel = Channel.BROWSER, reach: bool = True
    ) -> Principal:
        with db.engine.connect() as connection:
            user_id = connection.exec_driver_sql(
                "SELECT id FROM user_account WHERE email = ?", (f"{name}@example.com",)
            ).scalar_one()
            of_roles = frozenset(
                connection.exec_driver_sql(
                    "SELECT scope FROM role_scope JOIN user_role USING (role_id) "
                    "WHERE user_id = ?",
                    (user_id,),
                ).scalars()
            )
        mine = frozenset(held) if held else of_roles
        return Principal(channel, user_id, mine, of_roles if reach else frozenset())

    return principal


@pytest.fixture
def call(app: Flask) -> Call:
    """Give a function that runs a procedure: name, principal, arguments."""

    def run(name: str, principal: Principal, arguments: Mapping[str, Any] | None = None) -> Any:
        return app.extensions["pipeline"].call(name, principal, arguments or {})

    return run


@pytest.fixture
def client_id(app: Flask, call: Call, person: Person) -> str:
    """Give the id of a confidential OAuth client of Ada's."""
    made = call(
        "oauth_apps.create",
        person("ada"),
        {"name": "Reporter", "redirect_uris": ["http://127.0.0.1:9999/callback"]},
    )
    return str(made.app.client_id)


@pytest.fixture
def token(app: Flask, client_id: str) -> Callable[..., str]:
    """Give a function from a name and scopes to an access token of Ada's client."""

    def mint(name: str, *held: str, resource: str | None = None) -> str:
        answer = operator.mint_token(
            db.engine,
            client_id=client_id,
            email=f"{name}@example.com",
            granted=frozenset(held or scopes.BASIC),
            now=int(time.time()),
            resource=resource,
        )
        return str(answer["access_token"])

    return mint
