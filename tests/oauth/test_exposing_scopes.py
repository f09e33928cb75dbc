"""Scopes that open the rows of others are admin scopes: a client has them while it is trusted."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.core import scopes
from app.core.principal import Channel
from app.core.resource import API
from app.procedures import catalogue
from app.surfaces.mcp import Tools
from tests.blueprints.terminal import refused
from tests.conftest import Call, Person, change
from tests.databases import on_both_engines
from tests.oauth.conftest import CALLBACK, Flow, answer_of, sign_in
from tests.oauth.test_consent_page import words
from tests.oauth.test_introspection import introspect
from tests.oauth.test_trusted_clients import RULING

ASKED = "tasks:view tasks:viewAll settings:edit"
# As a client stands that was registered before these were admin scopes.
FROM_BEFORE = (
    "UPDATE client SET scopes = scopes || ' tasks:viewAll settings:edit', "
    "scope_bound = scopes || ' tasks:viewAll settings:edit'"
)


@pytest.fixture
def flow(app: Flask, call: Call, person: Person) -> Flow:
    """Return a client of Ada's, with Grace in front of the browser."""
    given = {"name": "Console", "redirect_uris": [CALLBACK]}
    made = call("oauth_apps.create", person("ada"), given)
    return Flow(sign_in(app.test_client(), "grace"), made.app.client_id, made.client_secret)


def status(flow: Flow, token: str, name: str) -> int:
    program = flow.browser.application.test_client()
    bearer = {"Authorization": f"Bearer {token}"}
    if name.endswith("update"):
        return program.post(f"/api/{name}", json={"name": "Mine"}, headers=bearer).status_code
    return program.get(f"/api/{name}", headers=bearer).status_code


@pytest.mark.parametrize("scope", ["tasks:viewAll", "settings:edit"])
def test_it_is_an_admin_scope_that_no_third_party_gets(scope: str) -> None:
    assert scopes.SCOPES[scope].risk is scopes.Risk.ADMIN
    assert not scopes.SCOPES[scope].third_party
    assert scope not in scopes.THIRD_PARTY
    assert scopes.within_trust(frozenset({scope}), is_trusted=False) == frozenset()
    assert scopes.within_trust(frozenset({scope, "x:y"}), is_trusted=True) == {scope}


def test_no_declaration_makes_an_admin_scope_one_for_third_parties() -> None:
    declared = scopes.Scope("x:viewAll", "See all", scopes.Risk.ADMIN, third_party=True)
    assert not declared.third_party


def test_a_client_that_anyone_may_register_is_not_asked_about(flow: Flow) -> None:
    for scope in ("tasks:viewAll", "settings:edit"):
        assert answer_of(flow.authorize(scope=f"tasks:view {scope}"))["error"] == "invalid_scope"
    change(FROM_BEFORE)
    assert answer_of(flow.authorize(scope=ASKED))["error"] == "invalid_scope"


@on_both_engines
def test_what_a_client_got_before_counts_again_once_it_is_trusted(
    app: Flask, flow: Flow, call: Call, person: Person
) -> None:
    change(FROM_BEFORE)
    change("UPDATE client SET is_trusted = true")
    page = flow.authorize(scope=ASKED)
    assert RULING in words(page.text)
    token = flow.tokens(scope=ASKED)["access_token"]
    assert [status(flow, token, name) for name in ("tasks/list_all", "settings/update")] == [
        200,
        200,
    ]

    change("UPDATE client SET is_trusted = false")
    assert [status(flow, token, name) for name in ("tasks/list_all", "settings/update")] == [
        403,
        403,
    ]
    assert status(flow, token, "tasks/list") == 200
    assert introspect(flow, token)["scope"] == "tasks:view"
    principal = app.extensions["bearer"].principal(token, Channel.MCP, API)
    assert principal.scopes == {"tasks:view"}
    assert principal.openable.isdisjoint({"tasks:viewAll", "settings:edit"})
    assert Tools(app.extensions["pipeline"]).find("tasks_list_all", principal) is None
    app_out = call("oauth_apps.get", person("ada"), {"client_id": flow.client_id})
    rules = call("client_rules.get", person("grace"), {"client_id": flow.client_id})
    for stored in (app_out.scopes, rules.scopes):
        assert {"tasks:viewAll", "settings:edit"}.isdisjoint(stored)
    by_name = {item.name: item for item in call("scopes.list", person("grace")).items}
    assert (by_name["tasks:viewAll"].asking, by_name["tasks:viewAll"].clients) == (0, [])

    change("UPDATE client SET is_trusted = true")
    assert status(flow, token, "tasks/list_all") == 200


def test_an_admin_opens_nothing_that_they_lack_by_trusting_a_client_from_before(
    flow: Flow, call: Call, person: Person
) -> None:
    change(FROM_BEFORE)
    admin = person("grace", "oauth-clients:edit", "oauth-clients:viewAll", reach=False)
    given = {"client_id": flow.client_id, "is_trusted": True, "scopes": ASKED.split()}
    with pytest.raises(Exception, match="It takes tasks:viewAll settings:edit"):
        call("client_rules.set", admin, given)


def test_the_operator_is_told_how_to_let_a_client_have_them(app: Flask, flow: Flow) -> None:
    runner = app.test_cli_runner()
    new = ["clients", "create", "Robot", "--redirect-uri", CALLBACK, "--scope", "tasks:viewAll"]
    assert refused(runner.invoke(args=new)) == (
        "Error: Only a trusted client may ask for tasks:viewAll. Add --trusted."
    )
    minting = ["tokens", "create", "--client", flow.client_id, "--user", "grace@example.com"]
    assert refused(runner.invoke(args=[*minting, "--scope", "tasks:viewAll"])) == (
        "Error: The client may not ask for tasks:viewAll. "
        "Trust it first, at its rules under /admin/oauth-clients."
    )
    trusted: Callable[..., Any] = runner.invoke
    made = json.loads(trusted(args=[*new, "--trusted"]).output)
    minting[3] = made["client_id"]
    token = json.loads(trusted(args=[*minting, "--scope", "tasks:viewAll"]).output)
    assert status(flow, token["access_token"], "tasks/list_all") == 200


def test_scopes_that_grant_nothing_are_declared_nowhere() -> None:
    required = {scope for item in catalogue() for scope in item.scopes}
    assert required == set(scopes.OF_ROLES)
    assert {"audit:view", "metrics:view"}.isdisjoint(scopes.SCOPES)
