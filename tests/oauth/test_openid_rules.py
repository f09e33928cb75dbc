"""What OpenID Connect Core asks of a provider, held against its answers to the letter."""

import hashlib
import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.test import TestResponse

from app.extensions import db
from app.identity import accounts
from app.oauth.keys import Keys
from tests.conftest import PASSWORD, change
from tests.oauth.conftest import CALLBACK, ISSUER, Flow, answer_of, sign_in
from tests.oauth.test_asking_again import again, hint_of
from tests.oauth.test_client_credentials import issued
from tests.oauth.test_consent_page import words
from tests.oauth.test_registration import CONFIDENTIAL, register
from tests.requirements import requirement

SCOPE = "openid profile email tasks:view"


def verified(flow: Flow, id_token: str) -> jwt.Token:
    """Verify an ID token as a client does: by the keys that the metadata lead to."""
    program = flow.browser.application.test_client()
    keys: Any = program.get("/oauth/jwks").json
    return jwt.decode(id_token, KeySet.import_key_set(keys), algorithms=["RS256", "ES256"])


def userinfo(flow: Flow, token: str, method: str = "GET", **options: Any) -> TestResponse:
    program = flow.browser.application.test_client()
    headers = {"Authorization": f"Bearer {token}"}
    return program.open("/oauth/userinfo", method=method, headers=headers, **options)


@requirement("oidc-core:required-claims", "oidc-core:the-nonce-is-returned")
@pytest.mark.parametrize("nonce", ["n-0S6_WzA2Mj", " a 'quoted' \"nonce\" é ", "n" * 500])
def test_an_id_token_holds_what_it_must(flow: Flow, nonce: str) -> None:
    body = flow.tokens(scope=SCOPE, nonce=nonce)
    claims = verified(flow, body["id_token"]).claims
    assert claims.keys() == {"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash"}
    assert (claims["iss"], claims["sub"], claims["aud"]) == (ISSUER, "1", flow.client_id)
    assert claims["nonce"] == nonce
    assert claims["auth_time"] <= claims["iat"] <= time.time() < claims["exp"]
    # §3.1.3.6
    half = hashlib.sha256(body["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == urlsafe_b64encode(half).rstrip(b"=").decode()
    plain = verified(flow, flow.tokens(scope=SCOPE)["id_token"]).claims
    assert "nonce" not in plain


@requirement("oidc-core:sub-is-never-reassigned")
def test_a_persons_sub_is_nobodys_after_them(flow: Flow) -> None:
    def newcomer() -> int:
        return accounts.create(
            db.engine,
            email="newcomer@example.com",
            name="Newcomer",
            password=PASSWORD,
            role="Member",
            now=int(time.time()),
        )

    first = newcomer()
    change("DELETE FROM user_account WHERE id = :id", id=first)
    assert newcomer() > first
    sub = verified(flow, hint_of(flow)).claims["sub"]
    assert isinstance(sub, str)
    assert sub.isascii()
    assert 0 < len(sub) <= 255


@requirement(
    "oidc-core:signed",
    "oidc-core:no-key-in-the-header",
    "oidc-core:the-key-is-named",
    "oidc-core:rs256",
)
@pytest.mark.parametrize("alg", [None, "RS256", "ES256"])
def test_an_id_token_is_signed_with_a_key_that_it_names(
    app: Flask, flow: Flow, alg: str | None
) -> None:
    metadata = CONFIDENTIAL | {"token_endpoint_auth_method": "client_secret_post"}
    asked = {} if alg is None else {"id_token_signed_response_alg": alg}
    made = register(app.test_client(), metadata | asked)
    client = Flow(flow.browser, made["client_id"], made["client_secret"])
    header = verified(client, client.tokens(scope=SCOPE)["id_token"]).header
    kid = header["kid"]
    assert header == {"alg": alg or "RS256", "typ": "JWT", "kid": kid}
    published = flow.browser.get("/oauth/jwks").json or {}
    named = [key for key in published["keys"] if key["kid"] == kid]
    assert [(key["alg"], key["use"]) for key in named] == [(alg or "RS256", "sig")]


@requirement("oidc-core:signed")
@pytest.mark.parametrize("alg", ["none", "HS256", "RS1"])
def test_no_client_gets_an_id_token_that_is_not_signed(app: Flask, alg: str) -> None:
    asked = CONFIDENTIAL | {"id_token_signed_response_alg": alg}
    assert register(app.test_client(), asked, 400)["error"] == "invalid_client_metadata"


@requirement("oidc-core:get-and-post", "oidc-core:prompt-none-shows-nothing")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_comes_either_way(flow: Flow, method: str) -> None:
    flow.tokens(scope=SCOPE)
    asked = flow.query(scope=SCOPE, prompt="none", nonce="n", state="é & ü=")
    form = "application/x-www-form-urlencoded"
    # Another site's page posts without the cookie; what it gets leads back here, with it.
    answer = flow.browser.open(
        "/oauth/authorize" + ("?" + asked if method == "GET" else ""),
        method=method,
        data=asked if method == "POST" else None,
        content_type=form if method == "POST" else None,
    )
    if method == "POST":
        assert answer.status_code == 303
        assert answer.headers["Location"].startswith("/oauth/authorize?")
        answer = flow.browser.get(answer.headers["Location"])
    said = answer_of(answer)
    assert said["code"]
    assert said["state"] == "é & ü="


@requirement("oidc-core:prompt-select-account")
def test_who_may_choose_sees_who_they_are_and_can_be_another(flow: Flow) -> None:
    flow.tokens()
    page = flow.authorize(prompt="select_account")
    assert page.status_code == 200
    assert "Signed in as ada@example.com" in words(page.text)
    form = page.text.split('action="/logout"')[-1].split("</form>")[0]
    assert "Use another account" in form
    fields = dict(re.findall(r'name="(csrf_token|next)" value="([^"]+)"', form))
    fields["next"] = fields["next"].replace("&amp;", "&")
    out = flow.browser.post("/logout", data=fields)
    assert out.status_code == 303
    door = flow.browser.get(out.headers["Location"])
    assert door.headers["Location"].startswith("/login?next=/oauth/authorize")
    ben = Flow(sign_in(flow.browser, "ben"), flow.client_id, flow.client_secret)
    other = ben.authorize(prompt="select_account")
    assert "Signed in as ben@example.com" in words(other.text)


@requirement("oidc-core:max-age")
def test_a_max_age_of_nothing_is_met_by_no_sign_in_of_before(flow: Flow) -> None:
    # As if it were in this very second, or as if a clock had been set back.
    change("UPDATE login SET created_at = created_at + 60")
    door = flow.authorize(max_age="0")
    assert door.status_code == 303
    assert door.headers["Location"].startswith("/login?")
    assert "Allow" in again(flow, door).text
    assert answer_of(flow.authorize(max_age="0", prompt="none"))["error"] == "login_required"


@requirement("oidc-core:max-age", "oidc-core:auth-time-with-max-age")
@pytest.mark.parametrize("max_age", ["0", "50", "5000"])
def test_with_max_age_the_id_token_says_when(flow: Flow, max_age: str) -> None:
    change("UPDATE login SET created_at = created_at - 100")
    started = int(time.time())
    page = flow.authorize(scope=SCOPE, max_age=max_age)
    is_asked = int(max_age) < 100
    assert (page.status_code == 303) == is_asked
    page = again(flow, page) if is_asked else page
    body = flow.exchange(answer_of(flow.decide(page))["code"]).json or {}
    auth_time = verified(flow, body["id_token"]).claims["auth_time"]
    assert type(auth_time) is int
    assert (auth_time >= started) == is_asked


@requirement("oidc-core:prompt-consent")
def test_a_client_may_have_the_person_asked_again(flow: Flow) -> None:
    flow.tokens(scope=SCOPE)
    assert flow.authorize(scope=SCOPE).status_code == 303
    page = flow.authorize(scope=SCOPE, prompt="consent")
    assert page.status_code == 200
    assert answer_of(flow.decide(page, "deny"))["error"] == "access_denied"


@requirement("oidc-core:locales-are-no-error", "oidc-core:display-and-acr-are-no-error")
@pytest.mark.parametrize(
    "asked",
    [
        {"ui_locales": "tlh fr-CA", "claims_locales": "xx"},
        {"display": "page"},
        {"display": "popup"},
        {"display": "touch"},
        {"display": "wap"},
        {"acr_values": "urn:mace:incommon:iap:silver 1"},
    ],
)
def test_what_is_not_offered_is_no_error(flow: Flow, asked: dict[str, str]) -> None:
    body = flow.tokens(scope=SCOPE, **asked)
    assert verified(flow, body["id_token"]).claims["sub"] == "1"
    answer = answer_of(flow.authorize(scope=SCOPE, prompt="none", **asked))
    assert answer["code"]


@requirement("oidc-core:unknown-is-ignored", "oidc-core:the-claims-parameter-is-no-error")
@pytest.mark.parametrize(
    "asked",
    [
        {"nonsense": "x"},
        {"registration": "{}"},
        {"claims": json.dumps({"userinfo": {"phone_number": {"essential": True}}})},
        {"claims": "no JSON"},
    ],
)
def test_what_is_not_known_is_ignored(flow: Flow, asked: dict[str, str]) -> None:
    body = flow.tokens(scope="openid email", **asked)
    told = userinfo(flow, body["access_token"]).json
    assert told == {"sub": "1", "email": "ada@example.com", "email_verified": False}


def expired_hint(flow: Flow) -> str:
    """Give an ID token about Ada, of the flow's client, that expired a day ago."""
    keys, then = Keys(db.engine, "of the tests"), int(time.time()) - 24 * 3600
    claims = {"iss": ISSUER, "sub": "1", "aud": flow.client_id, "at_hash": "x"}
    return keys.signed({**claims, "iat": then - 3600, "exp": then}, alg="RS256")


@requirement("oidc-core:an-expired-hint-counts", "oidc-core:the-hint-names-the-person")
def test_a_hint_counts_after_its_time(app: Flask, flow: Flow) -> None:
    flow.tokens(scope="openid")
    asked = {"scope": "openid", "prompt": "none", "id_token_hint": expired_hint(flow)}
    assert answer_of(flow.authorize(**asked))["code"]
    ben = Flow(sign_in(app.test_client(), "ben"), flow.client_id, flow.client_secret)
    assert answer_of(ben.authorize(**asked))["error"] == "login_required"


@requirement("oidc-core:the-hint-is-our-own")
def test_a_hint_of_another_issuer_is_refused(flow: Flow) -> None:
    keys = Keys(db.engine, "of the tests")
    claims = {"sub": "1", "aud": flow.client_id, "at_hash": "x", "exp": int(time.time()) + 60}
    flow.tokens(scope="openid")
    for issuer in ("https://elsewhere.example", ISSUER + "/", ""):
        hint = keys.signed({**claims, "iss": issuer}, alg="RS256")
        answer = answer_of(flow.authorize(scope="openid", prompt="none", id_token_hint=hint))
        assert answer["error"] == "invalid_request"
        assert "code" not in answer
    header, body, signature = hint_of(flow).split(".")
    for forged in (f"{header}.{body}.", f"{header}.{body}x.{signature}"):
        answer = answer_of(flow.authorize(scope="openid", prompt="none", id_token_hint=forged))
        assert answer["error"] == "invalid_request"


@requirement("oidc-core:errors-are-reported", "oidc-core:prompt-none-shows-nothing")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "id_token"}, "unsupported_response_type"),
        ({"response_type": "code id_token"}, "unsupported_response_type"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
        ({"prompt": "none"}, "consent_required"),
    ],
)
def test_an_error_is_told_to_the_client_with_its_state(
    flow: Flow, changes: dict[str, str], error: str
) -> None:
    response = flow.authorize(scope=SCOPE, **changes)
    assert response.headers["Location"].startswith(CALLBACK + "?")
    answer = answer_of(response)
    assert answer.pop("error_description").isascii()
    assert answer == {"error": error, "state": "a state & more", "iss": ISSUER}


@requirement("oidc-core:no-forgery-no-frames")
def test_what_a_person_decides_on_is_neither_forged_nor_framed(app: Flask, flow: Flow) -> None:
    door = app.test_client()
    form = {"email": "ada@example.com", "password": PASSWORD}
    assert door.post("/login", data=form).status_code == 400
    assert door.get("/tasks").headers["Location"].startswith("/login")
    page = flow.authorize(scope=SCOPE)
    consent = re.findall(r'name="consent" value="([^"]+)"', page.text)[0]
    forged = flow.browser.post("/oauth/consent", data={"consent": consent, "decision": "allow"})
    assert forged.status_code == 400
    assert "Location" not in forged.headers
    for shown in (door.get("/login"), page):
        assert "frame-ancestors 'none'" in shown.headers["Content-Security-Policy"]
    assert answer_of(flow.decide(page))["code"]


@requirement("oidc-core:the-person-decides")
def test_nothing_is_told_before_the_person_has_allowed_it(
    flow: Flow, another: Callable[..., Flow]
) -> None:
    for refused in (
        flow.decide(flow.authorize(scope=SCOPE), "deny"),
        flow.authorize(scope=SCOPE, prompt="none"),
    ):
        assert answer_of(refused).keys().isdisjoint({"code", "id_token", "access_token"})
    flow.tokens(scope="openid")
    # What was allowed to one client, or in part, is not allowed to another, or as a whole.
    assert answer_of(flow.authorize(scope=SCOPE, prompt="none"))["error"] == "consent_required"
    other = another().authorize(scope="openid", prompt="none")
    assert answer_of(other)["error"] == "consent_required"
    with db.engine.connect() as connection:
        count = "SELECT count(*) FROM authorization_code"
        assert connection.exec_driver_sql(count).scalar_one() == 1


@requirement("oidc-core:tokens-are-not-stored", "oidc-core:bearer-unless-agreed")
def test_an_answer_with_tokens_is_for_nobody_to_keep(flow: Flow) -> None:
    answer = flow.exchange(flow.code(scope=SCOPE))
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Pragma"] == "no-cache"
    body = answer.json or {}
    assert (body["token_type"], body["scope"]) == ("Bearer", SCOPE)
    told = userinfo(flow, body["access_token"])
    assert told.headers["Cache-Control"] == "no-store"


@requirement(
    "oidc-core:userinfo-by-get-and-post",
    "oidc-core:userinfo-takes-bearer-tokens",
    "oidc-core:userinfo-holds-sub",
    "oidc-core:userinfo-is-json",
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_userinfo_tells_the_person_of_the_id_token(flow: Flow, method: str) -> None:
    change("UPDATE user_account SET name = 'Ada Lovelace, née Byron' WHERE id = 1")
    body = flow.tokens(scope=SCOPE)
    told = userinfo(flow, body["access_token"], method)
    assert told.status_code == 200
    assert told.headers["Content-Type"].split(";")[0] == "application/json"
    said = json.loads(told.data.decode("utf-8"))
    assert said == {
        "sub": verified(flow, body["id_token"]).claims["sub"],
        "name": "Ada Lovelace, née Byron",
        "email": "ada@example.com",
        "email_verified": False,
    }


@requirement("oidc-core:userinfo-takes-bearer-tokens")
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_userinfo_refuses_what_is_no_token_of_a_person(flow: Flow, method: str) -> None:
    body = flow.tokens(scope=SCOPE)
    for token in ("x", body["id_token"], body["refresh_token"], issued(flow)["access_token"]):
        refused = userinfo(flow, token, method)
        assert refused.status_code == 401
        assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    change("UPDATE token_family SET revoked_at = 1")
    assert userinfo(flow, body["access_token"], method).status_code == 401


@requirement("oidc-core:userinfo-from-any-page")
def test_a_client_in_a_browser_may_ask_userinfo(flow: Flow) -> None:
    program = flow.browser.application.test_client()
    origin = {"Origin": "https://app.example"}
    for method in ("GET", "POST"):
        asked = {
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization",
        }
        allowed = program.options("/oauth/userinfo", headers=origin | asked)
        assert allowed.status_code in (200, 204)
        assert allowed.headers.get("Access-Control-Allow-Origin") == "*"
        assert method in allowed.headers["Access-Control-Allow-Methods"]
        assert "Authorization" in allowed.headers["Access-Control-Allow-Headers"]
    token = flow.tokens(scope=SCOPE)["access_token"]
    for answer in (userinfo(flow, token), userinfo(flow, "x")):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "WWW-Authenticate" in userinfo(flow, "x").headers["Access-Control-Expose-Headers"]


@requirement("oidc-core:no-empty-claims")
@pytest.mark.parametrize(
    ("scope", "claims"),
    [
        ("openid", {"sub"}),
        ("openid profile", {"sub", "name"}),
        ("openid email", {"sub", "email", "email_verified"}),
    ],
)
def test_what_is_not_told_is_left_out(flow: Flow, scope: str, claims: set[str]) -> None:
    told = userinfo(flow, flow.tokens(scope=scope)["access_token"]).json
    assert told is not None
    assert told.keys() == claims
    assert not [name for name, value in told.items() if value in (None, "")]


@requirement("oidc-core:no-request-objects", "oidc-core:no-request-uris")
@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"request_uri": "https://app.example/request.jwt"}, "request_uri_not_supported"),
        ({"request_uri": "urn:example:x"}, "request_uri_not_supported"),
    ],
)
def test_a_request_in_a_jwt_is_not_taken(flow: Flow, asked: dict[str, str], error: str) -> None:
    flow.tokens(scope=SCOPE)
    for more in ({}, {"prompt": "none"}):
        assert answer_of(flow.authorize(scope=SCOPE, **asked, **more))["error"] == error


@requirement("oidc-core:offline-access-is-allowed")
def test_nobody_acts_for_a_person_who_has_not_allowed_it(flow: Flow) -> None:
    flow.tokens(scope="openid")
    scope = "openid offline_access"
    assert answer_of(flow.authorize(scope=scope, prompt="none"))["error"] == "consent_required"
    page = flow.authorize(scope=scope)
    assert "Keep its access while you are away" in words(page.text)
    assert answer_of(flow.decide(page, "deny"))["error"] == "access_denied"
    body = flow.exchange(answer_of(flow.decide(flow.authorize(scope=scope)))["code"]).json or {}
    assert body["scope"] == scope
    assert flow.refresh(body["refresh_token"]).status_code == 200


@requirement("oidc-core:a-refresh-token-is-its-clients")
def test_a_refresh_token_is_no_good_without_its_client(
    flow: Flow, another: Callable[..., Flow]
) -> None:
    token = flow.tokens(scope=SCOPE)["refresh_token"]
    unproved = Flow(flow.browser, flow.client_id, None).refresh(token)
    assert (unproved.status_code, (unproved.json or {})["error"]) == (401, "invalid_client")
    stranger = another().refresh(token)
    assert (stranger.status_code, (stranger.json or {})["error"]) == (400, "invalid_grant")
    unknown = flow.refresh(token[:-1] + "x")
    assert (unknown.status_code, (unknown.json or {})["error"]) == (400, "invalid_grant")
    assert flow.refresh(token).status_code == 200


@requirement(
    "oidc-core:a-refreshed-id-token-is-alike", "oidc-core:a-refreshed-id-token-has-no-nonce"
)
def test_a_refreshed_id_token_is_about_the_same_sign_in(app: Flask, flow: Flow) -> None:
    body = flow.tokens(scope=SCOPE, nonce="once")
    first = verified(flow, body["id_token"]).claims
    # The person signs in anew meanwhile, and an hour goes by.
    change("UPDATE login SET created_at = created_at + 900")
    server = app.extensions["oauth_server"]
    now = server._now
    server._now = lambda: now() + 3600
    renewed = flow.refresh(body["refresh_token"]).json or {}
    second = verified(flow, renewed["id_token"]).claims
    for name in ("iss", "sub", "aud", "auth_time"):
        assert second[name] == first[name]
    assert first["iat"] + 3600 <= second["iat"] <= now() + 3600
    assert second["exp"] - second["iat"] == first["exp"] - first["iat"]
    assert second["at_hash"] != first["at_hash"]
    assert "nonce" in first
    assert "nonce" not in second
