"""Clients that an admin trusts with scopes that rule the workspace, and all the others."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.errors import Conflict, Forbidden, InvalidInput
from app.core.scopes import ADMIN, THIRD_PARTY
from app.extensions import db
from app.oauth import console
from tests.conftest import Call, Person, change
from tests.databases import on_both_engines
from tests.mcp.conftest import asking, headers_of, message
from tests.oauth.conftest import CALLBACK, Flow, answer_of, sign_in
from tests.oauth.test_consent_page import registered, words
from tests.oauth.test_device import decide, look_up, poll, start
from tests.oauth.test_introspection import introspect

ASKED = "tasks:view roles:view"
RULING = "Rules the workspace"

Trust = Callable[..., Any]


@pytest.fixture
def app_of_ada(app: Flask, call: Call, person: Person) -> Flow:
    """Give a confidential client of Ada's, with Grace in front of the browser."""
    given = {"name": "Console", "redirect_uris": [CALLBACK]}
    made = call("oauth_apps.create", person("ada"), given)
    flow = Flow(sign_in(app.test_client(), "grace"), made.app.client_id, made.client_secret)
    flow.asked = {"scope": ASKED}
    return flow


@pytest.fixture
def trust(app_of_ada: Flow, call: Call, person: Person) -> Trust:
    """Give a function that sets what Ada's client may ask for: by default it is trusted."""

    def set_rules(*ruling: str, by: str = "grace", **changes: Any) -> Any:
        given = {
            "client_id": app_of_ada.client_id,
            "scopes": [*THIRD_PARTY, *ruling],
            "is_trusted": True,
            **changes,
        }
        return call("client_rules.set", person(by), given)

    return set_rules


@pytest.fixture
def flow(app_of_ada: Flow, trust: Trust) -> Flow:
    """Give the same client, trusted to see the roles."""
    trust("roles:view")
    return app_of_ada


def api(flow: Flow, token: str, name: str = "roles/list") -> int:
    """Give the status of an API call with this token, from a program without cookies."""
    program = flow.browser.application.test_client()
    headers = {"Authorization": f"Bearer {token}"}
    return program.get(f"/api/{name}", headers=headers).status_code


def changed(flow: Flow, **changes: Any) -> dict[str, Any]:
    """Give what Ada may send to change her app."""
    given = {"name": "Console", "redirect_uris": [CALLBACK], "scopes": ["tasks:view"]}
    return {"client_id": flow.client_id, **given, **changes}


@on_both_engines
def test_what_a_person_allows_a_trusted_client_opens_the_api(flow: Flow) -> None:
    tokens = flow.tokens()
    assert tokens["scope"] == ASKED
    assert api(flow, tokens["access_token"]) == 200
    assert api(flow, tokens["access_token"], "tasks/list") == 200
    # It holds what it was given, and not all that its person may do.
    assert api(flow, tokens["access_token"], "scopes/list") == 403


@on_both_engines
def test_a_trusted_client_acts_on_people_as_far_as_its_person_may(
    app_of_ada: Flow, trust: Trust, person: Person
) -> None:
    trust("users:editAll", "users:editRoles")
    token = app_of_ada.tokens(scope="users:editAll users:editRoles")["access_token"]
    program = app_of_ada.browser.application.test_client()
    bearer = {"Authorization": f"Bearer {token}"}
    ben = str(person("ben").user_id)

    def status(name: str, **given: object) -> int:
        return program.post(f"/api/{name}", json=given, headers=bearer).status_code

    assert status("users/suspend", user_id=ben) == 200
    assert status("users/resume", user_id=ben) == 200
    # What rules the workspace it does not hand on: it was not granted all of that.
    assert status("user_roles/set", user_id=ben, role_ids=["1", "2"]) == 403


def test_what_a_person_allows_a_trusted_client_opens_the_tools(app: Flask, flow: Flow) -> None:
    token = flow.tokens()["access_token"]
    with asking(app) as ask:

        def call_tool(name: str) -> Any:
            content = json.dumps(message("tools/call", name=name, arguments={}))
            return ask("POST", "/mcp", content=content, headers=headers_of(token))

        result = call_tool("roles_list").json()["result"]
        names = [role["name"] for role in result["structuredContent"]["items"]]
        assert names == ["Member", "Admin"]
        # What it may not ask for is no tool of its own.
        unknown = call_tool("no_such_tool").text
        assert call_tool("scopes_list").text.replace("scopes_list", "no_such_tool") == unknown


def test_a_client_without_trust_may_not_ask_to_rule(app_of_ada: Flow, trust: Trust) -> None:
    trust(is_trusted=False)
    for scope in ADMIN:
        answer = answer_of(app_of_ada.authorize(scope=f"tasks:view {scope}"))
        assert answer["error"] == "invalid_scope"
    assert app_of_ada.tokens(scope="tasks:view")["scope"] == "tasks:view"


def test_trust_opens_what_an_admin_chose_and_nothing_else(flow: Flow) -> None:
    answer = answer_of(flow.authorize(scope="roles:edit"))
    assert answer["error"] == "invalid_scope"
    assert flow.tokens(scope=None)["scope"] == "profile:view tasks:view tasks:edit"


def test_only_trust_lets_a_client_have_what_rules(app_of_ada: Flow, trust: Trust) -> None:
    with pytest.raises(InvalidInput, match="need attention") as refused:
        trust("roles:view", is_trusted=False)
    assert refused.value.fields == {
        "scopes": "Only a client that you trust may ask for roles:view."
    }
    with pytest.raises(InvalidInput):
        trust("organizations:edit")
    shown = trust("roles:view", "access:edit")
    assert (shown.is_trusted, shown.scopes) == (True, [*THIRD_PARTY, "roles:view", "access:edit"])


@on_both_engines
def test_without_trust_a_token_is_weaker_at_the_next_call(flow: Flow, trust: Trust) -> None:
    tokens = flow.tokens()
    token = tokens["access_token"]
    assert introspect(flow, token)["scope"] == ASKED
    trust(is_trusted=False)
    assert api(flow, token) == 403
    assert api(flow, token, "tasks/list") == 200
    assert introspect(flow, token)["scope"] == "tasks:view"
    renewed = flow.refresh(tokens["refresh_token"]).get_json()["access_token"]
    assert api(flow, renewed) == 403
    assert "invalid_scope" in flow.authorize().headers["Location"]


def test_whoever_takes_trust_away_need_not_name_what_it_opened(flow: Flow, trust: Trust) -> None:
    assert trust("roles:view", "access:edit").scopes == [*THIRD_PARTY, "roles:view", "access:edit"]
    taken = trust("roles:view", "access:edit", is_trusted=False)
    assert (taken.is_trusted, taken.scopes) == (False, [*THIRD_PARTY])
    assert trust().scopes == [*THIRD_PARTY]


def test_trust_that_ends_while_the_page_is_open_grants_nothing_of_it(
    flow: Flow, trust: Trust
) -> None:
    page = flow.authorize()
    trust(is_trusted=False)
    body = flow.exchange(answer_of(flow.decide(page))["code"]).get_json()
    assert body["scope"] == "tasks:view"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "Bank of Trust"},
        {"redirect_uris": [CALLBACK, "https://elsewhere.example/cb"]},
        {"description": "Approved."},
        {"client_uri": "https://bank.example/"},
    ],
)
def test_trust_ends_when_a_client_says_something_else_of_itself(
    flow: Flow, call: Call, person: Person, changes: dict[str, Any]
) -> None:
    token = flow.tokens()["access_token"]
    scopes = ["tasks:view", "roles:view"]
    app = call("oauth_apps.update", person("ada"), changed(flow, scopes=scopes, **changes))
    assert (app.is_trusted, app.scopes) == (False, ["tasks:view"])
    assert api(flow, token) == 403
    shown = call("client_rules.get", person("grace"), {"client_id": flow.client_id})
    assert (shown.is_trusted, shown.scopes) == (False, list(THIRD_PARTY))
    with pytest.raises(InvalidInput):
        call("oauth_apps.update", person("ada"), changed(flow, scopes=scopes))


def test_an_admin_trusts_what_they_were_shown(
    flow: Flow, trust: Trust, call: Call, person: Person
) -> None:
    said = trust("roles:view").said
    call("oauth_apps.update", person("ada"), changed(flow, name="Bank of Trust"))
    with pytest.raises(Conflict):
        trust("roles:view", said=said)


@on_both_engines
def test_its_owner_keeps_or_gives_back_what_an_admin_opened_and_adds_nothing(
    flow: Flow, call: Call, person: Person
) -> None:
    ada = person("ada")
    for scopes in (["tasks:view", "roles:view"], ["tasks:view"], ["roles:view"]):
        given = changed(flow, scopes=scopes, required_scopes=scopes)
        app = call("oauth_apps.update", ada, given)
        assert (app.is_trusted, app.scopes, app.required_scopes) == (True, scopes, scopes)
    for excess in ("roles:edit", "connections:view"):
        with pytest.raises(InvalidInput) as refused:
            call("oauth_apps.update", ada, changed(flow, scopes=["roles:view", excess]))
        assert next(iter(refused.value.fields)).startswith("scopes")


def test_what_its_owner_gave_back_is_not_forced_upon_it_again(
    flow: Flow, trust: Trust, call: Call, person: Person
) -> None:
    app = {"client_id": flow.client_id}
    call("oauth_apps.update", person("ada"), changed(flow))
    trust("roles:view", is_verified=True)
    assert call("oauth_apps.get", person("ada"), app).scopes == ["tasks:view"]
    trust("roles:view", "access:edit")
    assert call("oauth_apps.get", person("ada"), app).scopes == ["tasks:view", "access:edit"]


def test_nobody_opens_to_a_client_what_they_do_not_hold(
    app_of_ada: Flow, call: Call, person: Person
) -> None:
    held = ("oauth-clients:viewAll", "oauth-clients:edit", "roles:view")
    clerk = person("grace", *held, reach=False)
    given = {"client_id": app_of_ada.client_id, "is_trusted": True}
    with pytest.raises(Forbidden):
        call("client_rules.set", clerk, {**given, "scopes": ["roles:view", "roles:edit"]})
    call("client_rules.set", clerk, {**given, "scopes": ["roles:view"]})
    wide = {**given, "scopes": ["roles:view", "roles:edit"]}
    call("client_rules.set", person("grace"), wide)
    # What stands already they need not hold.
    call("client_rules.set", clerk, wide)


@pytest.mark.parametrize("source", ["registration", "document"])
def test_a_client_that_describes_itself_is_never_trusted(
    app_of_ada: Flow, trust: Trust, source: str
) -> None:
    change(
        "UPDATE client SET source = :it WHERE client_id = :id",
        it=source,
        id=app_of_ada.client_id,
    )
    with pytest.raises(InvalidInput) as refused:
        trust("roles:view")
    assert list(refused.value.fields) == ["is_trusted"]
    assert "invalid_scope" in app_of_ada.authorize().headers["Location"]


def test_a_client_that_registers_itself_is_not_given_what_it_names(
    browser: FlaskClient,
) -> None:
    flow = registered(browser, scope=ASKED)
    answer = answer_of(flow.authorize(scope=ASKED))
    assert answer["error"] == "invalid_scope"
    assert words(flow.authorize(scope=None).text).count("tasks:view") == 1


def test_a_person_grants_no_more_than_they_hold(app: Flask, flow: Flow) -> None:
    flow.browser = sign_in(app.test_client(), "ada")
    page = flow.authorize()
    assert RULING not in page.text
    body = flow.exchange(answer_of(flow.decide(page))["code"]).get_json()
    assert body["scope"] == "tasks:view"
    assert answer_of(flow.authorize(scope="roles:view"))["error"] == "invalid_scope"


def test_what_rules_stands_apart_and_can_be_left_out(flow: Flow) -> None:
    page = flow.authorize()
    text = words(page.text)
    assert f"{RULING} This goes beyond your own account" in text
    own, _, ruling = text.partition(RULING)
    assert "See your tasks and their comments tasks:view" in own
    assert "roles:view" not in own
    assert "See the roles and their scopes roles:view" in ruling
    answer = answer_of(flow.decide(page, without=["roles:view"]))
    token = flow.exchange(answer["code"]).get_json()
    assert token["scope"] == "tasks:view"
    assert api(flow, token["access_token"]) == 403


def test_what_was_allowed_before_is_still_marked(flow: Flow) -> None:
    assert RULING not in flow.authorize(scope="tasks:view").text
    flow.tokens()
    text = words(flow.authorize(scope=f"{ASKED} tasks:edit").text)
    assert f"See the roles and their scopes roles:view {RULING}" in text


def test_a_device_is_told_apart_in_the_same_way(flow: Flow) -> None:
    started = start(flow, scope=ASKED)
    assert f"{RULING} This goes beyond" in words(look_up(flow, started["user_code"]).text)
    decide(flow, started["user_code"])
    assert api(flow, poll(flow, started).get_json()["access_token"]) == 200


def test_even_the_operators_own_client_rules_only_after_asking(flow: Flow, trust: Trust) -> None:
    trust("roles:view", is_first_party=True)
    assert flow.authorize(scope="tasks:view").status_code == 303
    page = flow.authorize()
    assert page.status_code == 200
    answer_of(flow.decide(page))
    # Once allowed it is not asked again.
    assert flow.authorize().status_code == 303


@on_both_engines
def test_a_change_of_the_role_counts_for_tokens_pages_and_consent(
    app: Flask, flow: Flow, call: Call, person: Person
) -> None:
    grace, token = person("grace"), flow.tokens()["access_token"]
    made = call("roles.create", grace, {"name": "Auditor", "scopes": ["roles:view"]})
    ben = person("ben")
    roles = {"user_id": str(ben.user_id), "role_ids": ["1", made.id]}
    call("user_roles.set", grace, roles)
    flow.browser = sign_in(app.test_client(), "ben")
    token = flow.tokens()["access_token"]
    page = flow.authorize(prompt="consent")
    assert "roles:view" in words(page.text)
    for held, status, scope in (([], 403, "tasks:view"), (["roles:view"], 200, ASKED)):
        call("roles.update", grace, {"role_id": made.id, "scopes": held})
        assert api(flow, token) == status
        assert flow.browser.get("/admin/roles").status_code == status
        assert introspect(flow, token)["scope"] == scope
        assert ("roles:view" in words(flow.authorize(prompt="consent").text)) == bool(held)
        with asking(app) as ask:
            content = json.dumps(message("tools/list"))
            listed = ask("POST", "/mcp", content=content, headers=headers_of(token)).text
        assert ('"roles_list"' in listed) == bool(held)


@on_both_engines
def test_an_app_hands_on_nothing_that_it_was_not_given(flow: Flow, trust: Trust) -> None:
    trust("roles:edit", "roles:view", "access:edit")
    token = flow.tokens(scope="roles:edit")["access_token"]
    program = flow.browser.application.test_client()
    headers = {"Authorization": f"Bearer {token}"}

    def create(*scopes: str) -> int:
        given = {"name": f"Of {len(scopes)}", "scopes": scopes}
        return program.post("/api/roles/create", json=given, headers=headers).status_code

    assert create("tasks:view", "access:edit") == 403
    assert create("roles:edit") == 200


def test_what_no_page_says_of_the_server_names_a_ruling_scope(
    flow: Flow,
) -> None:
    told = flow.browser.get("/.well-known/oauth-authorization-server").get_json()
    assert set(told["scopes_supported"]) == set(THIRD_PARTY)


def test_the_console_is_trusted_until_an_admin_says_otherwise(
    app: Flask, call: Call, person: Person
) -> None:
    url = "http://127.0.0.1:8000"
    console.ensure(db.engine, url, now=1)
    flow = Flow(sign_in(app.test_client(), "grace"), console.CLIENT_ID, None)
    flow.redirect_uri = url + console.CALLBACK
    assert api(flow, flow.tokens(scope="roles:view")["access_token"]) == 200
    rules: dict[str, object] = {"client_id": console.CLIENT_ID, "scopes": ["tasks:view"]}
    call("client_rules.set", person("grace"), {**rules, "is_trusted": False})
    console.ensure(db.engine, url, now=2)
    assert answer_of(flow.authorize(scope="roles:view"))["error"] == "invalid_scope"
    rules["scopes"] = ["roles:view"]
    call("client_rules.set", person("grace"), {**rules, "is_trusted": True})
    console.ensure(db.engine, url, now=3)
    assert api(flow, flow.tokens(scope="roles:view")["access_token"]) == 200
