"""The header that takes the browser to a client: the URI as registered, to the letter."""

import json
from urllib.parse import parse_qs, quote

import pytest

from app.blueprints.oauth.redirect import ClientRedirect
from tests.conftest import change
from tests.oauth.conftest import Flow
from tests.oauth.test_security_practices import registered
from tests.requirements import requirement

AS_REGISTERED = [
    "com.example.app://CamelHost/Path",
    "com.example.app://Host/cb?ids=[1]&x=%5B",
    "com.example.app:/Path/../cb",
    "https://App.Example/Cb?of=[us]",
]
TOO_LONG = f"https://{'a' * 70}.example/cb"


@requirement("rfc6749:redirect-uri-keeps-its-query")
@pytest.mark.parametrize("uri", AS_REGISTERED)
def test_each_answer_goes_to_the_uri_as_it_was_registered(flow: Flow, uri: str) -> None:
    tool = registered(flow.browser, uri)
    answers = [
        tool.decide(tool.authorize(), "deny"),
        tool.decide(tool.authorize(), "allow"),
        tool.authorize(scope="nonsense"),
        tool.authorize(response_type="token"),
    ]
    for answer in answers:
        location = answer.headers["Location"]
        assert location.startswith(uri + ("&" if "?" in uri else "?")), location
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("uri", AS_REGISTERED)
def test_after_signing_out_the_browser_goes_to_the_uri_as_registered(flow: Flow, uri: str) -> None:
    tool = registered(flow.browser, uri, post_logout_redirect_uris=[uri])
    hint = tool.tokens(scope="openid")["id_token"]
    query = f"id_token_hint={hint}&post_logout_redirect_uri={quote(uri, safe='')}&state=s"
    answer = flow.browser.get(f"/oauth/logout?{query}")
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"{uri}{'&' if '?' in uri else '?'}state=s"


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_host_that_was_registered_before_it_was_refused_is_no_bug(
    flow: Flow, decision: str
) -> None:
    change(
        "UPDATE client SET redirect_uris = :uris, post_logout_redirect_uris = :uris",
        uris=json.dumps([TOO_LONG]),
    )
    flow.redirect_uri = TOO_LONG
    answer = flow.decide(flow.authorize(), decision)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith(TOO_LONG + "?")
    query = f"client_id={flow.client_id}&post_logout_redirect_uri={quote(TOO_LONG, safe='')}"
    assert flow.browser.get(f"/oauth/logout?{query}").status_code == 200


@pytest.mark.parametrize("name", ["redirect_uris", "post_logout_redirect_uris"])
def test_no_client_registers_a_host_that_no_browser_can_be_sent_to(flow: Flow, name: str) -> None:
    metadata = {"redirect_uris": ["https://app.example/cb"], name: [TOO_LONG]}
    answer = flow.browser.application.test_client().post("/oauth/register", json=metadata)
    assert answer.status_code == 400
    assert "longer than 63" in answer.get_json()["error_description"]


def test_a_state_survives_whatever_it_holds(flow: Flow) -> None:
    state = "[a] {\"b\": 'c'} é %0D%0A ;,|"
    location = flow.decide(flow.authorize(state=state)).headers["Location"]
    assert parse_qs(location.partition("?")[2])["state"] == [state]


@pytest.mark.parametrize(
    "evil", ["https://a.example/\r\nX: 1", "https://a.example/\n\n<b>", "é\0"]
)
def test_no_location_splits_a_response(evil: str) -> None:
    response = ClientRedirect(evil)
    headers = response.get_wsgi_headers({})
    assert headers["Location"].isascii()
    assert headers["Location"].isprintable()
    assert "X" not in headers
