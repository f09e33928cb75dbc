"""What is no registration: refused in the words of RFC 7591, with nothing written."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.oauth.conftest import CALLBACK
from tests.oauth.good_requests import everything
from tests.oauth.odd_input import FORM, PRINTABLE
from tests.oauth.test_assertion import KEY
from tests.oauth.test_registration import CONFIDENTIAL, manage, register
from tests.processes import sharing

DEEP = "[" * 30_000 + "]" * 30_000


@pytest.fixture(scope="module")
def app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Give an app for all of these tests: what is refused changes nothing in it."""
    with sharing(sqlite_template, tmp_path_factory.mktemp("odd")) as made:
        yield made


@pytest.fixture
def program(app: Flask) -> FlaskClient:
    """Give a program, which keeps no cookies."""
    return app.test_client(use_cookies=False)


WRONG_TYPES: dict[str, list[object]] = {
    "redirect_uris": [True, 1, 1.5, "x", {}, {"a": 1}, [1], [None], [[CALLBACK]], [{}]],
    "post_logout_redirect_uris": [True, 1, 1.5, "x", {}, [1], [None], [[CALLBACK]]],
    "grant_types": [True, 1, "authorization_code", {}, [1], [None], [["authorization_code"]]],
    "response_types": [True, 1, "code", {}, [1], [None], [["code"]]],
    "client_name": [True, 1, 1.5, [], ["x"], {}, "a\0b", "a\u202eb", "a\nb"],
    "scope": [True, 1, 1.5, [], ["tasks:view"], {}],
    "client_uri": [True, 1, [], ["https://a.example"], {}, "\0", "https://a.example/\0", "é"],
    "token_endpoint_auth_method": [True, 1, [], ["none"], {}, "é", "none\0"],
    "id_token_signed_response_alg": [True, 1, [], ["RS256"], {}, "none"],
    "dpop_bound_access_tokens": [1, 0, "true", [], {}],
    "jwks_uri": [True, 1, [], {}, "x", "http://a.example/keys", "https://a.example/\0"],
    "jwks": [True, 1, "x", [], ["x"], {"keys": {}}, {"keys": [1]}, {"keys": [[]]}],
}


@pytest.mark.parametrize("member", WRONG_TYPES)
def test_a_member_of_another_type_is_refused_at_registration(
    program: FlaskClient, member: str
) -> None:
    error = "invalid_redirect_uri" if member == "redirect_uris" else "invalid_client_metadata"
    before = everything()
    for value in WRONG_TYPES[member]:
        said = register(program, CONFIDENTIAL | {member: value}, 400)
        assert said["error"] == error, value
        assert member in said["error_description"], value
        assert PRINTABLE.fullmatch(said["error_description"]), value
    assert everything() == before


def bodies() -> Iterator[tuple[str, dict[str, Any], int]]:
    """Give what is no registration, as the test client sends it, and how that ends."""
    good = json.dumps(CONFIDENTIAL)
    as_json = {"content_type": "application/json"}
    for odd in ("", "{", "null", "1", '"x"', "[]", "NaN", good[:-1], good + good, "\0", DEEP):
        yield f"the body is {odd[:20]!a}", {**as_json, "data": odd}, 400
    deep = good[:-1] + f',"x":{DEEP}}}'
    half = good[:-1] + ',"x":"\\ud800"}'
    huge = good[:-1] + f',"x":{"9" * 5000}}}'
    for why, text in (("deep", deep), ("half a character", half), ("a huge number", huge)):
        yield f"a member is {why}", {**as_json, "data": text}, 400
    for encoding in ("utf-16", "utf-32", "utf-8-sig"):
        yield f"it is in {encoding}", {**as_json, "data": good.encode(encoding)}, 400
    for raw in (b"\xff", b"\xed\xa0\x80", b"\xc0\x80"):
        yield f"a name holds {raw!r}", {**as_json, "data": b'{"client_name":"%s"}' % raw}, 400
    for other in (FORM, "text/plain", "", "application/jsonx", "multipart/form-data"):
        yield f"it comes as {other}", {"data": good, "content_type": other}, 400
    yield "it has 100 kB", {**as_json, "data": good + " " * 100_000}, 413


def test_what_is_no_registration_is_refused(program: FlaskClient) -> None:
    made = register(program, CONFIDENTIAL)
    before = everything()
    for why, options, status in bodies():
        error = "invalid_request" if status == 413 else "invalid_client_metadata"
        for answer in (
            program.post("/oauth/register", **options),
            manage(program, "PUT", made, **options),
        ):
            assert answer.status_code == status, (why, answer.text)
            said = answer.json or {}
            assert said["error"] == error, why
            assert PRINTABLE.fullmatch(said["error_description"]), why
    assert everything() == before
    assert manage(program, "GET", made).status_code == 200, "it was good all the time"


@pytest.mark.parametrize("odd", ["NaN", "Infinity", "-Infinity", "1e999", "null", "[null]", "{}"])
def test_a_key_with_what_no_key_holds_does_not_come_back(program: FlaskClient, odd: str) -> None:
    key = json.dumps(KEY.as_dict(private=False))[:-1] + f',"odd":{odd}}}'
    said = json.dumps(CONFIDENTIAL | {"token_endpoint_auth_method": "private_key_jwt"})[:-1]
    body = said + f',"jwks":{{"keys":[{key}]}}}}'
    answer = program.post("/oauth/register", data=body, content_type="application/json")
    assert answer.status_code in (201, 400)
    strict = json.loads(answer.text, parse_constant=pytest.fail)
    assert "odd" not in json.dumps(strict.get("jwks", {}))


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_registration_opens_with_its_token_alone(program: FlaskClient, method: str) -> None:
    made = register(program, CONFIDENTIAL)
    before = everything()
    for token in ("", "x", "é", '"\\', "lk_reg_" + "x" * 49, "x" * 5000, "lk_at_x", "\xff\xfe"):
        for client_id in (made["client_id"], "nobody", "%00", "%22", "é", "x" * 5000, "a/b"):
            said = CONFIDENTIAL | {"client_id": client_id}
            answer = manage(program, method, {"client_id": client_id}, token=token, json=said)
            assert answer.status_code == 401, (token, client_id)
            assert (answer.json or {})["error"] == "invalid_token"
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert everything() == before
