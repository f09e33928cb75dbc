"""A device without a browser, and the person who allows it on another one (RFC 8628)."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

import config
from app import create_app
from app.oauth.device import GRANT_TYPE
from tests.conftest import change, stop_the_minute
from tests.oauth.conftest import Flow, sign_in
from tests.oauth.test_client_credentials import refusal
from tests.oauth.test_code_flow import api
from tests.requirements import requirement


def start(flow: Flow, **changes: str | None) -> dict[str, Any]:
    given = {"client_id": flow.client_id, "client_secret": flow.client_secret, **changes}
    sent = {name: value for name, value in given.items() if value is not None}
    answer = flow.browser.post("/oauth/device_authorization", data=sent)
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def poll(flow: Flow, started: dict[str, Any]) -> TestResponse:
    # As if the device had waited.
    change("UPDATE device_authorization SET polled_at = NULL")
    return flow.token(grant_type=GRANT_TYPE, device_code=started["device_code"])


def send(flow: Flow, page: TestResponse, path: str, **fields: Any) -> TestResponse:
    """Send a page's form as it stands, but for these fields."""
    hidden = dict(re.findall(r'name="(csrf_token|consent)" value="([^"]+)"', page.text))
    ticked = re.findall(r'name="scope" value="([^"]+)" checked', page.text)
    return flow.browser.post(path, data={**hidden, "scope": ticked, **fields})


def look_up(flow: Flow, user_code: str) -> TestResponse:
    page = flow.browser.get("/oauth/device")
    return send(flow, page, "/oauth/device", user_code=user_code)


def decide(flow: Flow, user_code: str, decision: str = "allow") -> TestResponse:
    page = look_up(flow, user_code)
    assert page.status_code == 200, page.text
    return send(flow, page, "/oauth/device/decision", decision=decision)


def test_a_person_allows_a_device_that_then_gets_its_tokens_once(flow: Flow) -> None:
    started = start(flow, scope="tasks:view")
    assert re.fullmatch(r"[B-Z]{4}-[B-Z]{4}", started["user_code"])
    assert (started["expires_in"], started["interval"]) == (600, 5)
    assert refusal(poll(flow, started)) == "authorization_pending"
    page = look_up(flow, started["user_code"].lower().replace("-", " "))
    assert "Reporter" in page.text
    assert "See your tasks" in page.text
    done = send(flow, page, "/oauth/device/decision", decision="allow")
    assert done.headers["Location"].endswith("/oauth/device/done?allowed=1")
    body = poll(flow, started).json
    assert body is not None
    assert body["scope"] == "tasks:view"
    assert api(flow, body["access_token"]) == 200
    assert flow.refresh(body["refresh_token"]).status_code == 200
    assert refusal(poll(flow, started)) == "invalid_grant"


def test_a_code_in_the_link_is_filled_in_and_still_has_to_be_sent(flow: Flow) -> None:
    started = start(flow)
    page = flow.browser.get(
        started["verification_uri_complete"].removeprefix("http://127.0.0.1:8000")
    )
    assert f'value="{started["user_code"]}"' in page.text
    assert refusal(poll(flow, started)) == "authorization_pending"


def test_a_person_may_remove_a_scope_of_a_device_and_is_asked_for_the_rest_alone(
    flow: Flow,
) -> None:
    started = start(flow, scope="openid tasks:view tasks:edit")
    page = look_up(flow, started["user_code"])
    assert 'name="scope" value="openid"' not in page.text
    path = "/oauth/device/decision"
    done = send(flow, page, path, decision="allow", scope=["tasks:view", "profile:view"])
    assert done.headers["Location"].endswith("?allowed=1")
    body = poll(flow, started).json
    assert body is not None
    assert body["scope"] == "openid tasks:view"
    page = look_up(flow, start(flow, scope="tasks:view tasks:edit")["user_code"])
    assert "You have allowed it already" in page.text
    assert re.findall(r'name="scope" value="([^"]+)"', page.text) == ["tasks:edit"]


def test_with_every_scope_removed_a_device_is_allowed_nothing(flow: Flow) -> None:
    started = start(flow, scope="tasks:view offline_access")
    page = look_up(flow, started["user_code"])
    send(flow, page, "/oauth/device/decision", decision="allow", scope=[])
    assert refusal(poll(flow, started)) == "access_denied"


def test_what_the_person_refuses_the_device_is_told(flow: Flow) -> None:
    started = start(flow)
    decide(flow, started["user_code"], "deny")
    assert refusal(poll(flow, started)) == "access_denied"
    assert look_up(flow, started["user_code"]).status_code == 422


@requirement("rfc8628:the-interval-grows")
def test_a_device_that_asks_too_often_has_to_slow_down(flow: Flow) -> None:
    started = start(flow)
    asked = {"grant_type": GRANT_TYPE, "device_code": started["device_code"]}

    def polled() -> tuple[str, int]:
        body = flow.token(**asked).get_json()
        return body["error"], body["interval"]

    assert polled() == ("authorization_pending", 5)
    assert polled() == ("slow_down", 10)
    change("UPDATE device_authorization SET polled_at = polled_at - 9")
    assert polled() == ("slow_down", 15)
    change("UPDATE device_authorization SET polled_at = polled_at - 6")
    assert polled() == ("authorization_pending", 15)


@requirement("rfc8628:the-interval-grows")
def test_an_early_poll_does_not_begin_the_wait_anew(flow: Flow) -> None:
    started = start(flow)
    asked = {"grant_type": GRANT_TYPE, "device_code": started["device_code"]}
    change("UPDATE device_authorization SET polled_at = :then", then=int(time.time()) - 4)
    assert refusal(flow.token(**asked)) == "slow_down"
    change("UPDATE device_authorization SET polled_at = polled_at - 6")
    assert refusal(flow.token(**asked)) == "authorization_pending"


@pytest.mark.parametrize(("decision", "status"), [("allow", 200), ("deny", 400)])
def test_a_decided_request_is_answered_however_early_the_device_asks(
    flow: Flow, decision: str, status: int
) -> None:
    started = start(flow)
    asked = {"grant_type": GRANT_TYPE, "device_code": started["device_code"]}
    assert [refusal(flow.token(**asked)) for _ in range(3)][1:] == ["slow_down"] * 2
    decide(flow, started["user_code"], decision)
    answer = flow.token(**asked)
    assert answer.status_code == status
    assert (answer.json or {}).get("error") == (None if status == 200 else "access_denied")


def test_a_code_ends_with_its_time(flow: Flow) -> None:
    change("UPDATE client SET device_code_lasts = 60")
    started = start(flow)
    assert started["expires_in"] == 60
    change("UPDATE device_authorization SET expires_at = 1")
    assert refusal(poll(flow, started)) == "expired_token"
    assert look_up(flow, started["user_code"]).status_code == 422


@requirement("rfc8628:polls-are-authenticated")
def test_another_clients_device_code_is_unknown(flow: Flow, another: Callable[..., Flow]) -> None:
    started = start(flow)
    decide(flow, started["user_code"])
    assert refusal(poll(another(), started)) == "invalid_grant"
    assert poll(flow, started).status_code == 200


def test_of_many_polls_at_once_one_wins(app: Flask, flow: Flow) -> None:
    started = start(flow)
    decide(flow, started["user_code"])

    def one(_: int) -> int:
        program = Flow(app.test_client(), flow.client_id, flow.client_secret)
        asked = {"grant_type": GRANT_TYPE, "device_code": started["device_code"]}
        return program.token(**asked).status_code

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(16))).count(200) == 1


def test_a_decision_is_the_persons_who_looked_the_code_up(app: Flask, flow: Flow) -> None:
    started = start(flow)
    page = look_up(flow, started["user_code"])
    ben = Flow(sign_in(app.test_client(), "ben"), flow.client_id, flow.client_secret)
    consent = re.findall(r'name="consent" value="([^"]+)"', page.text)[0]
    form = ben.browser.get("/oauth/device")
    assert (
        send(ben, form, "/oauth/device/decision", consent=consent, decision="allow").status_code
        == 409
    )
    assert refusal(poll(flow, started)) == "authorization_pending"


def test_a_stranger_is_asked_to_sign_in_first(app: Flask) -> None:
    answer = app.test_client().get("/oauth/device?user_code=BCDF-GHJK")
    assert answer.status_code == 303
    assert "user_code%3DBCDF-GHJK" in answer.headers["Location"]


def test_a_decision_without_the_pages_token_is_refused(flow: Flow) -> None:
    page = look_up(flow, start(flow)["user_code"])
    consent = re.findall(r'name="consent" value="([^"]+)"', page.text)[0]
    data = {"consent": consent, "decision": "allow"}
    assert flow.browser.post("/oauth/device/decision", data=data).status_code == 400


@requirement("rfc8628:user-codes-cannot-be-tried")
def test_codes_cannot_be_tried_without_end(app: Flask) -> None:
    limited = create_app(
        config.load(instance=app.extensions["settings"].instance, secret_key="of the tests")
    )
    stop_the_minute(limited)
    browser = sign_in(limited.test_client(), "ada")
    form = browser.get("/oauth/device")
    token = re.findall(r'name="csrf_token" value="([^"]+)"', form.text)[0]
    statuses = [
        browser.post("/oauth/device", data={"csrf_token": token, "user_code": "BCDF-GHJK"})
        for _ in range(21)
    ]
    assert [answer.status_code for answer in statuses] == [422] * 20 + [429]
    assert int(statuses[-1].headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "access:edit"}, "invalid_scope"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ],
)
def test_a_device_asks_for_what_its_client_may_have(
    flow: Flow, changes: dict[str, str], error: str
) -> None:
    given = {"client_id": flow.client_id, "client_secret": flow.client_secret, **changes}
    assert refusal(flow.browser.post("/oauth/device_authorization", data=given)) == error


@pytest.mark.parametrize("code", ["", "ABC", "AAAA-AAAA", "бвгд-жзкл", "B" * 40, "%00"])
def test_what_is_no_code_is_said_so(flow: Flow, code: str) -> None:
    assert look_up(flow, code).status_code == 422
