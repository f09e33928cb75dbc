"""Proof Key for Code Exchange (RFC 7636), where no other test asks for it."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from urllib.parse import unquote

import pytest

from tests.oauth.conftest import CALLBACK, CHALLENGE, ISSUER, VERIFIER, Flow, answer_of
from tests.oauth.test_rfc6749 import is_refused
from tests.requirements import requirement

Another = Callable[..., Flow]
OTHER = "another-verifier-of-at-least-forty-three-characters"


def challenge_of(verifier: str) -> str:
    """Give the S256 challenge of a verifier (RFC 7636 §4.2)."""
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@requirement(
    "rfc7636:challenge-required",
    "rfc7636:s256-only",
    "rfc8252:pkce-for-native-apps",
    "rfc9700:pkce-of-all",
    "rfc9700:no-pkce-downgrade",
)
@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge": ""},
        {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
        # Without a method it would be plain (§4.3).
        {"code_challenge": VERIFIER, "code_challenge_method": None},
        {"code_challenge_method": "s256"},
        {"code_challenge_method": "S512"},
    ],
)
def test_there_is_no_code_without_an_s256_challenge(
    another: Another, changes: dict[str, str | None]
) -> None:
    for kind in ("public", "confidential"):
        response = another(kind=kind).authorize(**changes)
        assert response.headers["Location"].startswith(CALLBACK + "?")
        answer = answer_of(response)
        assert answer["error"] == "invalid_request"
        assert "PKCE is required" in answer["error_description"]
        assert (answer["state"], answer["iss"]) == ("a state & more", ISSUER)
        assert "code" not in answer


@requirement(
    "rfc7636:s256-supported",
    "rfc7636:challenge-bound-to-its-code",
    "rfc7636:verifier-compared",
    "rfc9700:verifier-enforced",
)
@pytest.mark.parametrize("kind", ["public", "confidential"])
def test_a_code_takes_the_verifier_of_its_own_request(another: Another, kind: str) -> None:
    flow = another(kind=kind)
    assert challenge_of(VERIFIER) == CHALLENGE
    one, other = flow.code(), flow.code(code_challenge=challenge_of(OTHER))
    for verifier in (OTHER, CHALLENGE, VERIFIER[:-1], VERIFIER.upper(), "short"):
        assert is_refused(flow.exchange(one, code_verifier=verifier), 400, "invalid_grant")
    assert is_refused(flow.exchange(one, code_verifier=None), 400, "invalid_request")
    assert is_refused(flow.exchange(other, code_verifier=VERIFIER), 400, "invalid_grant")
    assert flow.exchange(one, code_verifier=VERIFIER).status_code == 200
    assert flow.exchange(other, code_verifier=OTHER).status_code == 200


@requirement("rfc7636:challenge-not-given-away")
def test_the_answer_to_the_client_holds_no_challenge(flow: Flow) -> None:
    page = flow.authorize()
    form = page.text.split('action="/oauth/consent"')[1].split("</form>")[0]
    assert CHALLENGE not in form
    location = flow.decide(page).headers["Location"]
    assert CHALLENGE not in unquote(location)
    assert CHALLENGE not in flow.exchange(flow.code()).text
