"""What every test stands on: a real app on a real database, with three people in it."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import Context
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_migrate import upgrade
from joserfc.jwk import RSAKey
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.core import scopes
from app.core.principal import Channel, Principal
from app.extensions import db
from app.identity import accounts, anybody, passwords
from app.oauth import operator
from tests.databases import ReusableApp, copied, opened, pooled, reusable, urls_of
from tests.postgres import Cluster

pytest_plugins = ["tests.world"]

PASSWORD = "latchkey-demo"
# The real parameters cost a tenth of a second; tests/identity/test_passwords.py verifies them.
passwords._hash = PasswordHash((Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1),))
# Generating one takes 50 ms, and each database of a test wants its own.
RSAKey.generate_key = pooled(RSAKey.generate_key)  # type: ignore[method-assign] # no key is secret here
PEOPLE = {"ada": "Member", "ben": "Member", "grace": "Admin"}

Call = Callable[..., Any]
Person = Callable[..., Principal]


def change(statement: str, **given: object) -> None:
    """Change rows behind the back of the road; at least one."""
    with db.engine.begin() as connection:
        assert connection.execute(text(statement), given).rowcount


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a whole run be on another engine: --engine postgresql."""
    parser.addoption("--engine", choices=["sqlite", "postgresql"], default="sqlite")


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Return one worker more than there are processors: some tests wait for a process."""
    return (os.cpu_count() or 1) + 1


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what is marked so on either engine."""
    is_marked = metafunc.definition.get_closest_marker("both_engines") is not None
    if is_marked and "engine_name" in metafunc.fixturenames:
        metafunc.parametrize(
            "engine_name", ["sqlite", "postgresql"], indirect=True, scope="module"
        )


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Give a running PostgreSQL."""
    with Cluster.started() as cluster:
        yield cluster


@pytest.fixture(scope="module")
def engine_name(request: pytest.FixtureRequest) -> str:
    """Give the engine that the test is on."""
    return str(getattr(request, "param", request.config.getoption("--engine")))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a migrated SQLite database with the three people, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    with opened(folder):
        _make_people()
    return folder / "latchkey.sqlite3"


@pytest.fixture(scope="session")
def postgresql_template(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the name of the same on PostgreSQL."""
    cluster.create("people")
    with opened(tmp_path_factory.mktemp("people"), **urls_of(cluster, "people")):
        _make_people()
    return "people"


def _make_people() -> None:
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


@pytest.fixture(scope="module")
def reusable_app(
    request: pytest.FixtureRequest, engine_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ReusableApp]:
    """Build the app of a test file."""
    folder = tmp_path_factory.mktemp("app")
    with reusable(request, engine_name, folder, rate_limits="off", demo=True) as app:
        yield app


@pytest.fixture
def app(reusable_app: ReusableApp) -> Iterator[Flask]:
    """Yield the app of the test file as if it were new, on a database of the test's own."""
    with reusable_app.renewed() as app:
        app.test_client_class = Program
        yield app


@pytest.fixture
def unshared_app(
    request: pytest.FixtureRequest, engine_name: str, tmp_path: Path
) -> Iterator[Flask]:
    """Yield an app that no other test uses, for a test that adds routes to it."""
    with (
        copied(request, engine_name, tmp_path, "template") as urls,
        opened(tmp_path, rate_limits="off", demo=True, **urls) as app,
    ):
        yield app


@pytest.fixture
def person(app: Flask) -> Person:
    """Give a function from a name to that person's principal; by default with all their scopes."""

    def principal(
        name: str, *held: str, channel: Channel = Channel.BROWSER, reach: bool = True
    ) -> Principal:
        whole = anybody.principal_of(db.engine, f"{name}@example.com")
        of_roles = whole.reach if reach else frozenset()
        mine = frozenset(held) if held else whole.scopes
        return replace(whole, channel=channel, scopes=mine, reach=of_roles, openable=of_roles)

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
