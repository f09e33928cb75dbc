"""The two ways to the endpoints for programs, before Flask and in it: they answer alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask, request_started
from werkzeug.test import TestResponse

from app import create_app
from app.blueprints.oauth.body import LARGEST
from app.blueprints.oauth.endpoints import ENDPOINTS
from app.core.share import INTROSPECTIONS, TOKENS
from app.extensions import db
from tests.conftest import Program, stop_the_minute
from tests.oauth.conftest import VERIFIER, Flow
from tests.oauth.good_requests import GOOD, everything
from tests.oauth.keyholder import KeyHolder
from tests.oauth.test_dpop import TOKEN_URL

FORM = "application/x-www-form-urlencoded"
# What a request says of its length where it comes in chunks: nothing, and the server knows.
IN_CHUNKS = {
    "CONTENT_LENGTH": "",
    "HTTP_TRANSFER_ENCODING": "chunked",
    "wsgi.input_terminated": True,
}
# What no two answers have in common.
FRESH = {
    "access_token",
    "refresh_token",
    "id_token",
    "device_code",
    "user_code",
    "verification_uri_complete",
    "request_uri",
    "iat",
    "exp",
}


@dataclass(frozen=True)
class Ways:
    """An app's two ways; each request is told to have taken the one that it should."""

    app: Flask
    of_flask: list[Flask]

    def door(self, path: str, **options: Any) -> TestResponse:
        """Send a form as programs do."""
        return self._sent(path, 0, options)

    def flask(self, path: str, **options: Any) -> TestResponse:
        """Send the same in chunks, which the door leaves to Flask."""
        return self._sent(path, 1, {**options, "environ_overrides": IN_CHUNKS})

    def _sent(self, path: str, of_flask: int, options: dict[str, Any]) -> TestResponse:
        self.of_flask.clear()
        program = self.app.test_client(use_cookies=False)
        answer = program.post(path, **{"content_type": FORM, **options})
        assert len(self.of_flask) == of_flask, "it takes the way that it is sent"
        return answer


@pytest.fixture
def ways(app: Flask) -> Iterator[Ways]:
    """Give the app's two ways."""
    yield from watched(app)


def watched(app: Flask) -> Iterator[Ways]:
    seen: list[Flask] = []

    def begun(sender: Flask, **_extra: object) -> None:
        seen.append(sender)

    with request_started.connected_to(begun, app):
        yield Ways(app, seen)


def seen(answer: TestResponse) -> tuple[int, dict[str, Any], dict[str, str]]:
    """Give an answer but for what is fresh in each: its status, its body, its headers."""
    assert answer.json is not None
    body = {k: type(v) if k in FRESH else v for k, v in answer.json.items()}
    # A nonce is good for some minutes, and another one after them.
    headers = {k: "fresh" if k == "DPoP-Nonce" else v for k, v in answer.headers.items()}
    # Flask has looked for a session. No cache keeps the answer, whatever it varies with.
    headers.pop("Vary", None)
    return answer.status_code, body, headers


@pytest.mark.parametrize("name", GOOD)
def test_a_good_form_is_answered_alike(ways: Ways, flow: Flow, name: str) -> None:
    forms = [GOOD[name](flow) for _ in range(2)]
    first = ways.door(forms[0].path, data=dict(forms[0].form))
    second = ways.flask(forms[1].path, data=dict(forms[1].form))
    assert first.status_code in (200, 201), first.text
    assert seen(first) == seen(second)
    assert first.content_length == second.content_length == len(first.data)


Forms = Callable[[Flow], dict[str, Any]]


def who(flow: Flow, **more: str) -> dict[str, Any]:
    return {"client_id": flow.client_id, "client_secret": flow.client_secret, **more}


def unauthenticated(_flow: Flow) -> dict[str, Any]:
    return {"data": {"grant_type": "client_credentials", "token": "x"}}


def with_a_wrong_secret(flow: Flow) -> dict[str, Any]:
    return {"data": who(flow, client_secret="lk_cs_wrong", token="x")}


def with_a_wrong_pair(flow: Flow) -> dict[str, Any]:
    return {"data": {"token": "x"}, "auth": (flow.client_id, "lk_cs_wrong")}


def with_half_a_pair(_flow: Flow) -> dict[str, Any]:
    return {"data": {"token": "x"}, "headers": {"Authorization": "Basic bm8gY29sb24="}}


def with_a_bearer_token(_flow: Flow) -> dict[str, Any]:
    return {"data": {"token": "x"}, "headers": {"Authorization": "Bearer lk_at_x"}}


def authenticated_twice(flow: Flow) -> dict[str, Any]:
    return {"data": who(flow, token="x"), "auth": (flow.client_id, flow.client_secret)}


def empty(_flow: Flow) -> dict[str, Any]:
    return {"data": b""}


def repeated(_flow: Flow) -> dict[str, Any]:
    return {"data": b"token=a&token=b"}


def with_a_control_character(_flow: Flow) -> dict[str, Any]:
    return {"data": b"token=a%00b"}


def not_utf_8(_flow: Flow) -> dict[str, Any]:
    return {"data": b"token=%ff"}


def not_ascii(_flow: Flow) -> dict[str, Any]:
    return {"data": b"token=\xff"}


def too_many(_flow: Flow) -> dict[str, Any]:
    return {"data": b"&".join(b"a%d=b" % number for number in range(100))}


def too_long(flow: Flow) -> dict[str, Any]:
    return {"data": who(flow, token="x" * 17_000)}


def with_an_unknown_grant(flow: Flow) -> dict[str, Any]:
    return {"data": who(flow, grant_type="ünknown", token="x", response_type="token")}


def with_an_unknown_code(flow: Flow) -> dict[str, Any]:
    given = {"code": "x", "redirect_uri": flow.redirect_uri, "code_verifier": VERIFIER}
    return {"data": who(flow, grant_type="authorization_code", token="x", scope="x", **given)}


def proven_without_a_nonce(flow: Flow) -> dict[str, Any]:
    headers = {"DPoP": KeyHolder().proof("POST", TOKEN_URL)}
    return {"data": who(flow, grant_type="client_credentials", token="x"), "headers": headers}


def proven_by_nonsense(flow: Flow) -> dict[str, Any]:
    return {"data": who(flow, token="x"), "headers": {"DPoP": "a.b.c"}}


def proven_twice(flow: Flow) -> dict[str, Any]:
    return {"data": who(flow, token="x"), "headers": [("DPoP", "a.b.c"), ("DPoP", "a.b.c")]}


def with_a_parameter_of_its_type(flow: Flow) -> dict[str, Any]:
    return {"data": who(flow, token="x"), "content_type": f"{FORM}; charset=UTF-8"}


BAD: list[Forms] = [
    unauthenticated,
    with_a_wrong_secret,
    with_a_wrong_pair,
    with_half_a_pair,
    with_a_bearer_token,
    authenticated_twice,
    empty,
    repeated,
    with_a_control_character,
    not_utf_8,
    not_ascii,
    too_many,
    too_long,
    with_an_unknown_grant,
    with_an_unknown_code,
    proven_without_a_nonce,
    proven_by_nonsense,
    proven_twice,
    with_a_parameter_of_its_type,
]


@pytest.mark.parametrize("form", BAD)
def test_a_bad_form_is_answered_alike(ways: Ways, flow: Flow, form: Forms) -> None:
    answered = {}
    for path in ENDPOINTS:
        first, second = ways.door(path, **form(flow)), ways.flask(path, **form(flow))
        assert seen(first) == seen(second), path
        answered[path] = first.status_code
    # Elsewhere it may be good: what is revoked, or asked about, may be unknown.
    assert answered["/oauth/token"] in (400, 401)
    assert set(answered.values()) <= {200, 400, 401}


@pytest.mark.parametrize("path", ENDPOINTS)
def test_both_ways_carry_what_every_answer_does(ways: Ways, flow: Flow, path: str) -> None:
    for way in (ways.door, ways.flask):
        headers = way(path, data=who(flow, token="x")).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["Content-Type"] == "application/json"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert "Set-Cookie" not in headers
        assert headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize("path", ENDPOINTS)
def test_what_the_door_does_not_let_in_is_refused_and_changes_nothing(
    app: Flask, flow: Flow, path: str
) -> None:
    before, good = everything(), who(flow, grant_type="client_credentials", token="x")
    program = app.test_client(use_cookies=False)
    refusals = {
        413: [program.post(path, data=good | {"token": "x" * LARGEST})],
        400: [
            program.post(path, data=good, query_string={"token": "x"}),
            program.post(path, data=good, query_string="%ff"),
            program.post(path, json=good),
            program.post(path, data=good, content_type="multipart/form-data"),
            flow.browser.post(path, data=good, headers={"Authorization": "Bearer x"}),
        ],
        405: [program.get(path), program.put(path, data=good), program.delete(path)],
    }
    for status, answers in refusals.items():
        assert [answer.status_code for answer in answers] == [status] * len(answers)
        for answer in answers:
            assert (answer.json or {})["error"] == "invalid_request"
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert everything() == before


def test_what_is_too_large_and_comes_in_chunks_is_refused_not_cut_off(
    ways: Ways, flow: Flow
) -> None:
    before, padding = everything(), {f"padding-{number}": "x" * 3900 for number in range(20)}
    given = who(flow, grant_type="client_credentials") | padding
    assert ways.flask("/oauth/token", data=given).status_code == 413
    assert everything() == before


def test_a_cookie_alone_is_no_reason_to_refuse_a_form(flow: Flow) -> None:
    assert flow.browser.get_cookie("latchkey")
    assert flow.token(grant_type="client_credentials").status_code == 200


@pytest.fixture
def limited(app: Flask) -> Iterator[Ways]:
    """Give the ways of the same app with its limits on."""
    limited = create_app(app.extensions["settings"].model_copy(update={"rate_limits": "on"}))
    stop_the_minute(limited)
    limited.test_client_class = Program
    yield from watched(limited)
    with limited.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.mark.parametrize("path", ENDPOINTS)
def test_who_asks_too_often_is_told_so_at_the_door(limited: Ways, path: str) -> None:
    share = ENDPOINTS[path].share(limited.app.extensions["shares"])
    most = INTROSPECTIONS if path == "/oauth/introspect" else TOKENS
    for _ in range(most - 1):
        share.spend("192.0.2.7")
    asked = {"data": {"token": "x"}, "environ_base": {"REMOTE_ADDR": "192.0.2.7"}}
    assert limited.door(path, **asked).status_code == 401
    for way in (limited.door, limited.flask):
        answer = way(path, **asked)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 60
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert (answer.json or {})["error"] == "temporarily_unavailable"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
