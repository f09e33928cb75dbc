"""A database that cannot serve: everybody is told to come again, and nobody gets a 500."""

import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from app.extensions import db
from tests.blueprints.conftest import Browser
from tests.blueprints.doors import token_of
from tests.conftest import PASSWORD, Program
from tests.databases import on_both_engines
from tests.mcp.conftest import asking, headers_of, message
from tests.oauth.conftest import CALLBACK, CHALLENGE
from tests.postgres import ADMIN, Cluster

Token = Callable[..., str]
Break = Callable[[], None]


@pytest.fixture
def app(unshared_app: Flask) -> Flask:
    """Return an app of the test's own: what breaks its database would last."""
    unshared_app.test_client_class = Program
    return unshared_app


@pytest.fixture
def take_away(app: Flask, request: pytest.FixtureRequest) -> Iterator[Break]:
    """Return a function after which no connection to the database can be had."""
    if db.engine.dialect.name == "sqlite":
        folder = Path(app.extensions["settings"].instance)

        def move() -> None:
            _dispose()
            folder.rename(folder.with_name("away"))

        yield move
        folder.with_name("away").rename(folder)
        return
    with _admin(request) as admin:
        name = db.engine.url.database
        yield lambda: _restart(admin, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


@pytest.fixture
def make_read_only(app: Flask, request: pytest.FixtureRequest) -> Iterator[Break]:
    """Return a function after which the database takes no changes."""
    if db.engine.dialect.name == "sqlite":
        yield lambda: _on_each_connection("PRAGMA query_only = ON")
        return
    with _admin(request) as admin:
        name = db.engine.url.database
        yield lambda: _restart(
            admin, f"ALTER DATABASE {name} SET default_transaction_read_only = on"
        )


def _admin(request: pytest.FixtureRequest) -> "psycopg.Connection[Any]":
    cluster: Cluster = request.getfixturevalue("cluster")
    return psycopg.connect(cluster.url("postgres", ADMIN), autocommit=True)


def _restart(admin: "psycopg.Connection[Any]", statement: str) -> None:
    admin.execute(statement)
    admin.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
        (db.engine.url.database,),
    )
    # What is in the pool would fail once.
    _dispose()


def _dispose() -> None:
    for engine in db.engines.values():
        engine.dispose()


def _on_each_connection(pragma: str) -> None:
    def run(driver: sqlite3.Connection, _record: object) -> None:
        # When the guard has made its views; its authorizer would refuse the statement.
        driver.set_authorizer(None)
        driver.execute(pragma).close()

    _dispose()
    for engine in db.engines.values():
        event.listen(engine, "connect", run)


def _forms(app: Flask, secret: tuple[str, str]) -> dict[str, dict[str, str]]:
    client = {"client_id": secret[0], "client_secret": secret[1]}
    return {
        "/oauth/token": {"grant_type": "client_credentials", **client},
        "/oauth/revoke": {"token": "lk_rt_" + "0" * 49, **client},
        "/oauth/introspect": {"token": "lk_at_" + "0" * 49, **client},
        "/oauth/par": {"code_challenge": CHALLENGE, "redirect_uri": CALLBACK, **client},
        "/oauth/device_authorization": client,
    }


@pytest.fixture
def secret(app: Flask, call: Any, person: Any) -> tuple[str, str]:
    """Return id and secret of a client of Ada's."""
    client = {"name": "Reporter", "redirect_uris": [CALLBACK]}
    created = call("oauth_apps.create", person("ada"), client)
    return created.app.client_id, created.client_secret


@pytest.fixture
def browser(app: Flask, person: Any) -> Browser:
    """Return a browser in which Ada is signed in."""
    return Browser(app, person("ada").user_id)


@on_both_engines
def test_a_database_that_is_away_answers_503_everywhere(
    app: Flask,
    browser: Browser,
    token: Token,
    secret: tuple[str, str],
    take_away: Break,
    caplog: pytest.LogCaptureFixture,
) -> None:
    bearer = headers_of(token("ada"))
    forms, program = _forms(app, secret), app.test_client()
    visitor = app.test_client()
    guess = _guess(visitor)
    take_away()
    answers = {path: program.post(path, data=form) for path, form in forms.items()}
    answers |= {
        path: program.get(path, headers=bearer)
        for path in ("/api/tasks/list", "/oauth/userinfo", "/oauth/jwks", "/readyz")
    }
    answers["/oauth/register"] = program.post(
        "/oauth/register", json={"redirect_uris": [CALLBACK]}
    )
    answers["/api/tasks/create"] = program.post(
        "/api/tasks/create", headers=bearer, json={"title": "lost"}
    )
    pages = {
        path: browser.get(path) for path in ("/tasks", "/settings/oauth-apps", "/oauth/device")
    }
    pages["/login"] = visitor.post("/login", data=guess)
    pages["/oauth/authorize"] = browser.get("/oauth/authorize", client_id=secret[0])
    pages["part"] = browser.client.get("/tasks", headers={"HX-Request": "true"})
    for path, answer in {**answers, **pages}.items():
        assert (path, answer.status_code) == (path, 503)
        assert answer.headers["Retry-After"] == "2", path
    for path in (*forms, "/oauth/register"):
        body = answers[path].json
        assert body
        assert body["error"] == "temporarily_unavailable", path
    problem = answers["/api/tasks/list"].json
    assert problem
    assert problem["code"] == "unavailable"
    assert answers["/api/tasks/list"].mimetype == "application/problem+json"
    assert all("<html" in pages[path].text for path in pages if path != "part")
    assert program.get("/healthz").status_code == 200
    with asking(app) as ask:
        listed = ask("POST", "/mcp", json=message("tools/list"), headers=bearer)
    assert (listed.status_code, listed.headers["Retry-After"]) == (503, "2")
    # One line a second at most; the test before may have written the one of this second.
    assert len(caplog.records) <= 3
    assert all(record.exc_info is None for record in caplog.records)


def _guess(program: FlaskClient) -> dict[str, str]:
    """Return the form of somebody who signs in."""
    csrf = token_of(program, "/login")
    return {"csrf_token": csrf, "email": "ada@example.com", "password": PASSWORD}


@on_both_engines
def test_a_database_that_takes_no_changes_still_reads(
    app: Flask, browser: Browser, token: Token, secret: tuple[str, str], make_read_only: Break
) -> None:
    bearer, program = headers_of(token("ada")), app.test_client()
    visitor = app.test_client()
    guess = _guess(visitor)
    make_read_only()
    assert program.get("/api/tasks/list", headers=bearer).status_code == 200
    assert browser.get("/tasks").status_code == 200
    answers = {
        "create": program.post("/api/tasks/create", headers=bearer, json={"title": "lost"}),
        "token": program.post("/oauth/token", data=_forms(app, secret)["/oauth/token"]),
        "form": browser.submit("/tasks", {"title": "lost"}),
        "login": visitor.post("/login", data=guess),
        "ready": program.get("/readyz"),
    }
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(
        answers, 503
    )


@on_both_engines
def test_a_client_learns_at_its_redirect_uri_that_nothing_can_be_decided_now(
    browser: Browser, secret: tuple[str, str], make_read_only: Break
) -> None:
    asked = {
        "response_type": "code",
        "client_id": secret[0],
        "redirect_uri": CALLBACK,
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    make_read_only()
    answer = browser.get("/oauth/authorize", **asked)
    assert answer.status_code == 303
    told = parse_qs(urlsplit(answer.headers["Location"]).query)
    assert (told["error"], told["state"]) == (["temporarily_unavailable"], ["s"])


def test_a_full_disk_answers_503_and_is_not_ready(app: Flask, token: Token) -> None:
    bearer, program = headers_of(token("ada")), app.test_client()
    _on_each_connection("PRAGMA max_page_count = 1")
    long = {"title": "lost", "notes": "x" * 4000}
    # What is free in the file is used up first.
    for _ in range(20):
        answer = program.post("/api/tasks/create", headers=bearer, json=long)
        if answer.status_code != 200:
            break
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert program.get("/api/tasks/list", headers=bearer).status_code == 200


def test_a_fault_in_a_statement_is_still_a_bug(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    app.add_url_rule(
        "/broken", "broken", lambda: str(db.session.execute(db.text("SELECT nothing")))
    )
    with caplog.at_level(logging.ERROR):
        assert app.test_client().get("/broken").status_code == 500
    assert caplog.records[-1].exc_info
