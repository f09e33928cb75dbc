"""What RFC 8693 asks of a server that exchanges tokens, held against its answers."""

import pytest
from werkzeug.test import TestResponse

from app.oauth.token_exchange import ACCESS_TOKEN_TYPE, TokenExchange
from tests.conftest import change
from tests.oauth.conftest import Flow
from tests.oauth.keyholder import KeyHolder
from tests.oauth.test_code_flow import api
from tests.oauth.test_dpop import bound, post
from tests.oauth.test_token_exchange import API, MCP, exchange
from tests.requirements import requirement


def refused(answer: TestResponse, error: str) -> None:
    """See to it that an answer is an error of the token endpoint (RFC 6749 §5.2)."""
    assert (answer.status_code, answer.mimetype) == (400, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json is not None
    assert answer.json["error"] == error
    assert answer.json["error_description"]


@requirement(
    "rfc8693:the-answer-is-whole", "rfc8693:another-scope-is-told", "rfc8693:the-lifetime-is-told"
)
def test_the_answer_says_what_was_issued(flow: Flow) -> None:
    token = flow.tokens()["access_token"]
    answer = exchange(flow, token, scope="tasks:view", expires_in="60")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    body = dict(answer.json or {})
    assert body.pop("access_token") != token
    assert body == {
        "issued_token_type": ACCESS_TOKEN_TYPE,
        "token_type": "Bearer",
        "expires_in": 60,
        "scope": "tasks:view",
    }
    # An exchange does nothing to its subject (§2.1).
    assert api(flow, token) == 200


@requirement("rfc8693:a-subject-is-required")
@pytest.mark.parametrize(
    "changes", [{"subject_token": None}, {"subject_token_type": None}, {"subject_token": ""}]
)
def test_without_a_subject_nothing_is_exchanged(
    flow: Flow, changes: dict[str, str | None]
) -> None:
    refused(exchange(flow, flow.tokens()["access_token"], **changes), "invalid_request")


@requirement("rfc8693:an-actor-type-needs-an-actor")
@pytest.mark.parametrize(
    "changes", [{"actor_token": "someone"}, {"actor_token_type": ACCESS_TOKEN_TYPE}]
)
def test_half_an_actor_is_refused(flow: Flow, changes: dict[str, str | None]) -> None:
    refused(exchange(flow, flow.tokens()["access_token"], **changes), "invalid_request")


@requirement("rfc8693:a-resource-is-absolute", "rfc8693:another-target-is-an-invalid-target")
@pytest.mark.parametrize("name", ["resource", "audience"])
@pytest.mark.parametrize(
    "target", ["/api", "api", API + "#x", API + "#", "https://elsewhere.example/", "é", "http://["]
)
def test_what_no_token_is_issued_for_is_an_invalid_target(
    flow: Flow, name: str, target: str
) -> None:
    refused(exchange(flow, flow.tokens()["access_token"], **{name: target}), "invalid_target")


@requirement("rfc8693:another-target-is-an-invalid-target")
def test_a_token_for_one_resource_is_exchanged_for_no_other(flow: Flow) -> None:
    token = flow.tokens(resource=API)["access_token"]
    refused(exchange(flow, token, resource=MCP), "invalid_target")
    assert exchange(flow, token, resource=API).status_code == 200


@requirement("rfc8693:a-bad-subject-is-an-invalid-request", "rfc8693:the-subject-is-validated")
@pytest.mark.parametrize("kind", ["refresh_token", "code", "nonsense", "secret"])
def test_what_is_no_access_token_is_no_subject(flow: Flow, kind: str) -> None:
    body = flow.tokens()
    subject = {
        "refresh_token": body["refresh_token"],
        "code": flow.code(),
        "nonsense": body["access_token"][:-1] + "x",
        "secret": flow.client_secret or "",
    }[kind]
    refused(exchange(flow, subject), "invalid_request")
    assert flow.refresh(body["refresh_token"]).status_code == 200


@requirement("rfc8693:a-bad-subject-is-an-invalid-request")
def test_a_subject_bound_to_another_key_is_an_invalid_request(flow: Flow) -> None:
    holder = KeyHolder()
    token = bound(flow, holder)["access_token"]
    asked = {
        "grant_type": TokenExchange.GRANT_TYPE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN_TYPE,
    }
    refused(post(flow, KeyHolder(), **asked), "invalid_request")
    refused(flow.token(**asked), "invalid_request")
    exchanged = post(flow, holder, **asked)
    assert exchanged.status_code == 200, exchanged.text
    assert (exchanged.json or {})["token_type"] == "DPoP"


@requirement("rfc8693:the-subject-is-validated")
def test_a_client_that_is_not_registered_for_it_exchanges_nothing(flow: Flow) -> None:
    token = flow.tokens()["access_token"]
    change("UPDATE client SET grant_types = '[\"authorization_code\"]'")
    refused(exchange(flow, token), "unauthorized_client")
