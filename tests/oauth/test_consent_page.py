"""What a person is told before they allow an app, and what may change before they do."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.scopes import SCOPES
from app.extensions import db
from app.oauth import console
from tests.conftest import Call, Person, change
from tests.oauth.conftest import CALLBACK, CHALLENGE, Flow, answer_of, sign_in
from tests.requirements import requirement

Another = Callable[..., Flow]


def words(html: str) -> str:
    """Give what a person reads."""
    main = html.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", "<" + main)).split())


def registered(browser: FlaskClient, **metadata: object) -> Flow:
    """Give a client that registered itself, in front of Ada."""
    given = {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none", **metadata}
    client_id = browser.post("/oauth/register", json=given).get_json()["client_id"]
    return Flow(sign_in(browser, "ada"), client_id, None)


@requirement("rfc6749:person-informed", "mcp:host-shown")
def test_the_page_says_who_asks_for_what_and_where_one_goes(another: Another) -> None:
    flow = another("ada")
    page = flow.authorize(scope="tasks:view profile:view")
    text = words(page.text)
    assert "Allow Other to use your account?" in text
    assert "Registered by Ben." in text
    assert "It sends you back to 127.0.0.1:9999 ." in text
    assert "Signed in as ada@example.com ." in text
    for scope in SCOPES.values():
        is_asked = scope.name in ("tasks:view", "profile:view")
        assert (f"{scope.sentence} {scope.name}" in text) == is_asked
    # The form needs its Referer behind TLS.
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert "no-store" in page.headers["Cache-Control"]


@requirement("mcp:host-shown", "mcp:local-apps-warned-of")
@pytest.mark.parametrize(
    ("uri", "shown", "is_warned", "action"),
    [
        (CALLBACK, "127.0.0.1:9999", True, "http://127.0.0.1:9999"),
        ("http://[::1]/cb", "[::1]", True, "http://[::1]"),
        ("http://localhost:1/cb", "localhost:1", True, "http://localhost:1"),
        ("https://app.example/cb", "app.example", False, "https://app.example"),
        ("https://app.example:8443/a", "app.example:8443", False, "https://app.example:8443"),
        ("https://localhost/cb", "localhost", False, "https://localhost"),
    ],
)
def test_the_page_says_where_the_browser_goes(
    browser: FlaskClient, uri: str, shown: str, action: str, *, is_warned: bool
) -> None:
    flow = registered(browser, redirect_uris=[uri])
    page = flow.authorize(redirect_uri=uri)
    assert f"It sends you back to {shown} ." in words(page.text)
    assert ("a program on this computer" in words(page.text)) == is_warned
    policy = page.headers["Content-Security-Policy"]
    assert f"form-action 'self' {action};" in policy


@requirement("mcp:host-shown", "mcp:local-apps-warned-of")
@pytest.mark.parametrize("uri", ["com.example.app:/cb", "cursor://cb/x", "jetbrains://gateway/cb"])
def test_the_page_warns_of_an_app_that_is_opened_by_its_scheme(
    browser: FlaskClient, uri: str
) -> None:
    page = registered(browser, redirect_uris=[uri]).authorize(redirect_uri=uri)
    scheme = uri.partition(":")[0]
    assert f"an app on this device that opens {scheme}: links" in words(page.text)
    assert "Any app on this device can open such links." in words(page.text)
    assert f"form-action 'self' {scheme}:;" in page.headers["Content-Security-Policy"]


@requirement("rfc7591:metadata-are-self-asserted")
def test_a_client_that_registered_itself_is_not_vouched_for(browser: FlaskClient) -> None:
    text = words(registered(browser, client_name="Claude").authorize().text)
    assert "It registered itself here: nobody has checked who made it." in text
    assert "Registered by" not in text


def test_the_console_is_called_our_own(app: Flask, browser: FlaskClient) -> None:
    console.ensure(db.engine, "http://127.0.0.1:8000", now=1)
    flow = Flow(sign_in(browser, "ada"), console.CLIENT_ID, None)
    flow.redirect_uri = "http://127.0.0.1:8000" + console.CALLBACK
    text = words(flow.authorize().text)
    assert "It is part of Latchkey." in text
    assert "Registered by" not in text


@requirement("rfc6749:input-checked")
def test_what_a_client_says_of_itself_is_text(flow: Flow) -> None:
    markup = '<script src="/x"></script><b onclick="x">{{7*7}}&quot;'
    change("UPDATE client SET name = :name, description = :text", name=markup[:80], text=markup)
    html = flow.authorize().text
    assert '<script src="/x">' not in html
    assert "<b onclick" not in html
    assert "&lt;script src=&#34;/x&#34;&gt;" in html
    assert "{{7*7}}&amp;quot;" in html


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_request_that_is_too_old_is_a_409(flow: Flow, decision: str) -> None:
    page = flow.authorize()
    change("UPDATE consent_request SET expires_at = 1")
    answer = flow.decide(page, decision)
    assert answer.status_code == 409
    assert "Start again from the app." in words(answer.text)
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE client SET revoked_at = 1",
        "DELETE FROM client",
        "UPDATE client SET redirect_uris = '[\"https://elsewhere.example/\"]'",
    ],
)
@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_client_that_changed_meanwhile_gets_nothing(
    flow: Flow, statement: str, decision: str
) -> None:
    page = flow.authorize()
    change(statement)
    answer = flow.decide(page, decision)
    assert answer.status_code == 400
    assert "Nothing was allowed." in words(answer.text)
    assert "Location" not in answer.headers
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM oauth_grant").scalar_one() == 0


def test_a_scope_that_the_role_lost_is_neither_shown_nor_granted(flow: Flow) -> None:
    page = flow.authorize()
    assert "tasks:edit" in page.text
    change("DELETE FROM role_scope WHERE scope = 'tasks:edit'")
    assert "tasks:edit" not in words(flow.authorize().text)
    body = flow.exchange(answer_of(flow.decide(page))["code"]).get_json()
    assert body["scope"] == "tasks:view"


def test_with_no_scope_left_nothing_is_granted(flow: Flow) -> None:
    page = flow.authorize()
    change("DELETE FROM role_scope")
    assert answer_of(flow.decide(page))["error"] == "access_denied"
    assert answer_of(flow.authorize())["error"] == "invalid_scope"


def test_a_scope_that_the_client_lost_is_not_granted(flow: Flow) -> None:
    page = flow.authorize()
    change("UPDATE client SET scopes = 'tasks:view'")
    body = flow.exchange(answer_of(flow.decide(page))["code"]).get_json()
    assert body["scope"] == "tasks:view"


def test_a_person_suspended_meanwhile_is_sent_to_the_door(flow: Flow) -> None:
    page = flow.authorize()
    change("UPDATE user_account SET suspended_at = 1")
    answer = flow.decide(page)
    assert answer.status_code == 403
    assert "Location" not in answer.headers
    assert "You were signed out." in answer.text


@pytest.mark.parametrize("decision", ["", "Allow", "yes", "deny"])
def test_only_allow_allows(flow: Flow, decision: str) -> None:
    assert answer_of(flow.decide(flow.authorize(), decision))["error"] == "access_denied"


@requirement("oidc-core:sign-in-comes-first")
def test_a_stranger_comes_back_to_the_same_request(
    app: Flask, flow: Flow, call: Call, person: Person
) -> None:
    stranger = app.test_client()
    asked = flow.query(state="a b&c=d/é")
    door = stranger.get("/oauth/authorize?" + asked)
    form = stranger.get(door.headers["Location"]).text
    fields = dict(re.findall(r'name="(csrf_token|next)" value="([^"]+)"', form))
    fields["next"] = unescape(fields["next"])
    given = {**fields, "email": "ben@example.com", "password": "latchkey-demo"}
    back = stranger.post("/login", data=given).headers["Location"]
    assert back == "/oauth/authorize?" + asked
    page = stranger.get(back)
    assert "Signed in as ben@example.com" in words(page.text)
    flow.browser = stranger
    assert answer_of(flow.decide(page))["state"] == "a b&c=d/é"
    assert CHALLENGE in asked
