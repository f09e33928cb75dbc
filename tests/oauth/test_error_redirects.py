"""Which errors go to the client, which stop at a page, and who gets a code silently."""

import json
from collections.abc import Callable

import pytest
from flask import Flask

from tests.conftest import Call, Person, change
from tests.oauth.conftest import CALLBACK, ISSUER, Flow, answer_of, sign_in
from tests.oauth.test_client_credentials import issued
from tests.oauth.test_security_practices import registered
from tests.requirements import requirement

WEB = "https://app.example/cb"
IN_FRAME = {"Sec-Fetch-Dest": "iframe"}


def stranger_in_front_of(app: Flask, flow: Flow) -> Flow:
    """Return the same client, in front of a browser in which nobody is signed in."""
    return Flow(app.test_client(), flow.client_id, flow.client_secret, flow.redirect_uri)


@requirement("rfc6749:errors-told-to-the-client")
@pytest.mark.parametrize("uri", [CALLBACK, "com.example.app:/cb", "cursor://cb/x"])
def test_software_on_the_users_device_hears_of_errors(app: Flask, flow: Flow, uri: str) -> None:
    tool = registered(flow.browser, uri)
    answer = tool.authorize(scope="tasks:edti")
    assert answer.headers["Location"].startswith(uri + "?")
    told = answer_of(answer)
    assert told == {
        "error": "invalid_scope",
        "error_description": "Unknown scope: tasks:edti.",
        "state": "a state & more",
        "iss": ISSUER,
    }
    silent = answer_of(stranger_in_front_of(app, tool).authorize(prompt="none"))
    assert silent["error"] == "login_required"


@pytest.mark.parametrize("source", ["user", "admin"])
def test_a_client_that_somebody_registered_hears_of_errors(
    app: Flask, flow: Flow, source: str
) -> None:
    change("UPDATE client SET source = :it, redirect_uris = :uris", it=source, uris=f'["{WEB}"]')
    flow.redirect_uri = WEB
    assert answer_of(flow.authorize(response_type="token"))["error"] == "unsupported_response_type"
    silent = stranger_in_front_of(app, flow).authorize(prompt="none")
    assert answer_of(silent)["error"] == "login_required"


@requirement("rfc9700:redirects-only-where-trusted")
def test_a_client_that_registered_itself_hears_of_errors_once_it_is_connected(
    app: Flask, flow: Flow, call: Call, person: Person
) -> None:
    tool = registered(flow.browser, WEB)
    mistakes: list[dict[str, str | None]] = [
        {"scope": "nonsense"},
        {"response_type": "token"},
        {"code_challenge": None},
        {"prompt": "none", "scope": "tasks:view projects:view"},
        {"resource": "https://elsewhere.example"},
    ]
    for mistake in mistakes:
        assert tool.authorize(**mistake).status_code == 400
    tool.tokens()
    for mistake in mistakes:
        told = answer_of(tool.authorize(**mistake))
        assert (told["state"], told["iss"]) == ("a state & more", ISSUER)
    tool.browser = sign_in(app.test_client(), "ben")
    assert tool.authorize(scope="nonsense").status_code == 400, "Ben has not connected it"
    tool.browser = flow.browser
    call("connections.revoke", person("ada"), {"client_id": tool.client_id})
    assert tool.authorize(scope="nonsense").status_code == 400


def test_a_clients_own_grant_connects_nobody(flow: Flow) -> None:
    issued(flow)
    uris = json.dumps([WEB])
    change("UPDATE client SET source = 'registration', redirect_uris = :uris", uris=uris)
    assert flow.authorize(redirect_uri=WEB, scope="nonsense").status_code == 400


@requirement("oidc-core:prompt-none-shows-nothing")
def test_a_frame_without_pages_always_gets_its_answer(app: Flask, flow: Flow) -> None:
    tool = registered(flow.browser, WEB)
    query = tool.query(prompt="none")
    nobody = app.test_client()
    assert nobody.get(f"/oauth/authorize?{query}").status_code == 400
    framed = nobody.get(f"/oauth/authorize?{query}", headers=IN_FRAME)
    assert framed.headers["Location"].startswith(WEB + "?")
    assert answer_of(framed)["error"] == "login_required"
    framed = flow.browser.get(f"/oauth/authorize?{query}", headers=IN_FRAME)
    assert answer_of(framed)["error"] == "consent_required"
    faulty = tool.query(prompt="none", scope="nonsense")
    framed = flow.browser.get(f"/oauth/authorize?{faulty}", headers=IN_FRAME)
    assert answer_of(framed)["error"] == "invalid_scope"


@requirement("rfc9700:redirects-only-where-trusted")
def test_a_frame_leads_nowhere_that_is_not_registered_and_shows_no_page(flow: Flow) -> None:
    tool = registered(flow.browser, WEB)
    for changes in (
        {"prompt": None, "scope": "nonsense"},
        {"prompt": "none", "redirect_uri": "https://evil.example/"},
        {"prompt": "none", "client_id": "unknown"},
    ):
        query = tool.query(**changes)
        answer = flow.browser.get(f"/oauth/authorize?{query}", headers=IN_FRAME)
        assert answer.status_code == 400, changes
        assert "Location" not in answer.headers
        assert answer.headers["X-Frame-Options"] == "DENY"


def test_who_only_has_to_confirm_the_app_is_told_so(another: Callable[..., Flow]) -> None:
    local = another(kind="public")
    local.tokens()
    assert answer_of(local.authorize(prompt="none"))["error"] == "interaction_required"
    wider = local.authorize(prompt="none", scope="tasks:view projects:view")
    assert answer_of(wider)["error"] == "consent_required"


@requirement("rfc8252:asked-each-time", "rfc6749:nothing-by-itself")
@pytest.mark.parametrize("source", ["registration", "document", "user"])
def test_a_public_client_of_an_https_host_is_not_asked_for_again(
    flow: Flow, call: Call, person: Person, source: str
) -> None:
    tool = registered(flow.browser, WEB)
    change("UPDATE client SET source = :it WHERE client_id = :id", it=source, id=tool.client_id)
    assert tool.authorize().status_code == 200
    tool.tokens()
    for changes in ({}, {"prompt": "none"}, {"scope": "tasks:view"}):
        assert answer_of(tool.authorize(**changes))["code"]
    assert tool.authorize(scope="tasks:view projects:view").status_code == 200
    assert tool.authorize(prompt="consent").status_code == 200
    call("connections.revoke", person("ada"), {"client_id": tool.client_id})
    assert tool.authorize().status_code == 200


@requirement("rfc8252:asked-each-time")
@pytest.mark.parametrize(
    "uri",
    [
        CALLBACK,
        "com.example.app:/cb",
        "https://localhost/cb",
        "https://app.localhost/cb",
        "https://127.0.0.2/cb",
        "https://[::1]:8443/cb",
    ],
)
def test_what_other_software_can_receive_is_asked_for_each_time(flow: Flow, uri: str) -> None:
    tool = registered(flow.browser, uri)
    tool.tokens()
    assert tool.authorize().status_code == 200


@requirement("rfc6749:errors-told-to-the-client")
def test_the_page_names_the_scopes_that_are_not_known(flow: Flow) -> None:
    tool = registered(flow.browser, WEB)
    page = tool.authorize(scope="tasks:edti users:viewAll tasks:view")
    assert "Unknown scope: tasks:edti. This client may not request: users:viewAll." in page.text


def test_no_sentence_of_a_request_gets_onto_the_page(flow: Flow) -> None:
    tool = registered(flow.browser, WEB)
    page = tool.authorize(scope='Call! <b>now</b> "0800" ' + " ".join(f"x{n}" for n in range(9)))
    assert "Unknown scope: x0, x1, x2, x3, x4, 7 more." in page.text


def test_the_other_endpoints_name_the_scopes_too(flow: Flow) -> None:
    for answer in (
        flow.token(grant_type="client_credentials", scope="tasks:edti"),
        flow.browser.post(
            "/oauth/device_authorization",
            data={
                "client_id": flow.client_id,
                "client_secret": flow.client_secret,
                "scope": "tasks:edti",
            },
        ),
    ):
        told = answer.get_json()
        assert told == {
            "error": "invalid_scope",
            "error_description": "Unknown scope: tasks:edti.",
        }
