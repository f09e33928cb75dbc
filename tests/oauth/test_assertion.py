"""A client that proves by a signature who it is (RFC 7523)."""

import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from werkzeug.test import TestResponse

from app.oauth.assertion import TYPE
from tests.oauth.conftest import CALLBACK, ISSUER, Flow, sign_in
from tests.oauth.test_registration import register

KEY = ECKey.generate_key("P-256")
OTHER = ECKey.generate_key("P-256")
METADATA: dict[str, Any] = {
    "client_name": "Signer",
    "redirect_uris": [CALLBACK],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": {"keys": [KEY.as_dict(private=False)]},
}


@pytest.fixture
def client_id(app: Flask) -> str:
    made = register(app.test_client(), METADATA)
    assert "client_secret" not in made
    return str(made["client_id"])


def signed(client_id: str, key: ECKey = KEY, alg: str = "ES256", **changes: Any) -> str:
    claims: dict[str, Any] = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "exp": int(time.time()) + 60,
        "jti": str(uuid.uuid4()),
    }
    kept = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode({"alg": alg}, kept, key, algorithms=[alg])


def ask(program: FlaskClient, assertion: str, **more: str) -> TestResponse:
    shown = {"client_assertion": assertion, "client_assertion_type": TYPE}
    # An unknown refresh token: what is asked is only whether the client is believed.
    asked = {"grant_type": "refresh_token", "refresh_token": "x"}
    return program.post("/oauth/token", data={**asked, **shown, **more})


def error(answer: TestResponse) -> str:
    assert answer.json is not None
    return str(answer.json["error"])


def test_a_signature_takes_the_place_of_a_secret(app: Flask, client_id: str) -> None:
    flow = Flow(sign_in(app.test_client(), "ada"), client_id, None)
    shown = {"client_assertion": signed(client_id), "client_assertion_type": TYPE}
    body = flow.exchange(flow.code(), **shown)
    assert body.status_code == 200, body.text


@pytest.mark.parametrize("aud", [ISSUER, ISSUER + "/oauth/token", [ISSUER]])
def test_it_is_for_this_server(app: Flask, client_id: str, aud: object) -> None:
    assert error(ask(app.test_client(), signed(client_id, aud=aud))) == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "another"},
        {"sub": "another"},
        {"aud": "https://elsewhere.example"},
        {"aud": [ISSUER, "https://elsewhere.example"]},
        {"aud": []},
        {"aud": None},
        {"exp": None},
        {"exp": int(time.time()) - 3600},
        {"exp": int(time.time()) + 7200},
        {"exp": "soon"},
        {"nbf": int(time.time()) + 3600},
        {"iat": int(time.time()) + 3600},
        {"jti": None},
        {"jti": ""},
    ],
)
def test_one_that_says_something_else_is_refused(
    app: Flask, client_id: str, changes: dict[str, Any]
) -> None:
    answer = ask(app.test_client(), signed(client_id, **changes))
    assert (answer.status_code, error(answer)) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"]


def test_another_key_or_none_is_refused(app: Flask, client_id: str) -> None:
    good = signed(client_id)
    unsigned = "eyJhbGciOiJub25lIn0." + good.split(".")[1] + "."
    secret = OctKey.import_key("x" * 32)
    by_secret = jwt.encode({"alg": "HS256"}, {"sub": client_id}, secret, algorithms=["HS256"])
    for forged in (signed(client_id, OTHER), unsigned, by_secret, good[:-4] + "AAAA", "x", "é"):
        assert error(ask(app.test_client(), forged)) == "invalid_client"


def test_it_counts_once(app: Flask, client_id: str) -> None:
    assertion = signed(client_id)

    def one(_: int) -> str:
        return error(ask(app.test_client(), assertion))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(one, range(8)))
    assert answers.count("invalid_grant") == 1
    assert answers.count("invalid_client") == 7


def test_two_ways_at_once_are_refused(app: Flask, client_id: str) -> None:
    program = app.test_client()
    assert error(ask(program, signed(client_id), client_secret="x")) == "invalid_request"
    assert error(ask(program, signed(client_id), client_id="another")) == "invalid_request"
    assert error(ask(program, "x", client_assertion_type="saml")) == "invalid_request"


def test_who_signs_cannot_do_without(app: Flask, client_id: str) -> None:
    asked = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": client_id}
    for more in ({}, {"client_secret": "lk_cs_x"}):
        answer = app.test_client().post("/oauth/token", data=asked | more)
        assert error(answer) == "invalid_client"


def test_a_client_with_a_secret_cannot_sign_instead(flow: Flow) -> None:
    answer = ask(flow.browser, signed(flow.client_id))
    assert error(answer) == "invalid_client"


@pytest.mark.parametrize(
    "jwks",
    [
        None,
        {},
        {"keys": []},
        {"keys": ["x"]},
        {"keys": [{"kty": "EC"}]},
        {"keys": [KEY.as_dict(private=True)]},
        {"keys": [{"kty": "oct", "k": "AAAA"}]},
        {"keys": [KEY.as_dict(private=False)] * 11},
    ],
)
def test_a_key_set_that_will_not_do_is_refused(app: Flask, jwks: object) -> None:
    said = {name: value for name, value in METADATA.items() if name != "jwks"}
    said |= {} if jwks is None else {"jwks": jwks}
    refused = register(app.test_client(), said, 400)
    assert refused["error"] == "invalid_client_metadata"
    assert "jwks" in refused["error_description"]
