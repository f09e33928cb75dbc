"""What no endpoint for people takes: nobody is led astray, and nothing is written."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.oauth.conftest import CALLBACK, Flow, answer_of
from tests.oauth.good_requests import everything
from tests.oauth.odd_input import ERRORS, FORM, ODD_HEADERS, PRINTABLE, unsigned
from tests.oauth.test_asking_again import hint_of
from tests.oauth.test_device import look_up, send, start
from tests.processes import sharing

ODD = ("%00", "%0D%0A", "%FF%FE", "%ED%A0%80", "%22%5C%27", "%C3%A9", "x" * 17_000)


@pytest.fixture(scope="module")
def app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Give an app with its signing keys, which else the first hint would make."""
    with sharing(sqlite_template, tmp_path_factory.mktemp("odd")) as made:
        made.extensions["keys"].ready()
        yield made


def is_told_or_shown(answer: TestResponse) -> bool:
    """Tell whether an authorization request was refused: by a page, or at its own client."""
    if answer.status_code == 400:
        return "Location" not in answer.headers and answer.mimetype == "text/html"
    location = answer.headers["Location"]
    told = answer_of(answer)
    return (
        location.startswith(CALLBACK + "?")
        and location.isascii()
        and location.isprintable()
        and told["error"] in ERRORS
        and PRINTABLE.fullmatch(told["error_description"]) is not None
        and told["iss"] == "http://127.0.0.1:8000"
    )


# A state may be any text, and so may a nonce, a hint, and what is not known.
FREE = {"state", "nonce", "login_hint", "acr_values"}
ASKED = {
    "nonce": "n",
    "prompt": "consent",
    "max_age": "100",
    "login_hint": "ada",
    "acr_values": "1",
}


@pytest.mark.parametrize("who", ["ada", "nobody"])
def test_a_spoilt_authorization_request_is_refused(app: Flask, flow: Flow, who: str) -> None:
    flow.asked = {**ASKED, "resource": "http://127.0.0.1:8000/api", "dpop_jkt": "x" * 43}
    browser = flow.browser if who == "ada" else app.test_client()
    before = everything()
    for name, odd in spoilt_parameters(flow):
        others = flow.query(**{name: None})
        query = f"{others}&{name}={odd}" if odd else f"{flow.query()}&{name}=1"
        for answer in (
            browser.get(f"/oauth/authorize?{query}"),
            followed(browser, browser.post("/oauth/authorize", data=query, content_type=FORM)),
        ):
            is_sent_to_sign_in = who == "nobody" and answer.status_code == 303
            assert is_sent_to_sign_in or is_told_or_shown(answer), (name, odd[:20], answer.text)
    assert everything() == before
    assert flow.authorize().status_code == 200, "it was good all the time"


def spoilt_parameters(flow: Flow) -> Iterator[tuple[str, str]]:
    """Give a parameter and what it is now, escaped; nothing where it is repeated."""
    for pair in flow.query().split("&"):
        name = pair.partition("=")[0]
        yield name, ""
        for odd in ODD[:4] + ODD[-1:] if name in FREE else ODD:
            yield name, odd


def followed(browser: FlaskClient, answer: TestResponse) -> TestResponse:
    """Follow a form's way to the same request as a link, unless it was refused itself."""
    location = answer.headers.get("Location", "")
    is_again = location.startswith(("/oauth/authorize?", "/oauth/logout?"))
    return browser.get(location) if is_again else answer


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": "x" * 100_000, "content_type": FORM}, 413),
        ({"data": "{}", "content_type": "application/json"}, 400),
        ({"data": "", "content_type": "text/plain"}, 400),
        ({"data": "a=1", "content_type": FORM, "query_string": "b=1"}, 400),
        ({"data": b"state=\xff\xfe", "content_type": FORM}, 400),
        ({"data": "&".join(f"p{n}=1" for n in range(1000)), "content_type": FORM}, 400),
    ],
)
@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/logout"])
def test_a_form_that_is_none_is_refused(
    flow: Flow, path: str, options: dict[str, Any], status: int
) -> None:
    before = everything()
    assert followed(flow.browser, flow.browser.post(path, **options)).status_code == status
    assert everything() == before


def test_a_spoilt_logout_signs_nobody_out(flow: Flow) -> None:
    hint = hint_of(flow)
    good = {"id_token_hint": hint, "client_id": flow.client_id, "state": "1"}
    before = everything()
    for name in good:
        others = urlencode({k: v for k, v in good.items() if k != name})
        for odd in ODD[:4] if name == "state" else ODD:
            assert flow.browser.get(f"/oauth/logout?{others}&{name}={odd}").status_code == 400
        again = f"{urlencode(good)}&{name}=1"
        assert flow.browser.get(f"/oauth/logout?{again}").status_code == 400
    for uri in ("javascript:alert(1)", "https://evil.example/", '"\\é', CALLBACK + "/x"):
        query = urlencode(good | {"post_logout_redirect_uri": uri})
        assert flow.browser.get(f"/oauth/logout?{query}").status_code == 400
    assert everything() == before
    assert flow.browser.get("/tasks").status_code == 200


@pytest.mark.parametrize("header", ODD_HEADERS, ids=repr)
def test_a_hint_that_nobody_signed_is_refused(flow: Flow, header: bytes) -> None:
    before = everything()
    for claims in (b"{}", b"[]", b"", b"\xff", b'{"sub":"1"}'):
        hint = unsigned(header, claims)
        assert flow.browser.get(f"/oauth/logout?id_token_hint={hint}").status_code == 400
        told = answer_of(flow.authorize(id_token_hint=hint))
        assert told["error"] == "invalid_request"
    assert everything() == before


@pytest.mark.parametrize("path", ["/oauth/device", "/oauth/device/decision", "/oauth/consent"])
def test_a_spoilt_decision_decides_nothing(flow: Flow, path: str) -> None:
    started = start(flow)
    page = look_up(flow, started["user_code"])
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[0]
    before = everything()
    for name in ("user_code", "consent", "decision", "scope"):
        for odd in (*ODD, "", "allow", "1"):
            raw = f"csrf_token={token}&decision=allow&{name}={odd}"
            answer = flow.browser.post(path, data=raw, content_type=FORM)
            assert answer.status_code in (409, 422), (name, odd)
    fields = {"csrf_token": token, "decision": "allow"}
    refused_forms: list[dict[str, Any]] = [
        {"json": fields},
        {"data": urlencode(fields), "content_type": "text/plain"},
        {"data": {"decision": "allow"}},
        {"data": {"csrf_token": "x" * 5000, "decision": "allow"}},
        {"data": b"csrf_token=\xff\0&decision=allow", "content_type": FORM},
    ]
    for options in refused_forms:
        assert flow.browser.post(path, **options).status_code == 400, options
    large = {"csrf_token": token, "user_code": "x" * 1_100_000}
    assert flow.browser.post(path, data=large).status_code == 413
    assert everything() == before
    assert send(flow, page, "/oauth/device/decision", decision="allow").status_code == 303
