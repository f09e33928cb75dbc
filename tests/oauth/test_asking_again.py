"""When a person is asked, asked again, and not asked (OpenID Connect Core §3.1.2.1)."""

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import PASSWORD, Call, Person, change
from tests.oauth.conftest import Flow, answer_of, sign_in
from tests.oauth.test_client_credentials import issued
from tests.oauth.test_code_flow import api
from tests.requirements import requirement


def test_what_was_allowed_before_is_not_asked_again(flow: Flow) -> None:
    flow.tokens(scope="tasks:view tasks:edit")
    for scope in ("tasks:view tasks:edit", "tasks:view"):
        answer = answer_of(flow.authorize(scope=scope))
        body = flow.exchange(answer["code"]).json
        assert body is not None
        assert body["scope"] == scope


def test_a_wider_scope_is_asked_for_and_only_that_is_new(flow: Flow) -> None:
    flow.tokens(scope="tasks:view")
    page = flow.authorize(scope="tasks:view tasks:edit")
    assert 'name="scope" value="tasks:edit" checked' in page.text
    assert 'name="scope" value="tasks:view"' not in page.text
    assert "You have allowed it already" in page.text
    body = flow.exchange(answer_of(flow.decide(page))["code"]).json
    assert body is not None
    assert body["scope"] == "tasks:view tasks:edit"


def test_a_disconnected_app_is_asked_for_again(flow: Flow, call: Call, person: Person) -> None:
    flow.tokens()
    call("connections.revoke", person("ada"), {"client_id": flow.client_id})
    assert "Allow" in flow.authorize().text


def test_a_clients_own_grant_is_nobodys_consent(flow: Flow) -> None:
    issued(flow)
    assert "Allow" in flow.authorize().text


@requirement("oidc-core:prompt-consent")
@pytest.mark.parametrize("prompt", ["consent", "select_account", "consent select_account"])
def test_a_client_may_want_the_page(flow: Flow, prompt: str) -> None:
    flow.tokens()
    assert "You have allowed it already" in flow.authorize(prompt=prompt).text


@requirement("rfc6749:nothing-by-itself", "rfc8252:asked-each-time")
def test_a_public_client_on_this_computer_is_asked_for_each_time(
    another: Callable[..., Flow],
) -> None:
    public = another(kind="public")
    public.tokens()
    assert "Allow" in public.authorize().text


@requirement("rfc6749:nothing-by-itself", "rfc8252:asked-each-time", "mcp:consent-for-each-client")
@pytest.mark.parametrize(
    ("source", "redirect_uri", "is_asked"),
    [
        ("admin", "https://app.example/callback", False),
        # Any program on the computer can listen there, and say that it is this client.
        ("admin", "http://127.0.0.1:9999/callback", True),
        ("registration", "https://app.example/callback", True),
        ("document", "https://app.example/callback", True),
    ],
)
def test_a_first_party_client_is_not_asked_for_where_nobody_else_can_be_it(
    another: Callable[..., Flow], source: str, redirect_uri: str, *, is_asked: bool
) -> None:
    public = another(kind="public")
    change(
        "UPDATE client SET is_first_party = 1, source = :it, redirect_uris = :uris "
        "WHERE is_public AND source != 'built-in'",
        it=source,
        uris=json.dumps([redirect_uri]),
    )
    assert (public.authorize(redirect_uri=redirect_uri).status_code == 200) == is_asked


@requirement("rfc6749:scope-told", "rfc9700:privileges-restricted")
def test_a_person_may_remove_a_scope(flow: Flow) -> None:
    page = flow.authorize()
    answer = answer_of(flow.decide(page, without=["tasks:edit"]))
    body = flow.exchange(answer["code"]).json
    assert body is not None
    assert body["scope"] == "tasks:view"


def test_to_sign_in_alone_is_something_to_allow(flow: Flow) -> None:
    page = flow.authorize(scope="openid tasks:view")
    answer = answer_of(flow.decide(page, without=["tasks:view"]))
    body = flow.exchange(answer["code"]).json
    assert body is not None
    assert body["scope"] == "openid"


def test_with_every_scope_removed_nothing_is_allowed(flow: Flow) -> None:
    page = flow.authorize()
    answer = answer_of(flow.decide(page, without=["tasks:view", "tasks:edit"]))
    assert answer["error"] == "access_denied"


def test_what_the_app_needs_cannot_be_removed(flow: Flow) -> None:
    change("UPDATE client SET required_scopes = 'tasks:view'")
    page = flow.authorize(scope="openid tasks:view tasks:edit")
    assert 'name="scope" value="tasks:view"' not in page.text
    assert 'name="scope" value="openid"' not in page.text
    body = flow.exchange(answer_of(flow.decide(page, without=["tasks:edit"]))["code"]).json
    assert body is not None
    assert body["scope"] == "openid tasks:view"


def test_a_tick_that_was_not_offered_counts_for_nothing(flow: Flow) -> None:
    page = flow.authorize(scope="tasks:view")
    forged = page.text.replace("</form>", '<i name="scope" value="tasks:edit" checked></form>')
    page.set_data(forged)
    body = flow.exchange(answer_of(flow.decide(page))["code"]).json
    assert body is not None
    assert body["scope"] == "tasks:view"


@requirement("oidc-core:prompt-none-shows-nothing", "oidc-core:prompt-none-needs-no-hint")
def test_no_prompt_means_no_page(app: Flask, flow: Flow) -> None:
    assert answer_of(flow.authorize(prompt="none"))["error"] == "consent_required"
    stranger = Flow(app.test_client(), flow.client_id, flow.client_secret)
    answer = answer_of(stranger.authorize(prompt="none"))
    assert answer["error"] == "login_required"
    assert (answer["state"], answer["iss"]) == ("a state & more", "http://127.0.0.1:8000")
    flow.tokens()
    assert answer_of(flow.authorize(prompt="none"))["code"]
    change("UPDATE login SET created_at = created_at - 100")
    assert answer_of(flow.authorize(prompt="none", max_age="10"))["error"] == "login_required"


def again(flow: Flow, answer: TestResponse, name: str = "ada") -> TestResponse:
    """Sign in again, as the person is made to; give where that leads."""
    assert answer.status_code == 303
    target = answer.headers["Location"]
    page = flow.browser.get(target)
    assert page.status_code == 200
    email = f"{name}@example.com"
    assert f'value="{email}"' in page.text
    fields = {"email": email, "password": PASSWORD}
    hidden = {
        "csrf_token": page.text.split('name="csrf_token" value="')[1].split('"')[0],
        "next": parse_qs(urlsplit(target).query)["next"][0],
    }
    back = flow.browser.post("/login", data={**fields, **hidden})
    assert back.status_code == 303
    return flow.browser.get(back.headers["Location"])


@requirement("oidc-core:prompt-login", "oidc-core:max-age")
@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "10"}, {"max_age": "0"}])
def test_a_person_who_signed_in_long_ago_does_it_again_once(
    flow: Flow, asked: dict[str, str | None]
) -> None:
    change("UPDATE login SET created_at = created_at - 100")
    page = again(flow, flow.authorize(**asked))
    assert "Allow" in page.text
    body = flow.exchange(answer_of(flow.decide(page))["code"]).json
    assert body is not None
    assert api(flow, body["access_token"]) == 200
    change("UPDATE login SET created_at = created_at - 100")
    assert "/login?" in flow.authorize(**asked).headers["Location"]


def test_who_had_to_sign_in_anyway_does_it_once(app: Flask, flow: Flow) -> None:
    stranger = Flow(app.test_client(), flow.client_id, flow.client_secret)
    asked = {"prompt": "login", "login_hint": "ada@example.com"}
    assert "Allow" in again(stranger, stranger.authorize(**asked)).text


@requirement("oidc-core:prompt-login")
def test_a_sign_in_for_another_request_is_not_the_one_asked_for(flow: Flow) -> None:
    again(flow, flow.authorize(prompt="login"))
    assert "/login?" in flow.authorize(prompt="login", state="other").headers["Location"]


def hint_of(flow: Flow) -> str:
    """Give an ID token about the person in front of a flow's browser."""
    return str(flow.tokens(scope="openid")["id_token"])


@requirement("oidc-core:the-hint-names-the-person")
def test_a_client_gets_the_person_that_its_hint_is_about(app: Flask, flow: Flow) -> None:
    hint = hint_of(flow)
    assert answer_of(flow.authorize(scope="openid", id_token_hint=hint))["code"]
    ben = Flow(sign_in(app.test_client(), "ben"), flow.client_id, flow.client_secret)
    asked = {"scope": "openid", "id_token_hint": hint}
    assert answer_of(ben.authorize(**asked, prompt="none"))["error"] == "login_required"
    assert answer_of(again(ben, ben.authorize(**asked), "ben"))["error"] == "login_required"


def test_a_hint_that_another_client_got_names_nobody(
    flow: Flow, another: Callable[..., Flow]
) -> None:
    other = another()
    hint = hint_of(other)
    answer = answer_of(flow.authorize(scope="openid", id_token_hint=hint, prompt="none"))
    assert answer["error"] == "login_required"


@requirement("oidc-core:the-hint-is-our-own")
def test_a_hint_is_an_id_token_of_this_server(flow: Flow) -> None:
    token = hint_of(flow)
    for hint in ("é", "a.b.c", token[:-4] + "AAAA", flow.tokens()["access_token"]):
        assert answer_of(flow.authorize(id_token_hint=hint))["error"] == "invalid_request"


def test_who_signed_in_just_now_need_not_do_it_again(flow: Flow) -> None:
    assert "Allow" in flow.authorize(max_age="100").text


def test_a_hint_fills_the_form_in(app: Flask, flow: Flow) -> None:
    stranger = Flow(app.test_client(), flow.client_id, flow.client_secret)
    answer = stranger.authorize(login_hint="ben@example.com")
    page = stranger.browser.get(answer.headers["Location"])
    assert 'value="ben@example.com"' in page.text


@requirement("oidc-core:the-person-decides")
def test_another_persons_consent_is_their_own(app: Flask, flow: Flow) -> None:
    flow.tokens()
    ben = Flow(sign_in(app.test_client(), "ben"), flow.client_id, flow.client_secret)
    assert "Allow" in ben.authorize().text


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"prompt": "none consent"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"max_age": "9" * 40}, "invalid_request"),
        ({"nonce": "n" * 501}, "invalid_request"),
        ({"dpop_jkt": "é"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"response_mode": "form_post"}, "invalid_request"),
    ],
)
def test_what_the_endpoint_does_not_take_is_reported(
    flow: Flow, asked: dict[str, str | None], error: str
) -> None:
    assert answer_of(flow.authorize(**asked))["error"] == error


def test_grants_are_kept_as_the_page_said(flow: Flow, call: Call, person: Person) -> None:
    flow.decide(flow.authorize(), without=["tasks:edit"])
    (connection,) = call("connections.list", person("ada")).items
    assert json.loads(connection.model_dump_json())["scopes"] == [
        {"name": "tasks:view", "sentence": "See your tasks and their comments"}
    ]
