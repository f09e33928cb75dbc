"""Tokens that are good only with the key they were issued for (RFC 9449)."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey
from werkzeug.test import TestResponse

from app.extensions import db
from app.oauth.dpop import Proof, Proofs
from app.oauth.errors import InvalidDpopProof
from tests.conftest import change
from tests.oauth.conftest import CALLBACK, VERIFIER, Flow
from tests.oauth.keyholder import KeyHolder
from tests.requirements import requirement

TOKEN_URL = "http://127.0.0.1:8000/oauth/token"
API_URL = "http://127.0.0.1:8000/api/tasks/list"


def post(flow: Flow, holder: KeyHolder, **given: str | None) -> TestResponse:
    """Send a token request with a proof, as often as a nonce is asked for."""
    data: dict[str, str | None] = {
        "client_id": flow.client_id,
        "client_secret": flow.client_secret,
        **given,
    }
    sent = {name: value for name, value in data.items() if value is not None}
    headers = {"DPoP": holder.proof("POST", TOKEN_URL)}
    answer = flow.browser.post("/oauth/token", data=sent, headers=headers)
    if answer.json and answer.json.get("error") == "use_dpop_nonce":
        holder.nonce = answer.headers["DPoP-Nonce"]
        headers = {"DPoP": holder.proof("POST", TOKEN_URL)}
        answer = flow.browser.post("/oauth/token", data=sent, headers=headers)
    return answer


def exchange(flow: Flow, holder: KeyHolder, **changes: str | None) -> TestResponse:
    return post(
        flow,
        holder,
        grant_type="authorization_code",
        code=flow.code(**changes),
        redirect_uri=CALLBACK,
        code_verifier=VERIFIER,
    )


def bound(flow: Flow, holder: KeyHolder) -> dict[str, Any]:
    answer = exchange(flow, holder)
    assert answer.status_code == 200, answer.text
    return dict(answer.json or {})


def use(flow: Flow, token: str, proof: str | None, scheme: str = "DPoP") -> TestResponse:
    headers = {"Authorization": f"{scheme} {token}"}
    if proof is not None:
        headers["DPoP"] = proof
    return flow.browser.application.test_client().get("/api/tasks/list", headers=headers)


@requirement(
    "rfc9700:sender-constrained",
    "rfc9449:the-type-is-dpop",
    "rfc9449:resources-want-the-proof",
    "rfc9449:not-as-a-bearer",
    "rfc9449:the-keys-are-the-same",
    "rfc9449:one-use-jti",
)
def test_a_bound_token_is_good_with_its_key_alone(flow: Flow) -> None:
    holder, thief = KeyHolder(), KeyHolder()
    body = bound(flow, holder)
    token = body["access_token"]
    assert body["token_type"] == "DPoP"
    good = holder.proof("GET", API_URL, token=token)
    assert use(flow, token, good).status_code == 200
    for proof, scheme in (
        (good, "DPoP"),  # a replay
        (None, "DPoP"),
        (None, "Bearer"),
        (holder.proof("GET", API_URL, token=token), "Bearer"),
        (thief.proof("GET", API_URL, token=token), "DPoP"),
        (holder.proof("POST", API_URL, token=token), "DPoP"),
        (holder.proof("GET", API_URL + "x", token=token), "DPoP"),
        (holder.proof("GET", API_URL, token="another"), "DPoP"),
        (holder.proof("GET", API_URL), "DPoP"),
    ):
        refused = use(flow, token, proof, scheme)
        assert refused.status_code == 401
        assert refused.headers["WWW-Authenticate"].startswith("DPoP algs=")


def test_an_unbound_token_cannot_be_presented_as_bound(flow: Flow) -> None:
    token = flow.tokens()["access_token"]
    assert use(flow, token, KeyHolder().proof("GET", API_URL, token=token)).status_code == 401
    assert use(flow, token, None, "Bearer").status_code == 200


@requirement("rfc9449:the-nonce-matches", "rfc9449:no-way-round-the-nonce")
def test_a_proof_without_our_nonce_is_asked_for_one(flow: Flow) -> None:
    data = {"client_id": flow.client_id, "client_secret": flow.client_secret or ""}
    given = {**data, "grant_type": "client_credentials"}
    for nonce in (None, "made up"):
        holder = KeyHolder(nonce=nonce)
        headers = {"DPoP": holder.proof("POST", TOKEN_URL)}
        answer = flow.browser.post("/oauth/token", data=given, headers=headers)
        assert answer.status_code == 400
        assert (answer.json or {})["error"] == "use_dpop_nonce"
        assert answer.headers["DPoP-Nonce"]
    with db.engine.connect() as connection:
        assert not connection.exec_driver_sql("SELECT count(*) FROM access_token").scalar_one()


@requirement("rfc9449:refresh-tokens-are-bound")
def test_the_refresh_token_of_a_public_client_is_bound_to_its_key(
    another: Callable[..., Flow],
) -> None:
    public, holder = another(kind="public"), KeyHolder()
    body = bound(public, holder)
    asked = {"grant_type": "refresh_token", "refresh_token": body["refresh_token"]}
    assert public.token(**asked).status_code == 400
    assert post(public, KeyHolder(), **asked).status_code == 400
    renewed = post(public, holder, **asked)
    assert renewed.status_code == 200, renewed.text
    assert (renewed.json or {})["token_type"] == "DPoP"


@requirement("rfc9449:bound-clients-prove")
def test_a_client_registered_for_bound_tokens_gets_no_others(flow: Flow) -> None:
    change("UPDATE client SET dpop_bound_access_tokens = 1")
    refused = flow.exchange(flow.code())
    assert (refused.json or {})["error"] == "invalid_dpop_proof"
    assert exchange(flow, KeyHolder()).status_code == 200


@requirement("rfc9449:codes-are-bound")
def test_a_code_may_be_bound_to_a_key_from_the_start(flow: Flow) -> None:
    holder = KeyHolder()
    assert exchange(flow, KeyHolder(), dpop_jkt=holder.jkt).status_code == 400
    assert exchange(flow, holder, dpop_jkt=holder.jkt).status_code == 200


NOW = int(time.time())
OTHER = ECKey.generate_key("P-256")


@requirement(
    "rfc9449:required-claims",
    "rfc9449:typed",
    "rfc9449:signed-by-its-own-key",
    "rfc9449:no-private-key",
    "rfc9449:method-and-url",
    "rfc9449:the-token-is-hashed",
)
@pytest.mark.parametrize(
    "changes",
    [
        {"typ": "JWT"},
        {"jwk": OTHER.as_dict(private=False)},
        {"jwk": OTHER.as_dict(private=True)},
        {"jwk": OctKey.generate_key(256).as_dict(private=True)},
        {"jwk": {"kty": "EC"}},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 201},
        {"jti": 7},
        {"htm": "PUT"},
        {"htm": None},
        {"htu": "https://elsewhere.example/oauth/token"},
        {"htu": "http://["},
        {"iat": NOW - 3600},
        {"iat": NOW + 3600},
        {"iat": "now"},
        {"iat": None},
        {"ath": None},
    ],
)
def test_a_bad_proof_is_refused(flow: Flow, changes: dict[str, Any]) -> None:
    holder, proofs = KeyHolder(), Proofs(db.engine, "of the tests")
    proof = holder.proof("POST", TOKEN_URL, token="token", **changes)
    with pytest.raises(InvalidDpopProof):
        proofs.jkt_of_use(Proof([proof], "POST", TOKEN_URL), "token")


@requirement("rfc9449:a-well-formed-proof")
@pytest.mark.parametrize("jwt", ["", "x", "a.b.c", "é", "." * 9000, "e30.e30.", "\x00"])
def test_what_is_no_jwt_is_no_proof(flow: Flow, jwt: str) -> None:
    proofs = Proofs(db.engine, "of the tests")
    for jwts in ([jwt], [], [jwt, jwt]):
        with pytest.raises(InvalidDpopProof):
            proofs.jkt_of_use(Proof(jwts, "POST", TOKEN_URL), "token")


@requirement("rfc9449:urls-are-normalized")
def test_a_proof_for_the_same_url_in_other_letters_is_good(flow: Flow) -> None:
    holder, proofs = KeyHolder(), Proofs(db.engine, "of the tests")
    proof = holder.proof("POST", TOKEN_URL.replace("http", "HTTP") + "?a=b#c", token="token")
    assert proofs.jkt_of_use(Proof([proof], "POST", TOKEN_URL), "token") == holder.jkt


@requirement("rfc9449:nonces-cannot-be-predicted")
def test_a_nonce_is_good_for_some_minutes(flow: Flow) -> None:
    def at(moment: float) -> Proofs:
        return Proofs(db.engine, "of the tests", now=lambda: moment)

    nonce = at(1000).nonce()
    assert at(1290)._is_ours(nonce)
    assert not at(2000)._is_ours(nonce)
    assert not Proofs(db.engine, "another secret", now=lambda: 1000.0)._is_ours(nonce)
