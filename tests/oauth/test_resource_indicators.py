"""Tokens for one resource (RFC 8707), where no other test asks for them."""

from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from app.oauth.token_exchange import ACCESS_TOKEN_TYPE, TokenExchange
from tests.oauth.conftest import CALLBACK, ISSUER, Flow, answer_of
from tests.oauth.test_code_flow import api
from tests.oauth.test_device import decide, poll, start
from tests.oauth.test_introspection import introspect
from tests.oauth.test_rfc6749 import is_refused
from tests.requirements import requirement

API, MCP = ISSUER + "/api", ISSUER + "/mcp"
UNKNOWN = [
    "https://elsewhere.example/mcp",
    ISSUER + "/other",
    ISSUER + "/api#fragment",
    ISSUER + "/api?query",
    "/api",
    "api",
    "https://[",
]


@requirement("rfc8707:audience-restricted")
@pytest.mark.parametrize(("resource", "status"), [(API, 200), (MCP, 401), (None, 200)])
def test_a_token_is_good_for_the_resource_that_it_was_asked_for(
    flow: Flow, resource: str | None, status: int
) -> None:
    token = flow.tokens(resource=resource)["access_token"]
    assert introspect(flow, token)["aud"] == (resource or ISSUER)
    assert api(flow, token) == status


@requirement("rfc8707:unknown-resource-refused")
@pytest.mark.parametrize("resource", UNKNOWN)
def test_an_authorization_for_an_unknown_resource_is_refused(flow: Flow, resource: str) -> None:
    response = flow.authorize(resource=resource)
    assert response.headers["Location"].startswith(CALLBACK + "?")
    answer = answer_of(response)
    assert (answer["error"], answer["state"]) == ("invalid_target", "a state & more")


@requirement("rfc8707:token-request-too")
@pytest.mark.parametrize("resource", UNKNOWN)
def test_a_token_for_an_unknown_resource_is_refused_whatever_the_grant(
    flow: Flow, resource: str
) -> None:
    body, code, started = flow.tokens(), flow.code(), start(flow)
    asked: list[dict[str, str | None]] = [
        {"grant_type": "client_credentials"},
        {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]},
        {
            "grant_type": TokenExchange.GRANT_TYPE,
            "subject_token": body["access_token"],
            "subject_token_type": ACCESS_TOKEN_TYPE,
        },
    ]
    for given in asked:
        refused = flow.token(**given, resource=resource)
        assert is_refused(refused, 400, "invalid_target"), given["grant_type"]
    assert is_refused(flow.exchange(code, resource=resource), 400, "invalid_target")
    known = {"client_id": flow.client_id, "client_secret": flow.client_secret}
    device = flow.browser.post("/oauth/device_authorization", data={**known, "resource": resource})
    assert is_refused(device, 400, "invalid_target")
    decide(flow, started["user_code"])
    assert flow.exchange(code).status_code == 200
    assert poll(flow, started).status_code == 200


@requirement("rfc8707:never-more-than-authorized")
@pytest.mark.parametrize(
    ("authorized", "asked", "status"),
    [(None, API, 200), (None, MCP, 200), (API, API, 200), (API, MCP, 400), (API, ISSUER, 400)],
)
def test_an_exchange_may_name_less_than_was_authorized_and_never_more(
    flow: Flow, authorized: str | None, asked: str, status: int
) -> None:
    answer = flow.exchange(flow.code(resource=authorized), resource=asked)
    assert answer.status_code == status
    if status == 400:
        assert is_refused(answer, 400, "invalid_target")
        return
    assert answer.json is not None
    assert introspect(flow, answer.json["access_token"])["aud"] == asked


@requirement("rfc8707:refresh-keeps-the-whole", "rfc8707:never-more-than-authorized")
def test_a_refresh_token_stays_good_for_all_that_was_authorized(flow: Flow) -> None:
    narrow = flow.exchange(flow.code(), resource=MCP).json
    assert narrow is not None
    assert api(flow, narrow["access_token"]) == 401
    other = flow.refresh(narrow["refresh_token"], resource=API).json
    assert other is not None
    assert introspect(flow, other["access_token"])["aud"] == API
    whole = flow.refresh(other["refresh_token"]).json
    assert whole is not None
    assert introspect(flow, whole["access_token"])["aud"] == ISSUER


@requirement("rfc8707:never-more-than-authorized", "rfc9700:refresh-bound-to-consent")
def test_no_refresh_leaves_the_resource_that_was_authorized(another: Callable[..., Flow]) -> None:
    public = another(kind="public")
    body = public.tokens(resource=MCP)
    for resource in (API, ISSUER):
        refused = public.refresh(body["refresh_token"], resource=resource)
        assert is_refused(refused, 400, "invalid_target")
    renewed = public.refresh(body["refresh_token"]).json
    assert renewed is not None
    assert api(public, renewed["access_token"]) == 401


@requirement("rfc8707:unknown-resource-refused")
def test_a_token_is_for_one_resource_wherever_two_are_asked_for(flow: Flow) -> None:
    twice = urlencode([("resource", API), ("resource", MCP)])
    known = urlencode({"client_id": flow.client_id, "client_secret": flow.client_secret or ""})
    asked = answer_of(flow.browser.get(f"/oauth/authorize?{flow.query()}&{twice}"))
    assert (asked["error"], asked["state"], asked["iss"]) == (
        "invalid_target",
        "a state & more",
        ISSUER,
    )
    for path, form in (
        ("/oauth/par", f"{flow.query()}&client_secret={flow.client_secret}"),
        ("/oauth/token", f"{known}&grant_type=client_credentials"),
        ("/oauth/device_authorization", known),
    ):
        body = f"{form}&{twice}"
        answer = flow.browser.post(
            path, data=body, content_type="application/x-www-form-urlencoded"
        )
        assert is_refused(answer, 400, "invalid_target"), path
        also = flow.browser.post(
            path, data=f"{body}&scope=a&scope=b", content_type="application/x-www-form-urlencoded"
        )
        assert is_refused(also, 400, "invalid_request"), path
