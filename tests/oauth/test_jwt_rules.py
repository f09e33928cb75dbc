"""What RFC 9068 asks of an access token that its resource verifies by itself."""

import time
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from sqlalchemy.exc import IntegrityError

from app.extensions import db
from app.oauth.token_exchange import ACCESS_TOKEN_TYPE, TokenExchange
from tests.conftest import change
from tests.oauth.conftest import ISSUER, Flow, answer_of
from tests.oauth.keyholder import KeyHolder
from tests.oauth.test_client_credentials import issued
from tests.oauth.test_dpop import exchange
from tests.requirements import requirement

WAREHOUSE, LIBRARY = "https://warehouse.example/v1", "https://library.example/"


@pytest.fixture(autouse=True)
def resources(app: Flask) -> None:
    for identifier in (WAREHOUSE, LIBRARY):
        change(
            "INSERT INTO resource_server (identifier, name, created_at) VALUES (:it, 'Other', 1)",
            it=identifier,
        )


def verified(flow: Flow, token: str) -> jwt.Token:
    """Verify a token as its resource does: by what the server's metadata lead to."""
    program = flow.browser.application.test_client()
    metadata = program.get("/.well-known/oauth-authorization-server").json
    assert metadata is not None
    keys: Any = program.get(metadata["jwks_uri"].removeprefix(metadata["issuer"])).json
    read = jwt.decode(token, KeySet.import_key_set(keys), algorithms=["ES256", "RS256"])
    assert read.claims["iss"] == metadata["issuer"]
    return read


@requirement(
    "rfc9068:signed",
    "rfc9068:asymmetric",
    "rfc9068:typed",
    "rfc9068:typed-in-short",
    "rfc9068:keys-are-advertised",
)
def test_a_resource_verifies_a_token_by_what_the_metadata_say(flow: Flow) -> None:
    token = flow.tokens(resource=WAREHOUSE)["access_token"]
    read = verified(flow, token)
    kid = read.header["kid"]
    assert read.header == {"alg": "ES256", "typ": "at+jwt", "kid": kid}
    published = flow.browser.get("/oauth/jwks").json or {}
    assert [key["alg"] for key in published["keys"] if key["kid"] == kid] == ["ES256"]
    head, body, signature = token.split(".")
    for forged in (f"{head}.{body}.", f"{head}.{body}.{signature[:-4]}AAAA"):
        with pytest.raises(JoseError):
            verified(flow, forged)


@requirement(
    "rfc9068:required-claims",
    "rfc9068:sub-is-the-person",
    "rfc9068:scope-is-said",
    "rfc9068:aud-is-the-resource",
)
def test_a_token_says_what_a_resource_needs_to_know(flow: Flow) -> None:
    body = flow.tokens(scope="openid tasks:view", resource=WAREHOUSE)
    claims = verified(flow, body["access_token"]).claims
    assert claims.keys() == {
        *("iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope", "auth_time")
    }
    assert (claims["iss"], claims["aud"]) == (ISSUER, WAREHOUSE)
    assert (claims["client_id"], claims["scope"]) == (flow.client_id, "openid tasks:view")
    assert claims["sub"] == verified(flow, body["id_token"]).claims["sub"] == "1"
    assert claims["exp"] - claims["iat"] == body["expires_in"] == 3600
    assert claims["iat"] - 60 < claims["auth_time"] <= claims["iat"] <= time.time()


@requirement("rfc9068:required-claims")
def test_each_token_has_an_id_of_its_own(flow: Flow) -> None:
    body = flow.tokens(resource=WAREHOUSE)
    again = flow.refresh(body["refresh_token"]).json or {}
    ids = {verified(flow, one["access_token"]).claims["jti"] for one in (body, again)}
    assert len(ids) == 2


@requirement("rfc9068:sub-is-the-client")
def test_a_client_that_acts_for_itself_is_the_subject(flow: Flow) -> None:
    claims = verified(flow, issued(flow, resource=WAREHOUSE)["access_token"]).claims
    assert claims["client_id"] == flow.client_id
    assert claims["sub"] == flow.client_id
    assert "auth_time" not in claims


@requirement("rfc9068:aud-is-the-resource", "rfc9068:an-aud-of-each-resource")
def test_a_token_for_one_resource_is_none_for_another(flow: Flow) -> None:
    first = flow.tokens(resource=WAREHOUSE)
    second = flow.tokens(resource=LIBRARY)
    audiences = [verified(flow, it["access_token"]).claims["aud"] for it in (first, second)]
    assert audiences == [WAREHOUSE, LIBRARY]
    # What was allowed for the whole app was not allowed for a service of others.
    for subject in (first, flow.tokens()):
        exchanged = flow.token(
            grant_type=TokenExchange.GRANT_TYPE,
            subject_token=subject["access_token"],
            subject_token_type=ACCESS_TOKEN_TYPE,
            audience=LIBRARY,
        )
        assert (exchanged.status_code, (exchanged.json or {})["error"]) == (400, "invalid_target")
    refused = flow.refresh(first["refresh_token"], resource=LIBRARY)
    assert (refused.status_code, (refused.json or {})["error"]) == (400, "invalid_target")


@requirement("rfc9068:an-aud-of-each-resource")
def test_an_identifier_is_one_resources(flow: Flow) -> None:
    with pytest.raises(IntegrityError):
        change(
            "INSERT INTO resource_server (identifier, name, created_at) VALUES (:it, 'Same', 1)",
            it=WAREHOUSE,
        )


@requirement("rfc9068:one-resource-a-token")
def test_two_resources_at_once_are_refused(flow: Flow) -> None:
    twice = f"&resource={WAREHOUSE}&resource={LIBRARY}"
    answer = answer_of(flow.browser.get("/oauth/authorize?" + flow.query() + twice))
    assert answer["error"] in ("invalid_request", "invalid_target")
    refresh_token = flow.tokens()["refresh_token"]
    with db.engine.connect() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM access_token").scalar_one()
    form = (
        f"grant_type=refresh_token&refresh_token={refresh_token}"
        f"&client_id={flow.client_id}&client_secret={flow.client_secret}{twice}"
    )
    refused = flow.browser.post(
        "/oauth/token", data=form, content_type="application/x-www-form-urlencoded"
    )
    assert refused.status_code == 400
    assert (refused.json or {})["error"] in ("invalid_request", "invalid_target")
    with db.engine.connect() as connection:
        after = connection.exec_driver_sql("SELECT count(*) FROM access_token").scalar_one()
    assert after == before


@requirement("rfc9068:both-metadata-agree")
def test_both_documents_say_the_same(flow: Flow) -> None:
    program = flow.browser.application.test_client()
    oauth = program.get("/.well-known/oauth-authorization-server")
    openid = program.get("/.well-known/openid-configuration")
    assert oauth.status_code == openid.status_code == 200
    assert oauth.json == openid.json


@requirement("rfc9449:the-binding-is-known", "rfc9449:jkt-is-the-thumbprint")
def test_a_bound_token_tells_its_resource_the_key(flow: Flow) -> None:
    holder = KeyHolder()
    body = exchange(flow, holder, resource=WAREHOUSE).json or {}
    assert body["token_type"] == "DPoP"
    claims = verified(flow, body["access_token"]).claims
    assert claims["cnf"] == {"jkt": holder.key.thumbprint()}
    unbound = flow.tokens(resource=WAREHOUSE)["access_token"]
    assert "cnf" not in verified(flow, unbound).claims
