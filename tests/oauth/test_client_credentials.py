"""A client that acts for itself: with its own scopes, among the rows of its owner."""

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from app.extensions import db
from tests.conftest import Call, Person, change
from tests.oauth.conftest import Flow
from tests.requirements import requirement


def ask(flow: Flow, **changes: str | None) -> TestResponse:
    return flow.token(grant_type="client_credentials", **changes)


def issued(flow: Flow, **changes: str | None) -> dict[str, str]:
    answer = ask(flow, **changes)
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def titles(flow: Flow, token: str) -> list[str]:
    program = flow.browser.application.test_client()
    answer = program.get("/api/tasks/list", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return [task["title"] for task in answer.json["items"]]


def refusal(answer: TestResponse) -> str:
    assert answer.status_code == 400, answer.text
    assert answer.json is not None
    return str(answer.json["error"])


@requirement("rfc6749:own-tokens-not-renewed")
def test_it_sees_the_rows_of_its_owner_and_no_others(
    flow: Flow, call: Call, person: Person
) -> None:
    call("tasks.create", person("ada"), {"title": "hers"})
    call("tasks.create", person("ben"), {"title": "his"})
    body = issued(flow)
    assert titles(flow, body["access_token"]) == ["hers"]
    assert "refresh_token" not in body
    assert "id_token" not in body


@requirement("rfc9700:privileges-restricted")
def test_it_gets_no_scope_that_its_owner_lacks(flow: Flow) -> None:
    assert "tasks:viewAll" not in issued(flow)["scope"].split()
    assert refusal(ask(flow, scope="tasks:viewAll")) == "invalid_scope"
    assert refusal(ask(flow, scope="access:edit")) == "invalid_scope"
    assert refusal(ask(flow, scope="openid")) == "invalid_scope"
    assert issued(flow, scope="tasks:view")["scope"] == "tasks:view"


def test_a_scope_that_the_owner_loses_counts_no_more(flow: Flow) -> None:
    token = issued(flow)["access_token"]
    change("DELETE FROM role_scope WHERE scope = 'tasks:view'")
    program = flow.browser.application.test_client()
    answer = program.get("/api/tasks/list", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403


@requirement("rfc6749:own-tokens-for-confidential")
def test_a_public_client_cannot_act_for_itself(another: Callable[..., Flow]) -> None:
    public = another(kind="public")
    assert refusal(ask(public)) == "unauthorized_client"
    change("UPDATE client SET grant_types = '[\"client_credentials\"]' WHERE is_public")
    assert refusal(ask(public)) == "unauthorized_client"


@pytest.mark.parametrize(
    "statement",
    ["UPDATE client SET owner_id = NULL", "UPDATE user_account SET suspended_at = 1"],
)
def test_a_client_whose_owner_does_not_count_gets_nothing(flow: Flow, statement: str) -> None:
    change(statement)
    assert refusal(ask(flow)) == "unauthorized_client"


def test_a_client_that_is_not_registered_for_it_gets_nothing(flow: Flow) -> None:
    change("UPDATE client SET grant_types = '[\"authorization_code\"]'")
    assert refusal(ask(flow)) == "unauthorized_client"


def test_the_tokens_of_one_client_share_one_grant_that_is_no_connection(
    flow: Flow, call: Call, person: Person
) -> None:
    for scope in ("tasks:view", "tasks:edit", None):
        issued(flow, scope=scope)
    with db.engine.connect() as connection:
        for table in ("oauth_grant", "token_family"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one() == 1
    assert call("connections.list", person("ada")).items == []


def test_the_owners_own_consent_stands_beside_it(flow: Flow, call: Call, person: Person) -> None:
    service, hers = issued(flow)["access_token"], flow.tokens()["access_token"]
    call("connections.revoke", person("ada"), {"client_id": flow.client_id})
    program = flow.browser.application.test_client()
    statuses = [
        program.get("/api/tasks/list", headers={"Authorization": f"Bearer {token}"}).status_code
        for token in (service, hers)
    ]
    assert statuses == [200, 401]


def test_a_revoked_client_loses_its_own_tokens(flow: Flow, call: Call, person: Person) -> None:
    token = issued(flow)["access_token"]
    call("oauth_apps.revoke", person("ada"), {"client_id": flow.client_id})
    program = flow.browser.application.test_client()
    answer = program.get("/api/tasks/list", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert ask(flow).status_code == 401


def test_it_may_be_bound_to_a_resource(flow: Flow) -> None:
    token = issued(flow, resource="http://127.0.0.1:8000/mcp")["access_token"]
    program = flow.browser.application.test_client()
    answer = program.get("/api/tasks/list", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert refusal(ask(flow, resource="https://elsewhere.example")) == "invalid_target"
