"""What OpenID Connect Discovery asks of the document that clients begin with."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import ECKey, RSAKey

from app import create_app
from app.core import scopes
from tests.oauth.conftest import ISSUER, Flow
from tests.oauth.test_openid_rules import verified
from tests.requirements import requirement

PLACE = "/.well-known/openid-configuration"
ELSEWHERE = {"Origin": "https://app.example"}
ENDPOINTS = [
    ("token_endpoint", "POST"),
    ("revocation_endpoint", "POST"),
    ("userinfo_endpoint", "GET"),
    ("userinfo_endpoint", "POST"),
    ("registration_endpoint", "POST"),
    ("jwks_uri", "GET"),
]


@pytest.fixture
def program(app: Flask) -> FlaskClient:
    return app.test_client(use_cookies=False)


def document_of(program: FlaskClient) -> dict[str, Any]:
    answer = program.get(PLACE)
    assert answer.status_code == 200
    return dict(answer.json or {})


@requirement(
    "oidc-discovery:json-below-the-issuer",
    "oidc-discovery:ok-as-json",
    "oidc-discovery:read-by-any-page",
)
def test_the_document_is_json_below_the_issuer(program: FlaskClient) -> None:
    answer = program.get(PLACE, headers=ELSEWHERE)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert type(answer.json) is dict
    assert answer.json["issuer"] == ISSUER
    assert program.post(PLACE).status_code == 405
    assert program.get(PLACE + "/").status_code == 404


@requirement("oidc-discovery:required-metadata", "oidc-discovery:recommended-metadata")
def test_the_document_holds_what_it_must_and_should(program: FlaskClient) -> None:
    document = document_of(program)
    assert document["response_types_supported"] == ["code"]
    assert document["subject_types_supported"] == ["public"]
    places = {
        "issuer": "",
        "authorization_endpoint": "/oauth/authorize",
        "token_endpoint": "/oauth/token",
        "userinfo_endpoint": "/oauth/userinfo",
        "jwks_uri": "/oauth/jwks",
        "registration_endpoint": "/oauth/register",
    }
    assert {name: document[name] for name in places} == {
        name: ISSUER + path for name, path in places.items()
    }
    told = {"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "name", "email"}
    assert told <= set(document["claims_supported"])
    # What is left out would be true (§3).
    assert document["request_uri_parameter_supported"] is False


@requirement("oidc-discovery:openid-is-a-scope", "oidc-discovery:the-scopes-of-openid-are-listed")
def test_each_scope_of_openid_is_listed_and_granted(flow: Flow) -> None:
    listed = document_of(flow.browser)["scopes_supported"]
    asked = ["openid", "profile", "email", "offline_access"]
    assert [scope for scope in asked if scope not in listed] == []
    assert set(listed) == set(scopes.THIRD_PARTY)
    assert flow.tokens(scope=" ".join(asked))["scope"].split() == asked


@requirement("oidc-discovery:the-issuer-is-iss")
def test_the_issuer_is_that_of_each_id_token(flow: Flow) -> None:
    issuer = document_of(flow.browser)["issuer"]
    body = flow.tokens(scope="openid")
    renewed = flow.refresh(body["refresh_token"]).json or {}
    for id_token in (body["id_token"], renewed["id_token"]):
        assert verified(flow, id_token).claims["iss"] == issuer == ISSUER


@requirement("oidc-discovery:rs256-is-listed")
def test_rs256_is_an_algorithm_of_id_tokens_and_none_is_not(program: FlaskClient) -> None:
    listed = document_of(program)["id_token_signing_alg_values_supported"]
    assert set(listed) == {"RS256", "ES256"}


@requirement("oidc-discovery:rs256-for-assertions", "oidc-discovery:assertions-are-signed")
@pytest.mark.parametrize("endpoint", ["token", "revocation", "introspection"])
def test_assertions_are_signed_by_private_keys(program: FlaskClient, endpoint: str) -> None:
    document = document_of(program)
    assert "private_key_jwt" in document[f"{endpoint}_endpoint_auth_methods_supported"]
    listed = document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
    assert "RS256" in listed
    assert not [alg for alg in listed if alg == "none" or alg.startswith("HS")]


@requirement("oidc-discovery:no-private-keys")
def test_the_key_set_holds_public_keys_alone(program: FlaskClient) -> None:
    answer = program.get(document_of(program)["jwks_uri"].removeprefix(ISSUER))
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    kinds: dict[str, type[ECKey | RSAKey]] = {"EC": ECKey, "RSA": RSAKey}
    keys = (answer.json or {})["keys"]
    assert {key["kty"] for key in keys} == {"EC", "RSA"}
    for key in keys:
        read = kinds[key["kty"]].import_key(key)
        assert not read.is_private
        allowed = {"kty", "kid", "use", "alg", "crv", "x", "y", "n", "e"}
        assert key.keys() <= allowed


@requirement("oidc-discovery:no-empty-lists")
@pytest.mark.parametrize("registration", ["open", "closed"])
def test_what_has_no_values_is_left_out(app: Flask, registration: str) -> None:
    update = {"registration": registration}
    other = create_app(app.extensions["settings"].model_copy(update=update))
    document = document_of(other.test_client())
    assert ("registration_endpoint" in document) == (registration == "open")
    assert [name for name, value in document.items() if value in (None, "", [], {})] == []
    lists = {name for name in document if name.endswith("_supported")}
    flags = {name for name in lists if isinstance(document[name], bool)}
    assert all(isinstance(document[name], list) for name in lists - flags)


@requirement("oidc-discovery:programs-may-call-from-any-page")
@pytest.mark.parametrize(("name", "method"), ENDPOINTS)
def test_what_clients_call_may_be_called_from_any_page(
    program: FlaskClient, name: str, method: str
) -> None:
    path = document_of(program)[name].removeprefix(ISSUER)
    answer = program.open(path, method=method, headers=ELSEWHERE)
    assert answer.headers.get("Access-Control-Allow-Origin") == "*"
    if name == "jwks_uri":
        # A plain GET is asked for by no preflight.
        return
    asked = {
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization, content-type, dpop",
    }
    allowed = program.options(path, headers=ELSEWHERE | asked)
    assert allowed.status_code in (200, 204)
    assert allowed.headers.get("Access-Control-Allow-Origin") == "*"
    assert method in allowed.headers["Access-Control-Allow-Methods"]
    named = allowed.headers["Access-Control-Allow-Headers"].lower()
    assert [header for header in ("authorization", "content-type") if header not in named] == []


@requirement("oidc-discovery:people-may-not")
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_no_other_pages_script_reads_what_people_see(flow: Flow, method: str) -> None:
    answer = flow.browser.open(
        "/oauth/authorize?" + (flow.query() if method != "POST" else ""),
        method=method,
        headers=ELSEWHERE | {"Access-Control-Request-Method": "GET"},
        data=flow.query() if method == "POST" else None,
        content_type="application/x-www-form-urlencoded" if method == "POST" else None,
    )
    assert answer.status_code in (200, 303)
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]
