"""What clients really send: long tokens, long states, and the secret by either method."""

from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask

from app.mcp.connection import Connection
from tests.conftest import change
from tests.oauth.conftest import Flow, answer_of
from tests.oauth.test_code_flow import api
from tests.oauth.test_pushed import pushed
from tests.requirements import requirement

KIB = 1024
LONGEST = "x" * (16 * KIB)
# Each character is escaped in a URL.
ALL_ESCAPED = '{"}' * (16 * KIB // 3)
FORM = "application/x-www-form-urlencoded"


@requirement("rfc7009:unknown-counts-as-revoked", "rfc7662:inactive-is-no-error")
@pytest.mark.parametrize("token", [LONGEST, "eyJhbGciOiJSUzI1NiJ9." + "y" * 9000, "é" * 8192])
def test_a_long_token_of_another_server_is_no_error(flow: Flow, token: str) -> None:
    known = {"client_id": flow.client_id, "client_secret": flow.client_secret, "token": token}
    told = flow.browser.post("/oauth/introspect", data=known)
    assert (told.status_code, told.json) == (200, {"active": False})
    assert flow.browser.post("/oauth/revoke", data=known).status_code == 200


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
def test_a_token_over_16_kib_is_refused(flow: Flow, path: str) -> None:
    known = {"client_id": flow.client_id, "client_secret": flow.client_secret}
    answer = flow.browser.post(path, data={**known, "token": LONGEST + "x"})
    assert (answer.status_code, (answer.json or {})["error"]) == (400, "invalid_request")


@requirement("rfc6749:state-returned")
@pytest.mark.parametrize("state", [LONGEST, ALL_ESCAPED])
def test_a_long_state_comes_back_to_the_letter(app: Flask, flow: Flow, state: str) -> None:
    assert answer_of(flow.decide(flow.authorize(state=state)))["state"] == state
    assert answer_of(flow.authorize(state=state, scope="nonsense"))["state"] == state
    sent = flow.browser.post("/oauth/authorize", data=flow.query(state=state), content_type=FORM)
    assert answer_of(flow.browser.get(sent.headers["Location"]))["state"] == state
    request_uri = quote(pushed(flow, state=state))
    query = f"client_id={flow.client_id}&request_uri={request_uri}"
    assert answer_of(flow.browser.get(f"/oauth/authorize?{query}"))["state"] == state
    # On the way through the sign-in page it is escaped twice, and passes the server in front.
    stranger = app.test_client().get("/oauth/authorize?" + flow.query(state=state))
    login = stranger.headers["Location"]
    assert len(login) + 8 * KIB < Connection.largest_head
    back = parse_qs(urlsplit(login).query)["next"][0]
    assert parse_qs(urlsplit(back).query)["state"] == [state]


def test_a_state_over_16_kib_is_refused(flow: Flow) -> None:
    assert flow.authorize(state=LONGEST + "x").status_code == 400


@requirement("rfc7009:client-authenticated", "rfc7662:authorization-required")
@pytest.mark.parametrize("registered", ["client_secret_basic", "client_secret_post"])
def test_the_registered_method_binds_the_token_endpoint_alone(flow: Flow, registered: str) -> None:
    token = flow.tokens()["access_token"]
    change("UPDATE client SET token_endpoint_auth_method = :it", it=registered)
    program = flow.browser.application.test_client(use_cookies=False)
    by_post = {"client_id": flow.client_id, "client_secret": flow.client_secret}
    ways: dict[str, dict[str, Any]] = {
        "client_secret_basic": {"auth": (flow.client_id, flow.client_secret), "data": {}},
        "client_secret_post": {"data": by_post},
    }
    for method, way in ways.items():
        sent = {**way, "data": {**way["data"], "token": token}}
        assert program.post("/oauth/introspect", **sent).get_json()["active"] is True
        own = {**way, "data": {**way["data"], "grant_type": "client_credentials"}}
        expected = 200 if method == registered else 401
        assert program.post("/oauth/token", **own).status_code == expected
        pushing = {**way, "data": {**way["data"], "response_type": "code"}}
        assert program.post("/oauth/par", **pushing).status_code == (
            400 if method == registered else 401
        )
    other = next(way for method, way in ways.items() if method != registered)
    sent = {**other, "data": {**other["data"], "token": token}}
    assert program.post("/oauth/revoke", **sent).status_code == 200
    assert api(flow, token) == 401


@pytest.mark.parametrize("path", ["/oauth/introspect", "/oauth/revoke"])
def test_who_signs_cannot_show_a_secret_in_its_place(flow: Flow, path: str) -> None:
    token = flow.tokens()["access_token"]
    change("UPDATE client SET token_endpoint_auth_method = 'private_key_jwt'")
    data = {"client_id": flow.client_id, "client_secret": flow.client_secret, "token": token}
    assert flow.browser.post(path, data=data).status_code == 401
