"""A client that proves by a signature who it is (RFC 7523)."""

import json
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from werkzeug.test import TestResponse

from app import create_app
from app.core.share import ANONYMOUS_DOCUMENTS
from app.extensions import db
from app.oauth.assertion import TYPE
from tests.conftest import stop_the_minute
from tests.oauth.conftest import CALLBACK, ISSUER, Flow, sign_in
from tests.oauth.site import Site, serving
from tests.oauth.test_registration import register
from tests.requirements import requirement

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


@requirement("rfc9700:asymmetric-authentication")
def test_a_signature_takes_the_place_of_a_secret(app: Flask, client_id: str) -> None:
    flow = Flow(sign_in(app.test_client(), "ada"), client_id, None)
    shown = {"client_assertion": signed(client_id), "client_assertion_type": TYPE}
    body = flow.exchange(flow.code(), **shown)
    assert body.status_code == 200, body.text


@requirement("oidc-core:assertions-are-for-us")
@pytest.mark.parametrize("aud", [ISSUER, ISSUER + "/oauth/token", [ISSUER]])
def test_it_is_for_this_server(app: Flask, client_id: str, aud: object) -> None:
    assert error(ask(app.test_client(), signed(client_id, aud=aud))) == "invalid_grant"


@requirement("oidc-core:assertions-are-for-us")
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


@requirement("oidc-core:assertions-are-for-us")
def test_it_counts_once(app: Flask, client_id: str) -> None:
    assertion = signed(client_id)

    def one(_: int) -> str:
        return error(ask(app.test_client(), assertion))

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(one, range(8)))
    assert answers.count("invalid_grant") == 1
    assert answers.count("invalid_client") == 7


@requirement("rfc6749:one-authentication")
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


@pytest.fixture
def site(app: Flask, tmp_path: Path) -> Iterator[Site]:
    """Give a site where a client publishes its keys."""
    with serving(tmp_path) as made:
        made.may_be_read(app.extensions["fetcher"])
        yield made


def publish(site: Site, *keys: dict[str, Any]) -> None:
    site.body = json.dumps({"keys": keys}).encode()


@pytest.fixture
def published_id(app: Flask, site: Site) -> str:
    """Give the id of a client that names where its keys are."""
    publish(site, KEY.as_dict(private=False))
    metadata = {**METADATA, "jwks_uri": site.url}
    del metadata["jwks"]
    made = register(app.test_client(), metadata)
    assert made["jwks_uri"] == site.url
    return str(made["client_id"])


def test_keys_may_stand_at_an_address(app: Flask, published_id: str, site: Site) -> None:
    program = app.test_client()
    for _ in range(2):
        assert error(ask(program, signed(published_id))) == "invalid_grant"
    assert len(site.asked) == 1
    assert error(ask(program, signed(published_id, key=OTHER))) == "invalid_client"


def test_a_key_that_was_added_counts_soon(app: Flask, published_id: str, site: Site) -> None:
    program = app.test_client()
    assert error(ask(program, signed(published_id))) == "invalid_grant"
    publish(site, OTHER.as_dict(private=False))
    assert error(ask(program, signed(published_id, key=OTHER))) == "invalid_client"
    published = app.extensions["oauth_server"]._clients._assertions._published
    now = published._now
    published._now = lambda: now() + 61
    assert error(ask(program, signed(published_id, key=OTHER))) == "invalid_grant"
    assert error(ask(program, signed(published_id))) == "invalid_client"


@pytest.mark.parametrize(
    "keys",
    [
        [],
        [{"kty": "oct", "k": "c2VjcmV0"}],
        [KEY.as_dict(private=True)],
        ["x"],
        [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}],
    ],
)
def test_what_cannot_verify_is_left_out_of_a_published_set(
    app: Flask, published_id: str, site: Site, keys: list[Any]
) -> None:
    publish(site, *keys)
    assert error(ask(app.test_client(), signed(published_id))) == "invalid_client"


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"keys": 1}', b"<html>"])
def test_what_is_no_key_set_proves_nobody(
    app: Flask, published_id: str, site: Site, body: bytes
) -> None:
    site.body = body
    assert error(ask(app.test_client(), signed(published_id))) == "invalid_client"


@requirement("rfc7591:one-key-set")
@pytest.mark.parametrize(
    "changes",
    [
        {"jwks_uri": "https://reporter.example/keys"},
        {"jwks_uri": "http://reporter.example/keys", "jwks": None},
        {"jwks_uri": "https://user@reporter.example/keys", "jwks": None},
        {"jwks_uri": 1, "jwks": None},
        {"jwks": None},
        {"token_endpoint_auth_method": "none"},
    ],
)
def test_keys_are_given_once_and_can_be_read(app: Flask, changes: dict[str, Any]) -> None:
    said = {name: value for name, value in (METADATA | changes).items() if value is not None}
    answer = app.test_client().post("/oauth/register", json=said)
    assert (answer.status_code, error(answer)) == (400, "invalid_client_metadata")


def later(app: Flask, seconds: int) -> None:
    """Let the time go on for the key sets that were read."""
    published = app.extensions["oauth_server"]._clients._assertions._published
    now = published._now
    published._now = lambda: now() + seconds


def test_keys_count_for_a_day_while_their_host_does_not_answer(
    app: Flask, published_id: str, site: Site
) -> None:
    program = app.test_client()
    assert error(ask(program, signed(published_id))) == "invalid_grant"
    site.status = 503
    later(app, 3600)
    for _ in range(2):
        assert error(ask(program, signed(published_id))) == "invalid_grant"
    assert len(site.asked) == 2, "it is tried again after a minute only"
    later(app, 24 * 3600 - 60)
    assert error(ask(program, signed(published_id))) == "invalid_grant"
    later(app, 120)
    assert error(ask(program, signed(published_id))) == "invalid_client"
    site.status = 200
    later(app, 61)
    assert error(ask(program, signed(published_id))) == "invalid_grant"


@pytest.mark.parametrize("status", [404, 410])
def test_keys_that_their_host_has_taken_away_count_no_more(
    app: Flask, published_id: str, site: Site, status: int
) -> None:
    program = app.test_client()
    assert error(ask(program, signed(published_id))) == "invalid_grant"
    later(app, 3600)
    for site.status in (status, 503):
        assert error(ask(program, signed(published_id))) == "invalid_client"


def test_a_stranger_who_floods_limits_no_key_set_that_is_known(
    app: Flask, published_id: str, site: Site
) -> None:
    limited = create_app(app.extensions["settings"].model_copy(update={"rate_limits": "on"}))
    stop_the_minute(limited)
    site.may_be_read(limited.extensions["fetcher"])
    program = limited.test_client()
    share = limited.extensions["shares"].anonymous_documents
    share._spent["127.0.0.1"] = ANONYMOUS_DOCUMENTS
    assert ask(program, signed(published_id)).status_code == 429
    assert site.asked == []
    share._spent.clear()
    assert error(ask(program, signed(published_id))) == "invalid_grant"
    share._spent["127.0.0.1"] = ANONYMOUS_DOCUMENTS
    later(limited, 3600)
    assert error(ask(program, signed(published_id))) == "invalid_grant"
    assert len(site.asked) == 2
    with limited.app_context():
        for engine in db.engines.values():
            engine.dispose()
