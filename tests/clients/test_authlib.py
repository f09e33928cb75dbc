"""Authlib's client: each of its ways to prove itself, and each grant that it knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from app.oauth.device import GRANT_TYPE
from tests.clients.conftest import CALLBACK, Person, status_of

SCOPE = "openid profile email profile:view tasks:view"


@contextmanager
def client_of(site: str, known: dict[str, Any], **options: Any) -> Iterator[Any]:
    """Give a session of Authlib's, which finds the endpoints by the server's metadata."""
    metadata = requests.get(f"{site}/.well-known/openid-configuration", timeout=10).json()
    options = {"scope": SCOPE, "redirect_uri": CALLBACK, **metadata, **options}
    with OAuth2Session(
        known["client_id"], known.get("client_secret"), code_challenge_method="S256", **options
    ) as session:
        yield session


def tokens_of(client: Any, person: Person, **asked: str) -> dict[str, Any]:
    """Go through the code flow; the client compares state and, by its challenge, verifier."""
    verifier = generate_token(48)
    url, state = client.create_authorization_url(
        client.metadata["authorization_endpoint"], code_verifier=verifier, **asked
    )
    back = person.allow(url)
    with pytest.raises(OAuthError, match="invalid_grant"):
        client.fetch_token(
            authorization_response=back, state=state, code_verifier=generate_token(48)
        )
    return dict(
        client.fetch_token(authorization_response=back, state=state, code_verifier=verifier)
    )


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_a_code_becomes_tokens_that_are_used_renewed_and_revoked(
    site: str, ada: Person, method: str
) -> None:
    known = ada.register("public" if method == "none" else "confidential")
    methods = dict.fromkeys(
        ("token_endpoint_auth_method", "revocation_endpoint_auth_method"), method
    )
    with client_of(site, known, **methods) as client:
        first = tokens_of(client, ada)
        assert client.get(f"{site}/api/profile/get").json()["email"] == "ada@example.com"
        second = dict(client.refresh_token())
        for name in ("access_token", "refresh_token", "id_token"):
            assert first[name] != second[name]
        again = client.refresh_token(refresh_token=first["refresh_token"])
        assert again["refresh_token"] == second["refresh_token"]
        assert len(client.get(f"{site}/api/tasks/list").json()["items"]) == 20
        inspected = client.introspect_token(f"{site}/oauth/introspect", second["access_token"])
        if method == "none":
            assert inspected.status_code == 401
        else:
            assert inspected.json()["active"] is True
        revoked = client.revoke_token(f"{site}/oauth/revoke", second["refresh_token"])
        assert revoked.status_code == 200
        assert client.get(f"{site}/api/profile/get").status_code == 401
        assert status_of(site, first["access_token"]) == 401
        inspected = client.introspect_token(f"{site}/oauth/introspect", second["access_token"])
        if method != "none":
            assert inspected.json() == {"active": False}
        with pytest.raises(OAuthError, match="invalid_grant"):
            client.refresh_token()


def test_a_refresh_token_that_comes_late_ends_its_family(site: str, ada: Person) -> None:
    with client_of(site, ada.register()) as client:
        first = tokens_of(client, ada)
        client.refresh_token()
        third = client.refresh_token()
        assert client.get(f"{site}/api/profile/get").status_code == 200
        with pytest.raises(OAuthError, match="invalid_grant"):
            client.refresh_token(refresh_token=first["refresh_token"])
        assert status_of(site, third["access_token"]) == 401


def test_a_token_that_has_run_out_is_renewed_on_the_way(site: str, ada: Person) -> None:
    kept: list[str] = []

    def keep(token: dict[str, Any], **_before: str) -> None:
        kept.append(token["access_token"])

    with client_of(site, ada.register(), update_token=keep) as client:
        first = tokens_of(client, ada)
        client.token = {**first, "expires_at": 1}
        assert client.get(f"{site}/api/profile/get").status_code == 200
        assert kept == [client.token["access_token"]]
        assert kept != [first["access_token"]]


def test_an_id_token_says_who_signed_in_to_which_client(site: str, ada: Person) -> None:
    known = ada.register()
    with client_of(site, known) as client:
        token = tokens_of(client, ada, nonce="a nonce")
        keys = KeySet.import_key_set(requests.get(client.metadata["jwks_uri"], timeout=10).json())
        decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256", "ES256"])
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={"iss": {"values": [site]}, "aud": {"value": known["client_id"]}},
            params={
                "nonce": "a nonce",
                "client_id": known["client_id"],
                "access_token": token["access_token"],
            },
        )
        claims.validate(leeway=10)
        userinfo = client.get(client.metadata["userinfo_endpoint"]).json()
        assert userinfo["sub"] == claims["sub"]
        assert userinfo["name"] == "Ada"


@pytest.mark.parametrize(
    "key", [RSAKey.generate_key(), ECKey.generate_key()], ids=["RS256", "ES256"]
)
def test_a_client_proves_itself_by_its_key(site: str, ada: Person, key: RSAKey | ECKey) -> None:
    alg = "RS256" if isinstance(key, RSAKey) else "ES256"
    metadata = {
        "client_name": "By Authlib",
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [key.as_dict(private=False)]},
    }
    known = requests.post(f"{site}/oauth/register", json=metadata, timeout=10).json()
    methods = dict.fromkeys(
        ("token_endpoint_auth_method", "revocation_endpoint_auth_method"), "private_key_jwt"
    )
    with client_of(site, known, **methods) as client:
        client.client_secret = key
        client.register_client_auth_method(PrivateKeyJWT(f"{site}/oauth/token", alg=alg))
        token = tokens_of(client, ada)
        assert client.get(f"{site}/api/profile/get").status_code == 200
        assert client.refresh_token()["access_token"] != token["access_token"]
        client.revoke_token(f"{site}/oauth/revoke", token["access_token"])
        assert status_of(site, token["access_token"]) == 401
        client.client_secret = RSAKey.generate_key() if alg == "RS256" else ECKey.generate_key()
        with pytest.raises(OAuthError, match="invalid_client"):
            client.refresh_token()


def test_a_device_gets_its_tokens_when_its_person_has_decided(site: str, ada: Person) -> None:
    known = ada.register("public")
    with client_of(site, known) as client:
        asked = {"client_id": known["client_id"], "scope": "profile:view"}
        endpoint = client.metadata["device_authorization_endpoint"]
        waiting, refused, started = (
            client.post(endpoint, data=asked, withhold_token=True).json() for _ in range(3)
        )

        def poll(device: dict[str, str]) -> None:
            client.fetch_token(grant_type=GRANT_TYPE, device_code=device["device_code"])

        with pytest.raises(OAuthError, match="authorization_pending"):
            poll(waiting)
        ada.type_code(refused["user_code"], "deny")
        with pytest.raises(OAuthError, match="access_denied"):
            poll(refused)
        ada.type_code(started["user_code"])
        poll(started)
        assert client.token["scope"] == "profile:view"
        assert client.get(f"{site}/api/profile/get").status_code == 200
        assert client.get(f"{site}/api/tasks/list").status_code == 403


def test_a_client_acts_for_itself(site: str, ada: Person) -> None:
    known = ada.register()
    with client_of(site, known, scope="tasks:view", grant_type="client_credentials") as client:
        token = client.fetch_token()
        assert "refresh_token" not in token
        assert len(client.get(f"{site}/api/tasks/list").json()["items"]) == 20
        assert client.get(f"{site}/api/profile/get").status_code == 403
        inspected = client.introspect_token(f"{site}/oauth/introspect", token["access_token"])
        assert inspected.json()["sub"] == known["client_id"]
        client.token = {**token, "expires_at": 1}
        assert client.get(f"{site}/api/tasks/list").status_code == 200
        assert client.token["access_token"] != token["access_token"]
        client.revoke_token(f"{site}/oauth/revoke", client.token["access_token"])
        assert client.get(f"{site}/api/tasks/list").status_code == 401
        client.client_secret = "lk_cs_made-up"
        with pytest.raises(OAuthError, match="invalid_client"):
            client.fetch_token()
