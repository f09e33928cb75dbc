"""What RFC 8628 asks of a server, held against the answers and the pages to the letter."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.core import credentials
from app.core.credentials import Prefix
from app.extensions import db
from app.oauth.device import GRANT_TYPE
from tests.conftest import change
from tests.oauth.conftest import ISSUER, Flow, sign_in
from tests.oauth.test_client_credentials import refusal
from tests.oauth.test_consent_page import words
from tests.oauth.test_device import decide, look_up, poll, start
from tests.oauth.test_registration import register
from tests.requirements import requirement

FORM = "application/x-www-form-urlencoded"
# RFC 8628 §6.1: twenty consonants.
USER_CODE = re.compile(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}")
TV = {"client_name": "Television", "grant_types": [GRANT_TYPE]}


def begin(flow: Flow, **given: str | None) -> TestResponse:
    """Ask for a device's codes, from a program without cookies."""
    sent = {"client_id": flow.client_id, "client_secret": flow.client_secret, **given}
    program = flow.browser.application.test_client()
    data = {name: value for name, value in sent.items() if value is not None}
    return program.post("/oauth/device_authorization", data=data)


def waiting() -> list[tuple[Any, ...]]:
    with db.engine.connect() as connection:
        query = "SELECT scopes, resource FROM device_authorization"
        return [tuple(row) for row in connection.exec_driver_sql(query)]


@requirement("rfc8628:the-answer-is-whole")
def test_the_answer_holds_all_that_a_device_needs(flow: Flow) -> None:
    answer = begin(flow)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json
    assert body is not None
    assert body.keys() == {
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
        "interval",
    }
    assert (body["expires_in"], body["interval"]) == (600, 5)
    assert body["verification_uri_complete"].endswith("?user_code=" + body["user_code"])


@requirement("rfc8628:the-uri-is-short", "rfc8628:the-uri-holds-no-code")
def test_the_address_can_be_typed_and_holds_no_code(flow: Flow) -> None:
    started = start(flow)
    assert started["verification_uri"] == ISSUER + "/oauth/device"
    assert started["user_code"] not in started["verification_uri"]
    page = flow.browser.get("/oauth/device")
    assert page.status_code == 200
    assert 'name="user_code"' in page.text
    assert started["user_code"] not in page.text


@requirement("rfc8628:clients-prove-themselves")
def test_a_devices_client_proves_itself_as_elsewhere(
    app: Flask, flow: Flow, another: Callable[..., Flow]
) -> None:
    public = another(kind="public")
    change("UPDATE client SET grant_types = :grants WHERE is_public", grants=f'["{GRANT_TYPE}"]')
    assert begin(public).status_code == 200
    nobody = Flow(app.test_client(), "unknown", None)
    for wrong in (
        begin(flow, client_secret=None),
        begin(flow, client_secret="lk_cs_wrong"),
        begin(public, client_secret=flow.client_secret),
        begin(nobody),
        begin(public, client_id=None, scope="tasks:view"),
    ):
        assert (wrong.status_code, (wrong.json or {})["error"]) == (401, "invalid_client")
        assert wrong.headers["WWW-Authenticate"].startswith("Basic ")
    assert len(waiting()) == 1


def test_only_a_client_registered_for_devices_starts_one(flow: Flow) -> None:
    change("UPDATE client SET grant_types = '[\"authorization_code\"]'")
    assert refusal(begin(flow)) == "unauthorized_client"
    assert waiting() == []


@requirement("rfc8628:empty-is-omitted", "rfc8628:unknown-is-ignored")
def test_what_is_empty_or_unknown_counts_for_nothing(flow: Flow) -> None:
    assert begin(flow, scope="", resource="").status_code == 200
    assert begin(flow, nonsense="x", user_code="BCDF-GHJK", interval="1").status_code == 200
    assert begin(flow).status_code == 200
    assert waiting() == [("profile:view tasks:view tasks:edit", None)] * 3
    assert (start(flow, interval="1")["interval"], start(flow, device_code="x")["interval"]) == (
        5,
        5,
    )


@requirement("rfc8628:nothing-twice")
@pytest.mark.parametrize("name", ["scope", "client_id", "nonsense"])
def test_a_repeated_parameter_is_refused(flow: Flow, name: str) -> None:
    known = f"client_id={flow.client_id}&client_secret={flow.client_secret}"
    more = f"&{name}=tasks:view" * (1 if name == "client_id" else 2)
    program = flow.browser.application.test_client()
    answer = program.post("/oauth/device_authorization", data=known + more, content_type=FORM)
    assert refusal(answer) == "invalid_request"
    assert waiting() == []


@requirement("rfc8628:polls-are-authenticated")
def test_a_devices_tokens_are_for_its_client_alone(
    flow: Flow, another: Callable[..., Flow]
) -> None:
    started = start(flow)
    decide(flow, started["user_code"])
    asked = {"grant_type": GRANT_TYPE, "device_code": started["device_code"]}
    for secret in (None, "lk_cs_wrong"):
        answer = flow.token(**asked, client_secret=secret)
        assert (answer.status_code, (answer.json or {})["error"]) == (401, "invalid_client")
    assert refusal(another().token(**asked)) == "invalid_grant"
    assert refusal(flow.token(grant_type=GRANT_TYPE)) == "invalid_request"
    assert poll(flow, started).status_code == 200


@requirement(
    "rfc8628:user-codes-cannot-be-tried",
    "rfc8628:device-codes-cannot-be-guessed",
    "rfc8628:no-letters-look-alike",
)
def test_codes_are_random_and_kept_as_hashes(flow: Flow) -> None:
    started = [start(flow) for _ in range(40)]
    user_codes = {one["user_code"] for one in started}
    device_codes = {one["device_code"] for one in started}
    assert (len(user_codes), len(device_codes)) == (40, 40)
    assert [code for code in user_codes if not USER_CODE.fullmatch(code)] == []
    # Each letter is as likely as any other: of 320, each is there.
    assert len(set("".join(user_codes))) == 20 + 1
    with db.engine.connect() as connection:
        kept = str(connection.exec_driver_sql("SELECT * FROM device_authorization").all())
    for code in device_codes:
        assert credentials.is_well_formed(code, Prefix.DEVICE_CODE)
        assert code not in kept
    assert not [code for code in user_codes if code in kept or code.replace("-", "") in kept]


@requirement("rfc8628:people-hear-that-it-is-a-device", "rfc8628:people-see-what-device")
def test_the_page_says_who_wants_what_on_a_device(app: Flask) -> None:
    browser = app.test_client()
    made = register(browser, TV)
    flow = Flow(sign_in(browser, "ada"), made["client_id"], made["client_secret"])
    started = begin_by_basic(flow)
    text = words(look_up(flow, started["user_code"]).text)
    assert "Allow Television on a device?" in text
    assert "It registered itself here: nobody has checked who made it. Not verified" in text
    assert f"The device shows the code {started['user_code']} ." in text
    assert "Allow it only if that is a device in front of you." in text
    assert "See your tasks and their comments tasks:view" in text
    assert "Signed in as ada@example.com" in text


@requirement("rfc8628:people-hear-that-it-is-a-device")
def test_who_follows_the_link_is_warned_and_asked_too(flow: Flow) -> None:
    started = start(flow)
    page = flow.browser.get(started["verification_uri_complete"].removeprefix(ISSUER))
    assert "nobody else should send you a code" in words(page.text)
    assert refusal(poll(flow, started)) == "authorization_pending"
    assert "Allow it only if that is a device in front of you." in words(
        look_up(flow, started["user_code"]).text
    )
    assert refusal(poll(flow, started)) == "authorization_pending"


@pytest.mark.parametrize("typed", ["{}", " {} ", "{}\u00a0"])
def test_a_code_is_read_as_people_type_it(flow: Flow, typed: str) -> None:
    code = start(flow)["user_code"]
    for written in (code, code.lower(), code.replace("-", ""), code.replace("-", " ")):
        assert look_up(flow, typed.format(written)).status_code == 200


def begin_by_basic(flow: Flow) -> dict[str, Any]:
    assert flow.client_secret
    program = flow.browser.application.test_client()
    auth = (flow.client_id, flow.client_secret)
    answer = program.post("/oauth/device_authorization", auth=auth, data={"scope": "tasks:view"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})
