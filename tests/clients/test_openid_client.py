"""openid-client from npm, as a Node application would use it: strict OpenID Connect."""

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
    found = journey("openid_client/code.mjs", method=method, alg=alg)
    first, second, claims = found["first"], found["second"], found["claims"]
    client_id = found["client"]["client_id"]
    assert found["client"]["token_endpoint_auth_method"] == method
    assert (claims["iss"], claims["aud"]) == (site, client_id)
    assert extract_compact(first["id_token"].encode()).headers()["alg"] == alg
    assert found["userinfo"] == {
        "sub": claims["sub"],
        "name": "Ada",
        "email": "ada@example.com",
        "email_verified": False,
    }
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
        assert found["introspected"]["client_id"] == client_id
        assert found["introspected"]["sub"] == claims["sub"]
        assert found["ended"] == {"active": False}


def test_what_comes_a_second_time_ends_what_it_had_opened(journey: Journey) -> None:
    assert journey("openid_client/theft.mjs") == {
        "alive": 200,
        "codeUsedTwice": "invalid_grant",
        "apiAfterReplay": "invalid_token",
        "oldRefreshToken": "invalid_grant",
        "apiAfterReuse": "invalid_token",
        "newestAfterReuse": "invalid_grant",
    }


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "Ed25519"])
def test_a_client_proves_itself_by_its_key(journey: Journey, alg: str) -> None:
    found = journey("openid_client/keys.mjs", alg=alg)
    introspected = found.pop("introspected")
    assert introspected["active"] is True
    sent = found.pop("sent")
    assert sent.pop("request_uri").startswith("urn:ietf:params:oauth:request_uri:")
    assert sent == {"client_id": introspected["client_id"]}
    assert found == {
        "byImpostor": "401 basic",
        "pushedTwice": 400,
        "alive": 200,
        "apiAfterRevocation": "invalid_token",
        "refreshed": 200,
    }


@pytest.mark.parametrize("alg", ["ES256", "RS256", "PS256", "Ed25519"])
def test_a_bound_token_is_good_with_its_key_alone(journey: Journey, alg: str) -> None:
    found = journey("openid_client/dpop.mjs", alg=alg)
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


def test_a_device_asks_until_its_person_has_decided(journey: Journey, site: str) -> None:
    found = journey("openid_client/device.mjs")
    assert found["started"]["verification_uri"] == f"{site}/oauth/device"
    assert found["tokens"]["scope"] == "openid profile:view"
    assert found["claims"]["iss"] == site
    assert found["statuses"] == [200, 200]


def test_a_client_acts_for_itself_and_for_less(journey: Journey, site: str, ada: Person) -> None:
    known = ada.register()
    found = journey("openid_client/itself.mjs", **known)
    assert "refresh_token" not in found["tokens"]
    assert found["introspected"]["aud"] == f"{site}/api"
    assert found["introspected"]["sub"] == known["client_id"]
    assert found["alive"] == 200
    assert found["narrowed"]["scope"] == "tasks:view"
    assert found["insufficient"] == "insufficient_scope"
    assert found["refused"] == {
        "wrongSecret": "401 basic",
        "widerScope": "invalid_scope",
        "foreignResource": "invalid_target",
    }
    assert found["ended"] == {"active": False}
    assert found["apiAfterRevocation"] == "invalid_token"
