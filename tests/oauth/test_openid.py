"""OpenID Connect: who signed in and when, keys, userinfo, signing out."""

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.extensions import db
from app.oauth.keys import PUBLISHED, Keys
from tests.conftest import change
from tests.oauth.conftest import ISSUER, Flow
from tests.oauth.keyholder import KeyHolder
from tests.oauth.test_client_credentials import issued
from tests.oauth.test_dpop import exchange
from tests.requirements import requirement

SCOPE = "openid profile email tasks:view"


def key_set(published: Any) -> KeySet:
    return KeySet.import_key_set(published)


def claims_of(flow: Flow, token: str, alg: str = "RS256") -> dict[str, Any]:
    """Verify a token as an independent client does: by what is published."""
    keys = key_set(flow.browser.get("/oauth/jwks").json)
    verified = jwt.decode(token, keys, algorithms=[alg])
    assert verified.header["alg"] == alg
    return dict(verified.claims)


def userinfo(flow: Flow, token: str, scheme: str = "Bearer", **headers: str) -> Any:
    program = flow.browser.application.test_client()
    return program.get(
        "/oauth/userinfo", headers={"Authorization": f"{scheme} {token}", **headers}
    )


@requirement("oidc-core:required-claims", "oidc-core:the-nonce-is-returned", "oidc-core:signed")
@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_an_id_token_tells_who_signed_in_and_when(flow: Flow, alg: str) -> None:
    change("UPDATE client SET id_token_signed_response_alg = :alg", alg=alg)
    body = flow.tokens(scope=SCOPE, nonce="n-0S6_WzA2Mj")
    claims = claims_of(flow, body["id_token"], alg)
    assert claims["iss"] == ISSUER
    assert claims["sub"] == "1"
    assert claims["aud"] == flow.client_id
    assert claims["nonce"] == "n-0S6_WzA2Mj"
    assert claims["exp"] - claims["iat"] == 3600
    assert time.time() - 60 < claims["auth_time"] <= claims["iat"]
    assert "acr" not in claims


@requirement("oidc-core:a-refreshed-id-token-has-no-nonce")
def test_a_refresh_gives_an_id_token_without_the_nonce(flow: Flow) -> None:
    first = flow.tokens(scope=SCOPE, nonce="once")
    second = flow.refresh(first["refresh_token"]).json
    assert second is not None
    claims = claims_of(flow, second["id_token"])
    assert "nonce" not in claims
    assert claims["auth_time"] == claims_of(flow, first["id_token"])["auth_time"]


def test_who_does_not_ask_for_openid_gets_no_id_token(flow: Flow) -> None:
    body = flow.tokens()
    assert "id_token" not in body
    refused = userinfo(flow, body["access_token"])
    assert refused.status_code == 403
    assert 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]


@requirement("oidc-core:userinfo-holds-sub", "oidc-core:no-empty-claims")
def test_userinfo_tells_what_the_scopes_say(flow: Flow) -> None:
    told = userinfo(flow, flow.tokens(scope="openid")["access_token"])
    assert told.json == {"sub": "1"}
    assert told.headers["Access-Control-Allow-Origin"] == "*"
    told = userinfo(flow, flow.tokens(scope=SCOPE)["access_token"])
    assert told.json == {
        "sub": "1",
        "name": "Ada",
        "email": "ada@example.com",
        "email_verified": False,
    }


@requirement("oidc-core:userinfo-takes-bearer-tokens")
def test_userinfo_refuses_what_is_no_sign_in(flow: Flow) -> None:
    for token in ("x", issued(flow)["access_token"], "lk_at_" + "x" * 49):
        refused = userinfo(flow, token)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("Bearer error=")
    bare = flow.browser.application.test_client().get("/oauth/userinfo")
    assert bare.status_code == 401
    assert "error" not in bare.headers["WWW-Authenticate"]


def test_userinfo_refuses_a_token_for_another_resource(flow: Flow) -> None:
    token = flow.tokens(scope="openid", resource=ISSUER + "/mcp")["access_token"]
    assert userinfo(flow, token).status_code == 401


@requirement("rfc9449:resources-want-the-proof")
def test_userinfo_wants_the_proof_of_a_bound_token(flow: Flow) -> None:
    holder = KeyHolder()
    body = exchange(flow, holder, scope="openid").json
    assert body is not None
    token = body["access_token"]
    assert userinfo(flow, token).status_code == 401
    proof = holder.proof("GET", ISSUER + "/oauth/userinfo", token=token)
    assert userinfo(flow, token, "DPoP", DPoP=proof).status_code == 200


@requirement("oidc-discovery:no-private-keys")
def test_no_private_part_is_published_or_kept_in_clear(flow: Flow) -> None:
    flow.tokens(scope="openid")
    published = flow.browser.get("/oauth/jwks").json
    assert published is not None
    assert {key["alg"] for key in published["keys"]} == {"RS256", "ES256"}
    for key in published["keys"]:
        assert not key.keys() & {"d", "p", "q", "dp", "dq", "qi", "k"}
    with db.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT sealed FROM signing_key").scalars().all()
    assert len(kept) == 2
    assert not [sealed for sealed in kept if b'"d"' in sealed]


@requirement("oidc-core:retired-keys-stay")
def test_rotated_keys_stay_published_until_their_tokens_are_gone(app: Flask, flow: Flow) -> None:
    old = flow.tokens(scope="openid")["id_token"]
    printed = app.test_cli_runner().invoke(args=["keys", "rotate"]).output.split()
    new = flow.tokens(scope="openid")["id_token"]
    assert claims_of(flow, old)["sub"] == claims_of(flow, new)["sub"]
    published = flow.browser.get("/oauth/jwks").json
    assert published is not None
    assert len(published["keys"]) == 4
    assert set(printed) < {key["kid"] for key in published["keys"]}
    change("UPDATE signing_key SET retired_at = retired_at - :age", age=PUBLISHED + 1)
    with pytest.raises((JoseError, ValueError)):
        claims_of(flow, old)
    assert claims_of(flow, new)


def test_another_worker_signs_with_the_new_key_at_once(flow: Flow, app: Flask) -> None:
    mine, theirs = (Keys(db.engine, "of the tests") for _ in range(2))
    mine.signed({"n": 1}, alg="ES256")
    made = theirs.rotate()
    assert (
        jwt.decode(mine.signed({"n": 2}, alg="ES256"), key_set(mine.published())).header["kid"]
        in made
    )


def test_with_another_secret_key_new_keys_are_made(flow: Flow) -> None:
    before = Keys(db.engine, "of the tests")
    token = before.signed({"n": 1}, alg="ES256")
    after = Keys(db.engine, "another secret")
    assert after.verified(after.signed({"n": 2}, alg="ES256"))["n"] == 2
    assert after.verified(token)["n"] == 1


@pytest.mark.parametrize("forged", ["", "x.y.z", "eyJhbGciOiJub25lIn0.e30.", "é"])
def test_a_forged_hint_is_refused(flow: Flow, forged: str) -> None:
    answer = flow.browser.get("/oauth/logout?" + urlencode({"id_token_hint": forged or "x"}))
    assert answer.status_code == 400
    assert flow.browser.get("/tasks").status_code == 200


def leave(browser: FlaskClient, **given: str) -> Any:
    return browser.get("/oauth/logout?" + urlencode(given))


@requirement("rfc9700:no-open-redirector")
def test_a_client_signs_its_person_out_and_gets_them_back(flow: Flow) -> None:
    home = "https://reporter.example/bye"
    change("UPDATE client SET post_logout_redirect_uris = :uris", uris=f'["{home}"]')
    hint = flow.tokens(scope="openid")["id_token"]
    astray = leave(flow.browser, id_token_hint=hint, post_logout_redirect_uri=home + "/x")
    assert astray.status_code == 400
    assert flow.browser.get("/tasks").status_code == 200
    left = leave(flow.browser, id_token_hint=hint, post_logout_redirect_uri=home, state="a state")
    assert left.headers["Location"] == home + "?state=a+state"
    assert flow.browser.get("/tasks").status_code == 303


@pytest.mark.parametrize(("source", "is_followed"), [("user", True), ("registration", False)])
def test_who_signs_out_is_not_sent_to_a_strangers_address(
    app: Flask, flow: Flow, source: str, *, is_followed: bool
) -> None:
    home = "https://evil.example/phish"
    uris = f'["{home}"]'
    hint = flow.tokens(scope="openid")["id_token"]
    change("UPDATE client SET post_logout_redirect_uris = :u, source = :s", u=uris, s=source)
    asked = {"client_id": flow.client_id, "post_logout_redirect_uri": home}
    left = leave(app.test_client(), **asked)
    assert (left.status_code == 303) == is_followed
    assert (f'href="{home}"' in left.text) != is_followed
    # Somebody has signed in to this one: it is no stranger.
    assert leave(app.test_client(), **asked, id_token_hint=hint).status_code == 303


def test_without_a_hint_the_person_is_asked(flow: Flow) -> None:
    page = leave(flow.browser, client_id=flow.client_id)
    assert "Reporter" in page.text
    assert flow.browser.get("/tasks").status_code == 200
    assert flow.browser.post("/oauth/logout/confirmed", data={"query": ""}).status_code == 400
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[0]
    fields = {"csrf_token": token, "query": f"client_id={flow.client_id}"}
    assert flow.browser.post("/oauth/logout/confirmed", data=fields).status_code == 200
    assert flow.browser.get("/tasks").status_code == 303


def test_a_client_may_ask_by_a_form(flow: Flow) -> None:
    form = {"client_id": flow.client_id, "state": "a\r\nb & c"}
    sent = flow.browser.post("/oauth/logout", data=form)
    assert (sent.status_code, flow.browser.get("/tasks").status_code) == (303, 200)
    assert sent.headers["Location"] == "/oauth/logout?" + urlencode(form)
    for wrong in ({"json": form}, {"data": form, "query_string": {"client_id": "x"}}):
        assert flow.browser.post("/oauth/logout", **wrong).status_code == 400
    raw = {"content_type": "application/x-www-form-urlencoded", "data": b"a\r\nSet-Cookie: x=1"}
    sent = flow.browser.post("/oauth/logout", **raw)
    assert sent.headers["Location"] == "/oauth/logout?a%0D%0ASet-Cookie%3A%20x=1"
    raw["data"] = b"a" * 70_000
    assert flow.browser.post("/oauth/logout", **raw).status_code == 413


def test_another_persons_hint_signs_nobody_out(flow: Flow, another: Callable[..., Flow]) -> None:
    bens = another("ben").tokens(scope="openid")["id_token"]
    assert "Sign out?" in leave(flow.browser, id_token_hint=bens).text
    assert flow.browser.get("/tasks").status_code == 200


def test_an_access_token_for_a_resource_is_no_hint(flow: Flow) -> None:
    resource = "https://warehouse.example/v1"
    change(
        "INSERT INTO resource_server (identifier, name, created_at) VALUES (:it, 'Warehouse', 1)",
        it=resource,
    )
    token = flow.tokens(scope="openid tasks:view", resource=resource)["access_token"]
    assert leave(flow.browser, id_token_hint=token).status_code == 400


@requirement("rfc9068:signed", "rfc9068:aud-is-the-resource")
def test_a_resource_of_others_gets_a_token_that_it_verifies_itself(flow: Flow) -> None:
    resource = "https://warehouse.example/v1"
    change(
        "INSERT INTO resource_server (identifier, name, created_at) VALUES (:it, 'Warehouse', 1)",
        it=resource,
    )
    token = flow.tokens(resource=resource)["access_token"]
    claims = claims_of(flow, token, "ES256")
    assert (claims["aud"], claims["iss"], claims["sub"]) == (resource, ISSUER, "1")
    assert (claims["client_id"], claims["scope"]) == (flow.client_id, "tasks:view tasks:edit")
    assert claims["jti"]
    program = flow.browser.application.test_client()
    headers = {"Authorization": f"Bearer {token}"}
    assert program.get("/api/tasks/list", headers=headers).status_code == 401
