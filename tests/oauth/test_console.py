"""The console's own client."""

import json
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import scopes
from app.extensions import db
from app.oauth import console
from tests.conftest import PASSWORD, Call, Person, change
from tests.oauth.conftest import ISSUER, Flow, answer_of


def found() -> tuple[int | None, list[str]]:
    """Give when the client was revoked, and its redirect URIs."""
    with db.engine.connect() as connection:
        revoked_at, uris = connection.exec_driver_sql(
            "SELECT revoked_at, redirect_uris FROM client WHERE client_id = ?",
            (console.CLIENT_ID,),
        ).one()
    return revoked_at, json.loads(uris)


def test_the_console_has_one_client_whose_redirect_uri_follows_the_public_url(app: Flask) -> None:
    console.ensure(db.engine, "http://127.0.0.1:8000", now=1)
    console.ensure(db.engine, "https://latchkey.example.com", now=2)
    assert found() == (
        None,
        ["https://latchkey.example.com/docs/api/oauth2-redirect.html"],
    )


def test_a_revoked_console_stays_revoked(app: Flask, call: Call, person: Person) -> None:
    console.ensure(db.engine, "http://127.0.0.1:8000", now=1)
    call("oauth_clients.revoke", person("grace"), {"client_id": console.CLIENT_ID})
    console.ensure(db.engine, "http://127.0.0.1:8000", now=2)
    assert found()[0] is not None


@pytest.fixture
def console_of(app: Flask, flow: Flow) -> Callable[[str], Flow]:
    """Give a function from a name to that person's way through the console's authorization."""
    console.ensure(db.engine, ISSUER, now=1)

    def sign_in(name: str) -> Flow:
        browser = app.test_client()
        page = browser.get("/login")
        found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        assert found
        form = {"csrf_token": found[1], "email": f"{name}@example.com", "password": PASSWORD}
        assert browser.post("/login", data=form).status_code == 303
        uri = ISSUER + console.CALLBACK
        return Flow(browser, console.CLIENT_ID, None, redirect_uri=uri)

    return sign_in


def offered(browser: FlaskClient) -> list[str]:
    """Return the scopes that the console's dialog offers."""
    found = re.search(r'data-offered="([^"]*)"', browser.get("/docs/api").text)
    assert found
    return found[1].split()


def test_the_console_offers_what_the_person_can_grant(
    app: Flask, console_of: Callable[[str], Flow], person: Person
) -> None:
    for name in ("ada", "grace"):
        flow = console_of(name)
        names = offered(flow.browser)
        assert set(names) - scopes.IDENTITY <= person(name).scopes
        assert ("users:editAll" in names) is (name == "grace")
        # All of it is granted, and nothing else is offered.
        assert set(flow.tokens(scope=" ".join(names))["scope"].split()) == set(names)
    visitor = offered(app.test_client())
    assert "tasks:view" in visitor
    assert set(visitor).isdisjoint(scopes.ADMIN)


def test_an_admin_is_asked_each_time_for_power_over_the_workspace(
    console_of: Callable[[str], Flow],
) -> None:
    flow = console_of("grace")
    for scope, is_asked_again in (("users:viewAll", True), ("tasks:view", False)):
        page = flow.authorize(scope=scope)
        assert page.status_code == 200
        assert ("Rules the workspace" in page.text) is is_asked_again
        assert flow.decide(page).status_code == 303
        assert (flow.authorize(scope=scope).status_code == 200) is is_asked_again
    silent = answer_of(flow.authorize(scope="users:viewAll", prompt="none"))
    assert silent["error"] == "consent_required"


def test_the_consoles_code_goes_to_this_servers_page_alone(
    console_of: Callable[[str], Flow],
) -> None:
    flow = console_of("ada")
    assert flow.authorize().status_code == 200
    for uri in ("http://127.0.0.1:9999", "http://localhost:8000", "http://127.0.0.1"):
        answer = flow.authorize(redirect_uri=uri + console.CALLBACK)
        assert answer.status_code == 400, uri
        assert "Location" not in answer.headers


def test_the_console_gets_tokens_by_the_dialog_alone(
    app: Flask, console_of: Callable[[str], Flow]
) -> None:
    flow = console_of("grace")
    asked = {"client_id": console.CLIENT_ID, "scope": "users:editAll"}
    device = app.test_client().post("/oauth/device_authorization", data=asked)
    assert (device.json or {})["error"] == "unauthorized_client"
    answer = flow.tokens(scope="users:viewAll offline_access")
    assert "refresh_token" not in answer


def test_an_admin_can_take_the_trust_from_the_console(
    app: Flask, call: Call, person: Person, console_of: Callable[[str], Flow]
) -> None:
    flow = console_of("grace")
    assert "users:viewAll" in offered(flow.browser)
    rules = {"client_id": console.CLIENT_ID, "scopes": ["tasks:view"], "is_trusted": False}
    call("client_rules.set", person("grace"), rules)
    console.ensure(db.engine, ISSUER, now=2)
    assert offered(flow.browser) == ["tasks:view"]


def test_a_console_of_before_is_trusted_at_the_next_start(
    console_of: Callable[[str], Flow],
) -> None:
    flow = console_of("grace")
    change("UPDATE client SET is_trusted = false, scopes = 'tasks:view' WHERE source = 'built-in'")
    console.ensure(db.engine, ISSUER, now=2)
    assert "users:viewAll" in offered(flow.browser)
