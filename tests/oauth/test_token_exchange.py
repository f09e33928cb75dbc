"""Token exchange: a narrower token for one's own, and never a wider one."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.oauth.token_exchange import ACCESS_TOKEN_TYPE, TokenExchange
from tests.conftest import Call, Person, change
from tests.oauth.conftest import Flow
from tests.oauth.test_client_credentials import refusal
from tests.oauth.test_code_flow import api
from tests.requirements import requirement

MCP = "http://127.0.0.1:8000/mcp"
API = "http://127.0.0.1:8000/api"


def exchange(flow: Flow, token: str, **changes: str | None) -> TestResponse:
    given: dict[str, str | None] = {
        "grant_type": TokenExchange.GRANT_TYPE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN_TYPE,
    }
    return flow.token(**(given | changes))


def exchanged(flow: Flow, token: str, **changes: str | None) -> dict[str, Any]:
    answer = exchange(flow, token, **changes)
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


@requirement(
    "rfc8693:another-scope-is-told",
    "rfc8693:the-lifetime-is-told",
    "rfc8693:another-target-is-an-invalid-target",
)
def test_scope_audience_and_lifetime_may_narrow(flow: Flow) -> None:
    token = flow.tokens()["access_token"]
    body = exchanged(flow, token, scope="tasks:view", resource=API, expires_in="60")
    assert (body["scope"], body["expires_in"]) == ("tasks:view", 60)
    assert body["issued_token_type"] == ACCESS_TOKEN_TYPE
    assert "refresh_token" not in body
    assert api(flow, body["access_token"]) == 200
    assert api(flow, exchanged(flow, token, audience=MCP)["access_token"]) == 401
    assert refusal(exchange(flow, body["access_token"], resource=MCP)) == "invalid_target"
    assert refusal(exchange(flow, body["access_token"], scope="tasks:edit")) == "invalid_scope"


def test_it_never_lasts_longer_than_its_subject(flow: Flow) -> None:
    token = flow.tokens()["access_token"]
    change("UPDATE access_token SET expires_at = expires_at - 3000")
    assert int(exchanged(flow, token, expires_in="9999")["expires_in"]) <= 600
    assert int(exchanged(flow, token)["expires_in"]) <= 600


@pytest.mark.parametrize("expires_in", ["0", "-5", "1e3", "soon", "²", "1.5"])
def test_a_lifetime_is_a_number_of_seconds(flow: Flow, expires_in: str) -> None:
    token = flow.tokens()["access_token"]
    assert refusal(exchange(flow, token, expires_in=expires_in)) == "invalid_request"


@requirement("rfc8693:the-subject-is-validated", "rfc8693:a-bad-subject-is-an-invalid-request")
def test_another_clients_token_is_unknown(flow: Flow, another: Callable[..., Flow]) -> None:
    token = flow.tokens()["access_token"]
    assert refusal(exchange(another(), token)) == "invalid_request"
    assert api(flow, token) == 200


@requirement("rfc8693:the-subject-is-validated", "rfc8693:a-bad-subject-is-an-invalid-request")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE token_family SET revoked_at = 1",
        "UPDATE oauth_grant SET revoked_at = 1",
        "UPDATE user_account SET suspended_at = 1",
        "UPDATE access_token SET expires_at = 1",
        "DELETE FROM access_token",
    ],
)
def test_a_subject_that_counts_no_more_is_refused(flow: Flow, statement: str) -> None:
    token = flow.tokens()["access_token"]
    change(statement)
    assert refusal(exchange(flow, token)) == "invalid_request"


@requirement("rfc8693:a-subject-is-required")
@pytest.mark.parametrize(
    "changes",
    [
        {"subject_token": None},
        {"subject_token_type": None},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        {"actor_token": "someone", "actor_token_type": ACCESS_TOKEN_TYPE},
        {"resource": API, "audience": API},
    ],
)
def test_what_it_does_not_offer_is_refused(flow: Flow, changes: dict[str, str | None]) -> None:
    token = flow.tokens()["access_token"]
    assert refusal(exchange(flow, token, **changes)) == "invalid_request"


def test_the_narrower_token_ends_with_the_persons_consent(
    flow: Flow, call: Call, person: Person
) -> None:
    narrower = exchanged(flow, flow.tokens()["access_token"])["access_token"]
    assert api(flow, narrower) == 200
    call("connections.revoke", person("ada"), {"client_id": flow.client_id})
    assert api(flow, narrower) == 401
