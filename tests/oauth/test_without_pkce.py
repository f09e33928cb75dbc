"""A confidential client that an admin exempts from PKCE (RFC 9700 §2.1.1)."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.core.errors import InvalidInput
from tests.conftest import Call, Person, change
from tests.oauth.conftest import CHALLENGE, VERIFIER, Flow, answer_of
from tests.oauth.test_client_credentials import refusal
from tests.oauth.test_client_rules import rules
from tests.oauth.test_openid_rules import verified
from tests.oauth.test_pushed import push
from tests.requirements import requirement

NO_CHALLENGE = {"code_challenge": None, "code_challenge_method": None}
ASKED: dict[str, str | None] = {**NO_CHALLENGE, "scope": "openid tasks:view", "nonce": "n-1"}


@pytest.fixture
def exempt(flow: Flow, call: Call, person: Person) -> Flow:
    """Return Ada's client, which an admin has exempted."""
    call("client_rules.set", person("grace"), rules(flow, is_pkce_exempt=True))
    return flow


@requirement("rfc9700:nonce-in-place-of-pkce")
def test_an_exempt_client_sends_a_nonce_and_finds_it_in_the_id_token(exempt: Flow) -> None:
    code = exempt.code(**ASKED)
    body = exempt.exchange(code, code_verifier=None).get_json()
    assert verified(exempt, body["id_token"]).claims["nonce"] == "n-1"
    assert exempt.refresh(body["refresh_token"]).status_code == 200


@requirement("rfc9700:nonce-in-place-of-pkce")
@pytest.mark.parametrize(
    "changes",
    [{"nonce": None}, {"nonce": ""}, {"scope": "tasks:view"}, {"scope": None}],
)
def test_neither_pkce_nor_a_nonce_is_no_request(
    exempt: Flow, changes: dict[str, str | None]
) -> None:
    told = answer_of(exempt.authorize(**{**ASKED, **changes}))
    assert told["error"] == "invalid_request"
    assert "PKCE or an OpenID Connect nonce is required" in told["error_description"]
    assert refusal(push(exempt, **{**ASKED, **changes})) == "invalid_request"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
    ],
)
def test_half_a_challenge_is_still_refused(exempt: Flow, changes: dict[str, str | None]) -> None:
    told = answer_of(exempt.authorize(scope="openid", nonce="n", **changes))
    assert (told["error"], "PKCE" in told["error_description"]) == ("invalid_request", True)


@requirement("rfc9700:no-pkce-downgrade")
def test_a_challenge_that_an_exempt_client_sends_binds_its_code(exempt: Flow) -> None:
    code = exempt.code(scope="openid", nonce="n", code_challenge=CHALLENGE)
    assert refusal(exempt.exchange(code, code_verifier=None)) == "invalid_request"
    assert refusal(exempt.exchange(code, code_verifier=VERIFIER + "x")) == "invalid_grant"
    assert exempt.exchange(code).status_code == 200


@requirement("rfc9700:no-pkce-downgrade")
def test_a_verifier_for_a_code_without_a_challenge_is_refused(exempt: Flow) -> None:
    code = exempt.code(**ASKED)
    assert refusal(exempt.exchange(code)) == "invalid_grant"
    assert refusal(exempt.exchange(code, code_verifier="x")) == "invalid_grant"
    assert exempt.exchange(code, code_verifier=None).status_code == 200


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE client SET is_pkce_exempt = FALSE",
        "UPDATE client SET is_public = TRUE, token_endpoint_auth_method = 'none'",
        "UPDATE client SET source = 'registration'",
        "UPDATE token_family SET scopes = 'tasks:view'",
        "UPDATE authorization_code SET nonce = NULL",
    ],
)
def test_a_code_without_a_challenge_is_lost_when_the_exemption_no_longer_holds(
    exempt: Flow, statement: str
) -> None:
    code = exempt.code(**ASKED)
    change(statement)
    secret = None if "is_public" in statement else exempt.client_secret
    answer = exempt.exchange(code, code_verifier=None, client_secret=secret)
    assert refusal(answer) == "invalid_grant"


@requirement("rfc9700:nonce-in-place-of-pkce")
def test_no_admin_exempts_a_public_client_or_one_that_registered_itself(
    flow: Flow, another: Callable[..., Flow], call: Call, person: Person
) -> None:
    public = another(kind="public")
    for client in (public, flow):
        change("UPDATE client SET source = 'registration' WHERE NOT is_public")
        with pytest.raises(InvalidInput) as refused:
            call("client_rules.set", person("grace"), rules(client, is_pkce_exempt=True))
        assert list(refused.value.fields) == ["is_pkce_exempt"]
    # Whatever stands in the row.
    change("UPDATE client SET is_pkce_exempt = TRUE")
    for client in (public, flow):
        told: dict[str, Any] = answer_of(client.authorize(**ASKED))
        assert (told["error"], "PKCE is required" in told["error_description"]) == (
            "invalid_request",
            True,
        )


def test_the_exemption_is_off_by_default_and_saved_on_its_page(
    app: Flask, flow: Flow, call: Call, person: Person
) -> None:
    found = {"client_id": flow.client_id}
    assert call("client_rules.get", person("grace"), found).is_pkce_exempt is False
    assert answer_of(flow.authorize(**ASKED))["error"] == "invalid_request"
    call("client_rules.set", person("grace"), rules(flow, is_pkce_exempt=True))
    assert call("oauth_clients.get", person("grace"), found).is_pkce_exempt is True
    call("client_rules.set", person("grace"), rules(flow))
    assert call("client_rules.get", person("grace"), found).is_pkce_exempt is False
