"""Introspection: told to those that may know, and to nobody else (RFC 7662)."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import change
from tests.oauth.conftest import Flow
from tests.oauth.test_client_credentials import issued
from tests.requirements import requirement

INACTIVE = {"active": False}
ISSUER = "http://127.0.0.1:8000"


def introspect(flow: Flow, token: str, **changes: str | None) -> Any:
    data = {"client_id": flow.client_id, "client_secret": flow.client_secret, "token": token}
    sent = {name: value for name, value in (data | changes).items() if value is not None}
    answer = flow.browser.post("/oauth/introspect", data=sent)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.json


@requirement("rfc7662:active-told", "rfc7662:not-cached")
def test_an_access_token_is_described_to_its_client(flow: Flow) -> None:
    token = flow.tokens()["access_token"]
    told = introspect(flow, token)
    assert told["exp"] - told["iat"] == 3600
    assert told | {"exp": 0, "iat": 0} == {
        "active": True,
        "scope": "tasks:view tasks:edit",
        "client_id": flow.client_id,
        "sub": "1",
        "token_type": "Bearer",
        "iss": ISSUER,
        "aud": ISSUER,
        "exp": 0,
        "iat": 0,
    }


@requirement("rfc7662:hint-not-needed")
def test_a_refresh_token_counts_until_it_is_used(flow: Flow) -> None:
    token = flow.tokens()["refresh_token"]
    assert introspect(flow, token, token_type_hint="access_token")["active"]
    flow.refresh(token)
    assert introspect(flow, token) == INACTIVE


@requirement("rfc9700:own-tokens-told-apart")
def test_a_clients_own_token_is_about_the_client(flow: Flow) -> None:
    assert introspect(flow, issued(flow)["access_token"])["sub"] == flow.client_id


@requirement(
    "rfc7662:state-checked", "rfc7662:inactive-is-no-error", "rfc7662:inactive-and-no-more"
)
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
def test_what_counts_no_more_is_inactive(flow: Flow, statement: str) -> None:
    token = flow.tokens()["access_token"]
    change(statement)
    assert introspect(flow, token) == INACTIVE


@requirement("rfc7662:inactive-is-no-error", "rfc7662:inactive-and-no-more")
@pytest.mark.parametrize("token", ["x", "lk_at_" + "x" * 49, "ünknown", "lk_rt_nothing"])
def test_what_is_no_token_is_inactive(flow: Flow, token: str) -> None:
    assert introspect(flow, token) == INACTIVE


def test_a_scope_that_the_person_lost_is_not_told(flow: Flow) -> None:
    token = flow.tokens()["access_token"]
    change("DELETE FROM role_scope WHERE scope = 'tasks:edit'")
    assert introspect(flow, token)["scope"] == "tasks:view"


@requirement("rfc7662:inactive-is-no-error", "rfc7662:inactive-and-no-more")
def test_another_clients_token_is_inactive(flow: Flow, another: Callable[..., Flow]) -> None:
    body = flow.tokens()
    for name in ("access_token", "refresh_token"):
        assert introspect(another(), body[name]) == INACTIVE


@requirement("rfc7662:asked-by-its-resource")
def test_a_resources_own_client_is_told_about_its_access_tokens_alone(
    flow: Flow, another: Callable[..., Flow]
) -> None:
    keeper = another()
    resource = "https://warehouse.example/v1"
    change(
        "INSERT INTO resource_server (identifier, name, client_key, created_at) "
        "SELECT :resource, 'Warehouse', id, 1 FROM client WHERE client_id = :keeper",
        resource=resource,
        keeper=keeper.client_id,
    )
    body = flow.tokens(resource=resource)
    assert introspect(keeper, body["access_token"])["aud"] == resource
    assert introspect(keeper, body["refresh_token"]) == INACTIVE
    assert introspect(keeper, flow.tokens()["access_token"]) == INACTIVE


@requirement("rfc7662:authorization-required")
def test_only_a_client_that_proves_itself_may_ask(
    flow: Flow, another: Callable[..., Flow]
) -> None:
    token = flow.tokens()["access_token"]
    public = another(kind="public")
    for client_id in (public.client_id, flow.client_id):
        data = {"client_id": client_id, "token": token}
        answer = flow.browser.post("/oauth/introspect", data=data)
        assert answer.status_code == 401
        assert answer.json is not None
        assert answer.json["error"] == "invalid_client"


def test_a_request_without_a_token_is_invalid(flow: Flow) -> None:
    data = {"client_id": flow.client_id, "client_secret": flow.client_secret}
    answer = flow.browser.post("/oauth/introspect", data=data)
    assert (answer.status_code, (answer.json or {})["error"]) == (400, "invalid_request")
