"""What RFC 9449 asks of whoever is shown a proof, held against every endpoint that is."""

import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import httpx2
import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey
from werkzeug.test import TestResponse

from app.extensions import db
from app.oauth.device import GRANT_TYPE as DEVICE_CODE
from app.oauth.dpop import Proof, Proofs
from app.oauth.errors import InvalidDpopProof, UseDpopNonce
from app.oauth.signatures import ALGORITHMS
from app.oauth.token_exchange import ACCESS_TOKEN_TYPE, TokenExchange
from tests.conftest import change
from tests.mcp.conftest import Ask, asking, headers_of, message
from tests.oauth.conftest import CALLBACK, ISSUER, VERIFIER, Flow, answer_of
from tests.oauth.keyholder import KeyHolder
from tests.oauth.test_device import decide, start
from tests.oauth.test_dpop import TOKEN_URL, bound, exchange, post
from tests.oauth.test_introspection import introspect
from tests.oauth.test_pushed import follow
from tests.requirements import requirement

SCOPE = "openid tasks:view"
PAR_URL = ISSUER + "/oauth/par"
ENTRANCES = {"API": ("GET", "/api/tasks/list"), "userinfo": ("GET", "/oauth/userinfo")}
ENTRANCES["MCP"] = ("POST", "/mcp")
at_each_entrance = pytest.mark.parametrize("entrance", ENTRANCES)


@pytest.fixture
def ask(app: Flask) -> Iterator[Ask]:
    """Give a function that sends one request to the product, MCP included."""
    with asking(app) as send:
        yield send


def use(
    ask: Ask, entrance: str, token: str, proofs: list[str], scheme: str = "DPoP"
) -> httpx2.Response:
    """Present a token at an entrance, with these proofs."""
    method, path = ENTRANCES[entrance]
    headers = [
        *((name, value) for name, value in headers_of("").items() if name != "Authorization"),
        ("Authorization", f"{scheme} {token}"),
        *(("DPoP", proof) for proof in proofs),
    ]
    content = json.dumps(message("tools/list")) if method == "POST" else None
    return ask(method, path, headers=headers, content=content)


def unsigned(holder: KeyHolder, **claims: Any) -> str:
    """Give what would be a proof if it were signed."""
    header = {"typ": "dpop+jwt", "alg": "none", "jwk": holder.key.as_dict(private=False)}
    said = jwt.decode(holder.proof("POST", TOKEN_URL, **claims), holder.key).claims
    parts = [urlsafe_b64encode(json.dumps(part).encode()) for part in (header, said)]
    return ".".join(part.rstrip(b"=").decode() for part in parts) + "."


def by_shared_secret(holder: KeyHolder, method: str, url: str, **claims: Any) -> str:
    """Give what would be a proof if its public key were a secret."""
    public = holder.key.as_dict(private=False)
    said = jwt.decode(holder.proof(method, url, **claims), holder.key).claims
    key = OctKey.import_key(json.dumps(public))
    header = {"typ": "dpop+jwt", "alg": "HS256", "jwk": public}
    return jwt.encode(header, said, key, algorithms=["HS256"])


@requirement(
    "rfc9449:one-proof",
    "rfc9449:method-and-url",
    "rfc9449:not-as-a-bearer",
    "rfc9449:one-use-jti",
    "rfc9449:resources-want-the-proof",
    "rfc9449:the-binding-is-known",
    "rfc9449:the-keys-are-the-same",
    "rfc9449:the-token-is-hashed",
    "rfc9449:typed",
)
@at_each_entrance
def test_each_entrance_makes_every_check(ask: Ask, flow: Flow, entrance: str) -> None:
    holder, thief = KeyHolder(), KeyHolder()
    token = (exchange(flow, holder, scope=SCOPE).json or {})["access_token"]
    other = (exchange(flow, holder, scope=SCOPE).json or {})["access_token"]
    method, path = ENTRANCES[entrance]

    def proof(by: KeyHolder = holder, **changes: Any) -> str:
        return by.proof(method, ISSUER + path, token=token, **changes)

    good = proof()
    assert use(ask, entrance, token, [good]).status_code == 200
    for proofs, scheme in (
        ([good], "DPoP"),  # a replay
        ([], "DPoP"),
        ([], "Bearer"),
        ([proof()], "Bearer"),
        ([proof(), proof()], "DPoP"),
        ([proof(thief)], "DPoP"),
        ([proof(htm="PUT")], "DPoP"),
        ([proof(htu=TOKEN_URL)], "DPoP"),
        ([proof(typ="JWT")], "DPoP"),
        ([proof(ath=None)], "DPoP"),
        ([proof(jti=None)], "DPoP"),
        ([proof(iat=int(time.time()) - 3600)], "DPoP"),
        ([proof(nonce="made up")], "DPoP"),
        ([by_shared_secret(holder, method, ISSUER + path, token=token)], "DPoP"),
        ([holder.proof(method, ISSUER + path, token=other)], "DPoP"),
    ):
        refused = use(ask, entrance, token, proofs, scheme)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("DPoP ")
        assert "no-store" in refused.headers["Cache-Control"]
    assert use(ask, entrance, token, [proof()], "dpop").status_code == 200


@requirement("rfc9449:the-challenge-names-the-error")
@at_each_entrance
def test_a_failed_proof_is_challenged_by_name(ask: Ask, flow: Flow, entrance: str) -> None:
    token = (exchange(flow, KeyHolder(), scope=SCOPE).json or {})["access_token"]
    method, path = ENTRANCES[entrance]
    for proof in ("x", KeyHolder().proof(method, ISSUER + path, token=token)):
        challenge = use(ask, entrance, token, [proof]).headers["WWW-Authenticate"]
        scheme, _, parameters = challenge.partition(" ")
        assert scheme == "DPoP"
        said = dict(re.findall(r'(\w+)="([^"]*)"', parameters))
        assert said["error"] in ("invalid_token", "invalid_dpop_proof")
        assert said["error_description"]


@requirement("rfc9449:the-challenge-names-algorithms")
@at_each_entrance
def test_a_challenge_names_the_algorithms(ask: Ask, flow: Flow, entrance: str) -> None:
    token = (exchange(flow, KeyHolder(), scope=SCOPE).json or {})["access_token"]
    challenge = use(ask, entrance, token, ["x"]).headers["WWW-Authenticate"]
    named = re.findall(r'\balgs="([^"]*)"', challenge)
    assert named == [" ".join(ALGORITHMS)]


@at_each_entrance
def test_an_unbound_token_is_not_taken_for_a_bound_one(
    ask: Ask, flow: Flow, entrance: str
) -> None:
    token = flow.tokens(scope=SCOPE)["access_token"]
    method, path = ENTRANCES[entrance]
    proof = KeyHolder().proof(method, ISSUER + path, token=token)
    assert use(ask, entrance, token, [proof]).status_code == 401
    assert use(ask, entrance, token, [], "Bearer").status_code == 200


ISSUED_AT = int(time.time())
OTHER = ECKey.generate_key("P-256")


def ask_for_tokens(flow: Flow, *proofs: str) -> TestResponse:
    """Send a token request that would do, with these proofs."""
    data = {"client_id": flow.client_id, "client_secret": flow.client_secret or ""}
    headers = [("DPoP", proof) for proof in proofs]
    program = flow.browser.application.test_client()
    given = {**data, "grant_type": "client_credentials"}
    return program.post("/oauth/token", data=given, headers=headers)


def with_nonce(flow: Flow) -> KeyHolder:
    """Give who holds a key, and a nonce of the server's."""
    holder = KeyHolder()
    answer = ask_for_tokens(flow, holder.proof("POST", TOKEN_URL))
    assert (answer.json or {})["error"] == "use_dpop_nonce"
    holder.nonce = answer.headers["DPoP-Nonce"]
    return holder


def refused(answer: TestResponse, error: str) -> None:
    """See to it that an answer is this error, and that no token was issued."""
    assert (answer.status_code, answer.mimetype) == (400, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert (answer.json or {})["error"] == error
    with db.engine.connect() as connection:
        assert not connection.exec_driver_sql("SELECT count(*) FROM access_token").scalar_one()


@requirement(
    "rfc9449:a-bad-proof-is-named",
    "rfc9449:required-claims",
    "rfc9449:signed-by-its-own-key",
    "rfc9449:no-private-key",
    "rfc9449:method-and-url",
    "rfc9449:typed",
)
@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "JWT"},
        {"typ": "at+jwt"},
        {"jwk": OTHER.as_dict(private=False)},
        {"jwk": OTHER.as_dict(private=True)},
        {"jti": None},
        {"jti": "x" * 201},
        {"htm": None},
        {"htm": "GET"},
        {"htu": None},
        {"htu": "https://elsewhere.example/oauth/token"},
        {"htu": ISSUER + "/oauth/revoke"},
        {"htu": "/oauth/token"},
        {"iat": None},
        {"iat": ISSUED_AT - 3600},
        {"iat": ISSUED_AT + 3600},
    ],
)
def test_a_bad_proof_at_the_token_endpoint_is_named(flow: Flow, changes: dict[str, Any]) -> None:
    holder = with_nonce(flow)
    refused(ask_for_tokens(flow, holder.proof("POST", TOKEN_URL, **changes)), "invalid_dpop_proof")
    good = ask_for_tokens(flow, holder.proof("POST", TOKEN_URL))
    assert (good.status_code, (good.json or {})["token_type"]) == (200, "DPoP")


@requirement("rfc9449:no-private-key")
def test_a_proof_that_shows_its_private_key_is_refused(flow: Flow) -> None:
    holder = with_nonce(flow)
    private = holder.key.as_dict(private=True)
    proof = holder.proof("POST", TOKEN_URL, jwk=private)
    refused(ask_for_tokens(flow, proof), "invalid_dpop_proof")


@requirement("rfc9449:one-proof", "rfc9449:a-well-formed-proof")
def test_two_proofs_or_none_that_is_a_jwt_are_refused(flow: Flow) -> None:
    holder = with_nonce(flow)
    two = [holder.proof("POST", TOKEN_URL) for _ in range(2)]
    good = holder.proof("POST", TOKEN_URL)
    junk = ([good + ".x"], [good[:-2]], ["a.b.c"], ["{}"], [f"{good}, {good}"])
    for proofs in (two, *junk):
        refused(ask_for_tokens(flow, *proofs), "invalid_dpop_proof")
    assert ask_for_tokens(flow, good).status_code == 200


@requirement("rfc9449:one-proof")
def test_two_headers_are_two_proofs_though_each_is_good(flow: Flow) -> None:
    holder, proofs = KeyHolder(), Proofs(db.engine, "of the tests")
    two = [holder.proof("POST", TOKEN_URL, token="token") for _ in range(2)]
    with pytest.raises(InvalidDpopProof):
        proofs.jkt_of_use(Proof(two, "POST", TOKEN_URL), "token")
    for one in two:
        assert proofs.jkt_of_use(Proof([one], "POST", TOKEN_URL), "token") == holder.jkt


@requirement("rfc9449:asymmetric-only", "rfc9449:a-bad-proof-is-named")
def test_only_a_private_key_signs_a_proof(flow: Flow) -> None:
    holder = with_nonce(flow)
    secret = OctKey.generate_key(256)
    shared = {"typ": "dpop+jwt", "alg": "HS256", "jwk": secret.as_dict(private=True)}
    said = jwt.decode(holder.proof("POST", TOKEN_URL), holder.key).claims
    for proof in (
        unsigned(holder),
        by_shared_secret(holder, "POST", TOKEN_URL),
        jwt.encode(shared, said, secret, algorithms=["HS256"]),
    ):
        refused(ask_for_tokens(flow, proof), "invalid_dpop_proof")
    assert not {"none", "HS256", "HS384", "HS512"} & set(ALGORITHMS)
    metadata = flow.browser.get("/.well-known/oauth-authorization-server").json or {}
    assert metadata["dpop_signing_alg_values_supported"] == list(ALGORITHMS)


@pytest.mark.parametrize("alg", ["RS256", "PS256"])
def test_an_rsa_key_of_enough_bits_signs_a_proof(flow: Flow, alg: str) -> None:
    holder, key = with_nonce(flow), RSAKey.generate_key(2048)
    said = jwt.decode(holder.proof("POST", TOKEN_URL), holder.key).claims
    header = {"typ": "dpop+jwt", "alg": alg, "jwk": key.as_dict(private=False)}
    answer = ask_for_tokens(flow, jwt.encode(header, said, key, algorithms=[alg]))
    assert (answer.json or {})["token_type"] == "DPoP"


@requirement("rfc9449:a-short-life")
@pytest.mark.parametrize(
    ("age", "is_good"), [(0, True), (60, True), (61, False), (-30, True), (-31, False)]
)
def test_a_proof_lives_for_a_minute(flow: Flow, age: int, *, is_good: bool) -> None:
    proofs = Proofs(db.engine, "of the tests", now=lambda: ISSUED_AT)
    proof = KeyHolder().proof("POST", TOKEN_URL, token="token", iat=ISSUED_AT - age)
    shown = Proof([proof], "POST", TOKEN_URL)
    if is_good:
        assert proofs.jkt_of_use(shown, "token")
    else:
        with pytest.raises(UseDpopNonce):
            proofs.jkt_of_use(shown, "token")


@requirement("rfc9449:a-short-life")
@pytest.mark.parametrize("age", [300, 301, -300, -301])
def test_with_our_nonce_a_clock_may_be_five_minutes_off(flow: Flow, age: int) -> None:
    proofs = Proofs(db.engine, "of the tests", now=lambda: ISSUED_AT)
    for token, check in (
        (None, proofs.jkt_of_request),
        ("token", partial(proofs.jkt_of_use, access_token="token")),
    ):
        proof = KeyHolder().proof(
            "POST", TOKEN_URL, token=token, iat=ISSUED_AT - age, nonce=proofs.nonce()
        )
        shown = Proof([proof], "POST", TOKEN_URL)
        if abs(age) > 300:
            with pytest.raises(InvalidDpopProof):
                check(shown)
            continue
        assert check(shown)
        with pytest.raises(InvalidDpopProof):
            check(shown)


@requirement("rfc9449:a-short-life")
@at_each_entrance
def test_each_entrance_gives_a_clock_that_is_off_a_nonce(
    ask: Ask, flow: Flow, entrance: str
) -> None:
    holder = KeyHolder()
    token = (exchange(flow, holder, scope=SCOPE).json or {})["access_token"]
    method, path = ENTRANCES[entrance]
    nonce = None
    for wrong in (None, "x"):
        made = holder.proof(
            method, ISSUER + path, token=token, iat=int(time.time()) - 200, nonce=wrong
        )
        refused = use(ask, entrance, token, [made])
        assert refused.status_code == 401
        assert 'error="use_dpop_nonce"' in refused.headers["WWW-Authenticate"]
        nonce = refused.headers["DPoP-Nonce"]
    made = holder.proof(
        method, ISSUER + path, token=token, iat=int(time.time()) - 200, nonce=nonce
    )
    assert use(ask, entrance, token, [made]).status_code == 200


@requirement("rfc9449:a-short-life")
def test_a_clock_that_is_off_is_given_a_nonce_first(flow: Flow) -> None:
    proofs = Proofs(db.engine, "of the tests", now=lambda: ISSUED_AT)
    stale = Proofs(db.engine, "of the tests", now=lambda: ISSUED_AT - 900).nonce()
    for nonce in (None, stale, "x"):
        proof = KeyHolder().proof("POST", TOKEN_URL, iat=ISSUED_AT - 200, nonce=nonce)
        with pytest.raises(UseDpopNonce):
            proofs.jkt_of_request(Proof([proof], "POST", TOKEN_URL))


@requirement("rfc9449:one-use-jti")
def test_a_proof_with_a_nonce_is_remembered_as_long_as_it_could_count(flow: Flow) -> None:
    first = Proofs(db.engine, "of the tests", now=lambda: ISSUED_AT)
    proof = KeyHolder().proof("POST", TOKEN_URL, iat=ISSUED_AT + 299, nonce=first.nonce())
    shown = Proof([proof], "POST", TOKEN_URL)
    assert first.jkt_of_request(shown)
    for later in (1, 200, 299):
        flow.browser.application.test_cli_runner().invoke(args=["purge"])
        proofs = Proofs(db.engine, "of the tests", now=partial(float, ISSUED_AT + later))
        with pytest.raises(InvalidDpopProof):
            proofs.jkt_of_request(shown)


@requirement("rfc9449:one-use-jti")
def test_a_proof_of_the_future_is_not_good_again_when_its_time_comes(flow: Flow) -> None:
    proof = KeyHolder().proof("POST", TOKEN_URL, token="token", iat=ISSUED_AT + 30)
    shown = Proof([proof], "POST", TOKEN_URL)
    assert Proofs(db.engine, "of the tests", now=lambda: ISSUED_AT).jkt_of_use(shown, "token")
    for later in (1, 30, 90):
        flow.browser.application.test_cli_runner().invoke(args=["purge"])
        proofs = Proofs(db.engine, "of the tests", now=partial(float, ISSUED_AT + later))
        with pytest.raises(InvalidDpopProof):
            proofs.jkt_of_use(shown, "token")


HTTPS = "https://latchkey.example"


@requirement("rfc9449:urls-are-normalized", "rfc9449:method-and-url")
@pytest.mark.parametrize(
    ("claimed", "is_same"),
    [
        (HTTPS + "/oauth/token", True),
        (HTTPS + "/oauth/token?a=b#c", True),
        ("HTTPS://LATCHKEY.example/oauth/token", True),
        (HTTPS + ":443/oauth/token", True),
        (HTTPS + "/oauth/%74oken", True),
        (HTTPS + "/oauth/./token", True),
        (HTTPS + "/oauth/x/../token", True),
        (HTTPS + ":8443/oauth/token", False),
        (HTTPS + "/oauth/Token", False),
        (HTTPS + "/oauth/token/", False),
        (HTTPS + "/oauth%2Ftoken", False),
        (HTTPS + "/oauth/token;x", False),
        ("http://latchkey.example/oauth/token", False),
        ("http://latchkey.example:443/oauth/token", False),
        ("https://user@latchkey.example/oauth/token", False),
        ("https://latchkey.example.evil.example/oauth/token", False),
        ("latchkey.example/oauth/token", False),
    ],
)
def test_a_url_is_the_same_in_whatever_way_it_is_written(
    flow: Flow, claimed: str, *, is_same: bool
) -> None:
    holder, proofs = KeyHolder(), Proofs(db.engine, "of the tests")
    proof = holder.proof("POST", claimed, token="token")
    shown = Proof([proof], "POST", HTTPS + "/oauth/token")
    if is_same:
        assert proofs.jkt_of_use(shown, "token") == holder.jkt
    else:
        with pytest.raises(InvalidDpopProof):
            proofs.jkt_of_use(shown, "token")


@requirement("rfc9449:one-nonce-an-answer", "rfc9449:no-way-round-the-nonce")
@pytest.mark.parametrize("url", [TOKEN_URL, PAR_URL])
def test_an_answer_that_asks_for_a_nonce_holds_one(flow: Flow, url: str) -> None:
    holder = KeyHolder()
    assert bound(flow, holder)
    assert holder.nonce
    known = {"client_id": flow.client_id, "client_secret": flow.client_secret or ""}
    for nonce in (None, "made-up"):
        proof = holder.proof("POST", url, nonce=nonce)
        data = {**known, "grant_type": "client_credentials"}
        answer = flow.browser.post(url.removeprefix(ISSUER), data=data, headers={"DPoP": proof})
        assert (answer.status_code, (answer.json or {})["error"]) == (400, "use_dpop_nonce")
        (given,) = answer.headers.getlist("DPoP-Nonce")
        # RFC 9449 §8.1
        assert re.fullmatch(r"[!#-\[\]-~]+", given)
        assert answer.headers["Cache-Control"] == "no-store"
    with db.engine.connect() as connection:
        count = "SELECT count(*) FROM access_token"
        assert connection.exec_driver_sql(count).scalar_one() == 1


@requirement("rfc9449:nonces-cannot-be-predicted", "rfc9449:the-nonce-matches")
def test_a_nonce_is_of_this_server_and_of_late(flow: Flow) -> None:
    def at(moment: float, key: str = "of the tests") -> Proofs:
        return Proofs(db.engine, key, now=lambda: moment)

    nonces = {at(moment, key).nonce() for moment in (0, 300, 600) for key in ("one", "two")}
    assert len(nonces) == 6
    assert all(len(nonce) == 43 for nonce in nonces)
    for moment, key, is_good in (
        (ISSUED_AT, "of the tests", True),
        (ISSUED_AT - 300, "of the tests", True),
        (ISSUED_AT - 600, "of the tests", False),
        (ISSUED_AT + 300, "of the tests", False),
        (ISSUED_AT, "another", False),
    ):
        holder = KeyHolder(nonce=at(moment, key).nonce())
        shown = Proof([holder.proof("POST", TOKEN_URL, iat=ISSUED_AT)], "POST", TOKEN_URL)
        if is_good:
            assert at(ISSUED_AT).jkt_of_request(shown) == holder.jkt
        else:
            with pytest.raises(UseDpopNonce):
                at(ISSUED_AT).jkt_of_request(shown)


@requirement("rfc9449:refresh-tokens-are-bound", "rfc9449:the-type-is-dpop")
def test_a_public_clients_refresh_token_is_bound_from_then_on(
    another: Callable[..., Flow],
) -> None:
    public, holder = another(kind="public"), KeyHolder()
    body = bound(public, holder)
    assert body["token_type"] == "DPoP"
    for _ in range(2):
        asked = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
        for answer in (public.token(**asked), post(public, KeyHolder(), **asked)):
            assert (answer.status_code, (answer.json or {})["error"]) == (400, "invalid_grant")
        renewed = post(public, holder, **asked)
        assert renewed.status_code == 200, renewed.text
        body = dict(renewed.json or {})
        assert body["token_type"] == "DPoP"


def test_a_client_with_a_secret_may_change_its_key(flow: Flow) -> None:
    body = bound(flow, KeyHolder())
    asked = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    renewed = post(flow, KeyHolder(), **asked).json or {}
    assert renewed["token_type"] == "DPoP"


@requirement("rfc9449:bound-clients-prove")
@pytest.mark.parametrize("grant", ["code", "refresh", "service", "exchange", "device"])
def test_a_client_registered_for_proofs_gets_nothing_without(flow: Flow, grant: str) -> None:
    body, started = flow.tokens(), start(flow)
    decide(flow, started["user_code"])
    change("UPDATE client SET dpop_bound_access_tokens = 1")
    asked: dict[str, str] = {
        "code": {
            "grant_type": "authorization_code",
            "code": flow.code(),
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        },
        "refresh": {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]},
        "service": {"grant_type": "client_credentials"},
        "exchange": {
            "grant_type": TokenExchange.GRANT_TYPE,
            "subject_token": body["access_token"],
            "subject_token_type": ACCESS_TOKEN_TYPE,
        },
        "device": {"grant_type": DEVICE_CODE, "device_code": started["device_code"]},
    }[grant]
    answer = flow.token(**asked)
    assert (answer.status_code, (answer.json or {})["error"]) == (400, "invalid_dpop_proof")
    change("UPDATE device_authorization SET polled_at = NULL")
    proved = post(flow, KeyHolder(), **asked)
    assert proved.status_code == 200, proved.text
    assert (proved.json or {})["token_type"] == "DPoP"


@requirement(
    "rfc9449:introspected-as-dpop",
    "rfc9449:jkt-is-the-thumbprint",
    "rfc9449:the-binding-is-known",
)
def test_introspection_tells_the_key_of_a_token(flow: Flow) -> None:
    holder = KeyHolder()
    told = introspect(flow, bound(flow, holder)["access_token"])
    assert (told["token_type"], told["cnf"]) == ("DPoP", {"jkt": holder.key.thumbprint()})
    told = introspect(flow, flow.tokens()["access_token"])
    assert told["token_type"] == "Bearer"
    assert "cnf" not in told


def push(flow: Flow, holder: KeyHolder | None, **changes: str | None) -> TestResponse:
    """Push a request; with a proof of a key, as often as a nonce is asked for."""
    given = dict(parse_qsl(flow.query(**changes)))
    given["client_secret"] = flow.client_secret or ""
    program = flow.browser.application.test_client()
    if holder is None:
        return program.post("/oauth/par", data=given)
    if holder.nonce is None:
        asked = program.post(
            "/oauth/par", data=given, headers={"DPoP": holder.proof("POST", PAR_URL)}
        )
        holder.nonce = asked.headers["DPoP-Nonce"]
    headers = {"DPoP": holder.proof("POST", PAR_URL)}
    return program.post("/oauth/par", data=given, headers=headers)


def redeem(flow: Flow, code: str, holder: KeyHolder | None) -> TestResponse:
    """Exchange a code, with a proof or without."""
    given = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    if holder is None:
        return flow.token(grant_type="authorization_code", **given)
    return post(flow, holder, grant_type="authorization_code", **given)


@requirement("rfc9449:codes-are-bound", "rfc9449:both-ways-to-push-a-key")
@pytest.mark.parametrize("way", ["asked", "pushed", "proved", "pushed and proved"])
def test_a_code_that_is_bound_to_a_key_is_good_with_it_alone(flow: Flow, way: str) -> None:
    holder = KeyHolder()
    if way == "asked":
        page = flow.authorize(dpop_jkt=holder.jkt)
    else:
        prover = holder if "proved" in way else None
        answer = push(flow, prover, dpop_jkt=holder.jkt if "pushed" in way else None)
        assert answer.status_code == 201, answer.text
        page = follow(flow, (answer.json or {})["request_uri"])
    code = answer_of(flow.decide(page))["code"]
    for wrong in (None, KeyHolder()):
        answer = redeem(flow, code, wrong)
        assert (answer.status_code, (answer.json or {})["error"]) == (400, "invalid_grant")
    redeemed = redeem(flow, code, holder)
    assert redeemed.status_code == 200, redeemed.text
    assert (redeemed.json or {})["token_type"] == "DPoP"


@requirement("rfc9449:pushed-keys-agree", "rfc9449:both-ways-to-push-a-key")
def test_a_pushed_request_that_names_two_keys_is_refused(flow: Flow) -> None:
    holder, other = KeyHolder(), KeyHolder()
    refused(push(flow, holder, dpop_jkt=other.jkt), "invalid_request")
    assert push(flow, holder, dpop_jkt=holder.jkt).status_code == 201
    with db.engine.connect() as connection:
        count = "SELECT count(*) FROM pushed_request"
        assert connection.exec_driver_sql(count).scalar_one() == 1


@requirement("rfc9449:both-ways-to-push-a-key")
@pytest.mark.parametrize("changes", [{"htu": TOKEN_URL}, {"htm": "GET"}, {"typ": "JWT"}])
def test_the_proof_of_a_pushed_request_is_checked(flow: Flow, changes: dict[str, Any]) -> None:
    holder = with_nonce(flow)
    given = dict(parse_qsl(flow.query())) | {"client_secret": flow.client_secret or ""}
    headers = {"DPoP": holder.proof("POST", PAR_URL, **changes)}
    answer = flow.browser.post("/oauth/par", data=given, headers=headers)
    refused(answer, "invalid_dpop_proof")
