"""Authorization requests that a client pushes ahead of the browser (RFC 9126)."""

from collections.abc import Callable
from urllib.parse import parse_qsl, urlencode

import pytest
from werkzeug.test import TestResponse

from app.extensions import db
from app.oauth.authorization import PREFIX
from tests.conftest import change
from tests.oauth.conftest import Flow, answer_of
from tests.oauth.test_client_credentials import refusal
from tests.requirements import requirement


def push(flow: Flow, **changes: str | None) -> TestResponse:
    given = dict(parse_qsl(flow.query(**changes)))
    if flow.client_secret:
        given["client_secret"] = flow.client_secret
    return flow.browser.post("/oauth/par", data=given)


def pushed(flow: Flow, **changes: str | None) -> str:
    answer = push(flow, **changes)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json is not None
    assert answer.json["expires_in"] == 600
    return str(answer.json["request_uri"])


def follow(flow: Flow, request_uri: str, **more: str) -> TestResponse:
    query = {"client_id": flow.client_id, "request_uri": request_uri, **more}
    return flow.browser.get("/oauth/authorize?" + urlencode(query))


@requirement("rfc9126:answered-with-201")
def test_a_pushed_request_is_what_the_person_decides_on(flow: Flow) -> None:
    # What the browser adds counts for nothing (RFC 9126 §5).
    page = follow(flow, pushed(flow, scope="tasks:view"), scope="tasks:view tasks:edit")
    assert "Create, change, complete" not in page.text
    answer = answer_of(flow.decide(page))
    assert answer["state"] == "a state & more"
    body = flow.exchange(answer["code"]).json
    assert body is not None
    assert body["scope"] == "tasks:view"


def test_a_public_client_may_push_too(another: Callable[..., Flow]) -> None:
    public = another(kind="public")
    assert follow(public, pushed(public)).status_code == 200


@requirement("rfc9126:one-use")
def test_it_counts_once(flow: Flow) -> None:
    request_uri = pushed(flow)
    first, second = follow(flow, request_uri), follow(flow, request_uri)
    assert answer_of(flow.decide(first))["code"]
    assert flow.decide(second).status_code == 400
    assert follow(flow, request_uri).status_code == 400


@requirement("rfc9126:expired-is-refused")
def test_it_ends_with_its_time(flow: Flow) -> None:
    request_uri = pushed(flow)
    change("UPDATE pushed_request SET expires_at = 1")
    assert follow(flow, request_uri).status_code == 400


@pytest.mark.parametrize("reference", ["", "x", "https://elsewhere.example/request.jwt", "é"])
def test_an_unknown_one_goes_nowhere(flow: Flow, reference: str) -> None:
    answer = follow(flow, PREFIX + reference)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@requirement("oidc-core:no-request-uris")
@pytest.mark.parametrize("foreign", ["x", "https://elsewhere.example/request.jwt", "bare"])
def test_one_that_was_not_pushed_is_not_taken(flow: Flow, foreign: str) -> None:
    reference = pushed(flow).removeprefix(PREFIX) if foreign == "bare" else foreign
    answer = answer_of(flow.authorize(request_uri=reference))
    assert answer["error"] == "request_uri_not_supported"


@requirement("rfc9126:bound-to-its-client")
def test_another_clients_one_is_unknown(flow: Flow, another: Callable[..., Flow]) -> None:
    assert follow(another(), pushed(flow)).status_code == 400


@requirement("rfc9126:no-reference-is-pushed", "rfc9126:refused-at-once")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uri": "https://elsewhere.example/"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "access:edit"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"request_uri": PREFIX + "x"}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"dpop_jkt": "short"}, "invalid_request"),
    ],
)
def test_what_authorize_would_refuse_is_refused_at_once(
    flow: Flow, changes: dict[str, str | None], error: str
) -> None:
    assert refusal(push(flow, **changes)) == error


@requirement("rfc9126:clients-prove-themselves")
def test_who_does_not_prove_itself_pushes_nothing(flow: Flow) -> None:
    flow.client_secret = "lk_cs_wrong"
    answer = push(flow)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_only_what_a_request_may_say_is_kept(flow: Flow) -> None:
    pushed(flow, junk="x" * 3000, client_assertion_type="x")
    with db.engine.connect() as connection:
        (kept,) = connection.exec_driver_sql("SELECT parameters FROM pushed_request").scalars()
    assert "junk" not in kept
    assert "secret" not in kept
    assert "code_challenge" in kept
