"""oauth4webapi from npm, which checks each answer to the letter of its RFC."""

import pytest
from joserfc.jws import extract_compact

from tests.clients.conftest import Journey, Person

METHODS = ["client_secret_basic", "client_secret_post", "none"]
TOKENS = ("access_token", "refresh_token", "id_token")


@pytest.mark.parametrize("alg", ["ES256", "RS256"])
@pytest.mark.parametrize("method", METHODS)
def test_a_code_becomes_tokens_that_are_used_renewed_and_revoked(
    journey: Journey, site: str, method: str, alg: str
) -> None:
    found = journey("oauth4webapi/code.mjs", method=method, alg=alg)
    first, second, claims = found["first"], found["second"], found["claims"]
    client_id = found["client"]["client_id"]
    assert (claims["iss"], claims["aud"]) == (site, client_id)
    assert extract_compact(first["id_token"].encode()).headers()["alg"] == alg
    assert found["userinfo"]["sub"] == claims["sub"]
    assert found["userinfo"]["email"] == "ada@example.com"
    assert found["statuses"] == [200, 200]
    assert [first[name] for name in TOKENS if first[name] == second[name]] == []
    assert found["again"] == second
    assert found["refused"] == {
        "otherIssuer": "OAUTH_INVALID_RESPONSE",
        "noIssuer": "OAUTH_INVALID_RESPONSE",
        "otherState": "OAUTH_INVALID_RESPONSE",
        "otherVerifier": "invalid_grant",
        "apiAfterRevocation": "invalid_token",
        "firstAfterRevocation": "invalid_token",
        "refreshAfterRevocation": "invalid_grant",
    }
    if method == "none":
        assert found["introspected"] == "401 basic"
    else:
        assert found["introspected"]["active"] is True
        assert found["introspected"]["scope"] == first["scope"]
        assert found["ended"] == {"active": False}


def test_what_comes_a_second_time_ends_what_it_had_opened(journey: Journey) -> None:
    assert journey("oauth4webapi/theft.mjs") == {
        "alive": 200,
        "codeUsedTwice": "invalid_grant",
        "apiAfterReplay": "invalid_token",
        "oldRefreshToken": "invalid_grant",
        "apiAfterReuse": "invalid_token",
        "newestAfterReuse": "invalid_grant",
    }


@pytest.mark.parametrize("alg", ["ES256", "Ed25519"])
def test_a_client_proves_itself_by_its_key(journey: Journey, alg: str) -> None:
    found = journey("oauth4webapi/keys.mjs", alg=alg)
    assert found.pop("introspected")["active"] is True
    assert found == {
        "byImpostor": "401 basic",
        "alive": 200,
        "apiAfterRevocation": "invalid_token",
        "refreshed": 200,
    }


@pytest.mark.parametrize("alg", ["ES256", "Ed25519"])
def test_a_bound_token_is_good_with_its_key_alone(journey: Journey, alg: str) -> None:
    found = journey("oauth4webapi/dpop.mjs", alg=alg)
    first, second = found["first"], found["second"]
    assert first["token_type"] == second["token_type"] == "dpop"
    assert first["refresh_token"] != second["refresh_token"]
    assert found["userinfo"] == {"sub": "1"}
    assert found["statuses"] == [200, 200]
    assert found["refused"] == {
        "codeWithAnotherKey": "invalid_grant",
        "codeWithoutKey": "invalid_grant",
        "apiAsBearer": "invalid_token",
        "apiWithAnotherKey": "invalid_token",
        "userinfoAsBearer": "invalid_token",
        "refreshWithAnotherKey": "invalid_grant",
        "refreshWithoutKey": "invalid_grant",
    }


def test_a_device_gets_its_tokens_once_and_not_before_its_person_has_decided(
    journey: Journey, site: str, ada: Person
) -> None:
    known = ada.register()
    found = journey("oauth4webapi/device.mjs", **known)
    assert found["pending"] == "authorization_pending"
    assert found["tooSoon"] == "slow_down"
    assert found["tokens"]["scope"] == "openid profile:view"
    assert (found["claims"]["iss"], found["claims"]["aud"]) == (site, known["client_id"])
    assert (found["alive"], found["refreshed"]) == (200, 200)
    assert found["usedTwice"] == "invalid_grant"


def test_a_client_acts_for_itself(journey: Journey, site: str, ada: Person) -> None:
    known = ada.register()
    found = journey("oauth4webapi/itself.mjs", **known)
    assert "refresh_token" not in found["tokens"]
    assert found["introspected"]["aud"] == f"{site}/api"
    assert found["introspected"]["sub"] == known["client_id"]
    assert found["alive"] == 200
    assert found["refused"] == {
        "wrongSecret": "401 basic",
        "introspectionByImpostor": "401 basic",
        "widerScope": "invalid_scope",
        "foreignResource": "invalid_target",
        "apiBeyondScope": "insufficient_scope",
    }
    assert found["ended"] == {"active": False}
    assert found["apiAfterRevocation"] == "invalid_token"
