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


@pytest.mark.parametrize("prompt", ["consent", "select_account", "consent select_account"])
def test_a_client_may_want_the_page(flow: Flow, prompt: str) -> None:
    flow.tokens()
    assert "You have allowed it already" in flow.authorize(prompt=prompt).text


def test_a_public_client_on_this_computer_is_asked_for_each_time(
    another: Callable[..., Flow],
) -> None:
    public = another(kind="public")
    public.tokens()
    assert "Allow" in public.authorize().text


@pytest.mark.parametrize(("source", "is_asked"), [("admin", False), ("registration", True)])
def test_a_first_party_client_is_not_asked_for_and_a_registered_one_always(
    another: Callable[..., Flow], source: str, *, is_asked: bool
) -> None:
    public = another(kind="public")
    change("UPDATE client SET is_first_party = 1, source = :it WHERE is_public", it=source)
    assert (public.authorize().status_code == 200) == is_asked


def test_a_person_may_remove_a_scope(flow: Flow) -> None:
    page = flow.authorize()
    answer = answer_of(flow.decide(page, without=["tasks:edit"]))
    body = flow.exchange(answer["code"]).json
    assert body is not None
    assert body["scope"] == "tasks:view"


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


def again(flow: Flow, answer: TestResponse) -> TestResponse:
    """Sign in again, as the person is made to; give where that leads."""
    assert answer.status_code == 303
    target = answer.headers["Location"]
    page = flow.browser.get(target)
    assert page.status_code == 200
    assert 'value="ada@example.com"' in page.text
    fields = {"email": "ada@example.com", "password": PASSWORD}
    hidden = {
        "csrf_token": page.text.split('name="csrf_token" value="')[1].split('"')[0],
        "next": parse_qs(urlsplit(target).query)["next"][0],
    }
    back = flow.browser.post("/login", data={**fields, **hidden})
    assert back.status_code == 303
    return flow.browser.get(back.headers["Location"])


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


def test_who_signed_in_just_now_need_not_do_it_again(flow: Flow) -> None:
    assert "Allow" in flow.authorize(max_age="100").text


def test_a_hint_fills_the_form_in(app: Flask, flow: Flow) -> None:
    stranger = Flow(app.test_client(), flow.client_id, flow.client_secret)
    answer = stranger.authorize(login_hint="ben@example.com")
    page = stranger.browser.get(answer.headers["Location"])
    assert 'value="ben@example.com"' in page.text


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
