"""Client authentication, revocation, registration, metadata, and odd input at all of them."""

from base64 import b64encode
from collections.abc import Callable
from typing import Any

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from tests.conftest import stop_the_minute
from tests.oauth.conftest import CALLBACK, ISSUER, Flow
from tests.oauth.test_code_flow import api
from tests.requirements import requirement

FORM = "application/x-www-form-urlencoded"


def basic(pair: bytes) -> str:
    return "Basic " + b64encode(pair).decode()


@requirement("rfc6749:failed-authentication")
@pytest.mark.parametrize("endpoint", ["/oauth/token", "/oauth/revoke"])
@pytest.mark.parametrize(
    "authorization",
    [
        basic(b"unknown:secret"),
        basic(b"\xff\xfe:\xff"),
        basic(b"no colon"),
        "Basic not base64!",
        "Basic",
        "Bearer lk_at_x",
        "Digest x",
    ],
)
def test_a_client_that_is_not_authenticated_gets_401(
    browser: FlaskClient, endpoint: str, authorization: str
) -> None:
    answer = browser.post(
        endpoint,
        headers={"Authorization": authorization},
        data={"grant_type": "refresh_token", "token": "x"},
    )
    assert answer.status_code == 401
    assert answer.json is not None
    assert answer.json["error"] == "invalid_client"
    assert answer.headers["WWW-Authenticate"].startswith("Basic realm=")


@requirement(
    "rfc6749:client-id-is-no-proof",
    "rfc6749:clients-authenticated",
    "rfc9700:clients-authenticated",
)
def test_a_confidential_client_cannot_pass_for_a_public_one(
    flow: Flow, another: Callable[..., Flow]
) -> None:
    code = flow.code()
    assert flow.exchange(code, client_secret=None).status_code == 401
    assert flow.exchange(code, client_secret="lk_cs_" + "x" * 49).status_code == 401
    assert flow.exchange(code, client_secret="pässwörd").status_code == 401
    public = another(kind="public")
    assert public.exchange(public.code(), client_secret=flow.client_secret).status_code == 401


@requirement("rfc6749:one-authentication")
def test_two_ways_of_authentication_are_refused(flow: Flow) -> None:
    assert flow.client_secret
    answer = flow.browser.post(
        "/oauth/token",
        auth=(flow.client_id, flow.client_secret),
        data={"grant_type": "refresh_token", "client_secret": flow.client_secret},
    )
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"] == "invalid_request"


@requirement("rfc6749:each-parameter-once", "rfc6749:input-checked")
@pytest.mark.parametrize("endpoint", ["/oauth/token", "/oauth/revoke"])
@pytest.mark.parametrize(
    ("query", "content_type", "body"),
    [
        ("grant_type=refresh_token", FORM, b""),
        ("", "application/json", b"{}"),
        ("", "multipart/form-data", b""),
        ("", "", b"grant_type=x"),
        ("", FORM, b"grant_type=x&grant_type=y"),
        ("", FORM, b"grant_type=%00"),
        ("", FORM, b"grant_type=%ff%fe"),
        ("", FORM, b"\xff\xfe"),
        ("", FORM, "code=ü".encode()),
        ("", FORM, b"&".join(b"p%d=1" % n for n in range(100))),
        ("", FORM, b"code=" + b"x" * 5000),
    ],
)
def test_odd_input_is_an_invalid_request(
    browser: FlaskClient, endpoint: str, query: str, content_type: str, body: bytes
) -> None:
    answer = browser.post(f"{endpoint}?{query}", data=body, content_type=content_type)
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"] == "invalid_request"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("endpoint", ["/oauth/token", "/oauth/revoke", "/oauth/register"])
def test_a_body_that_is_too_large_is_refused_as_json(browser: FlaskClient, endpoint: str) -> None:
    answer = browser.post(endpoint, data=b"x" * 70_000, content_type=FORM)
    assert answer.status_code == 413
    assert answer.json is not None
    assert answer.json["error"] == "invalid_request"
    assert browser.get(endpoint).status_code == 405


@requirement("rfc7009:refresh-tokens-revoked", "rfc7009:family-revoked")
def test_revoking_a_refresh_token_ends_its_family(flow: Flow) -> None:
    body = flow.tokens()
    other = flow.tokens()
    assert _revoke(flow, body["refresh_token"]) == 200
    assert api(flow, body["access_token"]) == 401
    assert api(flow, other["access_token"]) == 200


@requirement("rfc7009:access-tokens-revoked", "rfc7009:at-once")
def test_revoking_an_access_token_ends_it_alone(flow: Flow) -> None:
    body = flow.tokens()
    assert _revoke(flow, body["access_token"]) == 200
    assert api(flow, body["access_token"]) == 401
    assert flow.refresh(body["refresh_token"]).status_code == 200


@requirement("rfc7009:unknown-counts-as-revoked")
def test_an_unknown_token_counts_as_revoked(flow: Flow) -> None:
    assert _revoke(flow, "lk_at_unknown") == 200


@requirement("rfc7009:own-tokens-alone")
def test_another_clients_token_is_not_revoked(flow: Flow, another: Callable[..., Flow]) -> None:
    body = flow.tokens()
    stranger = another()
    assert _revoke(stranger, body["access_token"]) == 400
    assert _revoke(stranger, body["refresh_token"]) == 400
    assert api(flow, body["access_token"]) == 200


def _revoke(flow: Flow, token: str) -> int:
    return flow.browser.post(
        "/oauth/revoke",
        data={"client_id": flow.client_id, "client_secret": flow.client_secret, "token": token},
    ).status_code


def register(browser: FlaskClient, metadata: Any) -> tuple[int, dict[str, Any]]:
    answer = browser.post("/oauth/register", json=metadata)
    return answer.status_code, dict(answer.json or {})


@requirement(
    "rfc6749:no-secret-for-public",
    "rfc7591:redirect-uris-are-taken",
    "rfc7591:unknown-members-are-ignored",
)
def test_a_client_registers_itself_and_is_usable(flow: Flow) -> None:
    status, client = register(
        flow.browser,
        {
            "client_name": "Tool",
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "none",
            "grant_types": ["authorization_code", "refresh_token", "urn:unknown"],
            "scope": "tasks:view oauth-clients:edit nonsense",
            "software_id": "ignored",
            "contacts": None,
        },
    )
    assert status == 201
    assert client["scope"] == "tasks:view"
    assert client["grant_types"] == ["authorization_code", "refresh_token"]
    assert "client_secret" not in client
    assert None not in client.values()
    tool = Flow(flow.browser, client["client_id"], None, asked={"scope": "tasks:view"})
    assert api(flow, tool.tokens()["access_token"]) == 200


def test_a_registered_client_authenticates_only_as_it_said(flow: Flow) -> None:
    _, client = register(flow.browser, {"redirect_uris": [CALLBACK]})
    assert client["client_secret_expires_at"] == 0
    assert client["token_endpoint_auth_method"] == "client_secret_basic"
    tool = Flow(flow.browser, client["client_id"], client["client_secret"])
    assert tool.exchange(tool.code()).status_code == 401


@requirement("rfc9700:refresh-by-registration")
def test_without_the_refresh_grant_no_refresh_token_is_issued(flow: Flow) -> None:
    _, client = register(
        flow.browser, {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "none"}
    )
    tool = Flow(flow.browser, client["client_id"], None)
    assert "refresh_token" not in tool.tokens()


@requirement(
    "rfc6749:redirect-uri-absolute",
    "rfc8252:dangerous-scheme",
    "rfc9700:no-http-redirect",
    "rfc7591:redirect-uris-are-safe",
)
@pytest.mark.parametrize(
    ("uri", "named"),
    [
        ("javascript://x/%0aalert(1)", "javascript"),
        ("JaVaScRiPt:alert(1)", "JaVaScRiPt"),
        ("data:text/html,x", "data"),
        ("file:///etc/passwd", "file"),
        ("http://example.com/cb", "http://example.com/cb"),
        ("https://*.example.com/", "wildcard"),
        ("https://user@example.com/", "user information"),
        ("https://example.com/#x", "fragment"),
        ("https://example.com/\n", "character"),
        ("intent://x#Intent;end", "fragment"),
        ("view-source:https://x/", "view-source"),
        ("", "empty"),
        ("https://[::1", "redirect_uris"),
    ],
)
def test_a_bad_redirect_uri_names_itself(browser: FlaskClient, uri: str, named: str) -> None:
    status, error = register(browser, {"redirect_uris": [uri]})
    assert status == 400
    assert error["error"] == "invalid_redirect_uri"
    assert named in error["error_description"]


@requirement("rfc6749:redirect-uris-registered", "rfc7591:redirect-uris-are-required")
@pytest.mark.parametrize(
    "metadata",
    [
        [1],
        1,
        None,
        "text",
        {},
        {"redirect_uris": [1]},
        {"redirect_uris": "https://fine.example/"},
        {"redirect_uris": []},
        {"redirect_uris": [CALLBACK] * 3, "client_name": 1},
        {"redirect_uris": [CALLBACK], "client_name": "a\x00b"},
        {"redirect_uris": [CALLBACK], "client_name": "a\u202eb"},
        {"redirect_uris": [CALLBACK], "grant_types": ["password"]},
        {"redirect_uris": [CALLBACK], "response_types": ["token"]},
        {"redirect_uris": [CALLBACK], "token_endpoint_auth_method": "tls_client_auth"},
        {"redirect_uris": [f"https://fine.example/{n}" for n in range(11)]},
    ],
)
def test_odd_metadata_are_refused(browser: FlaskClient, metadata: Any) -> None:
    status, error = register(browser, metadata)
    assert status == 400
    assert error["error"] in {"invalid_client_metadata", "invalid_redirect_uri"}


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b"[" * 60_000, b'{"client_name":"\\ud800"}', b"NaN"]
)
def test_a_registration_that_is_not_json_is_refused(browser: FlaskClient, body: bytes) -> None:
    answer = browser.post("/oauth/register", data=body, content_type="application/json")
    assert answer.status_code == 400


def test_a_closed_server_registers_nobody(app: Flask) -> None:
    closed = create_app(
        app.extensions["settings"].model_copy(update={"registration": "closed"})
    ).test_client()
    status, error = register(closed, {"redirect_uris": [CALLBACK]})
    assert status == 403
    assert error["error"] == "access_denied"
    metadata = closed.get("/.well-known/oauth-authorization-server").json
    assert metadata is not None
    assert "registration_endpoint" not in metadata


def test_registration_is_rate_limited(app: Flask) -> None:
    limited = create_app(app.extensions["settings"].model_copy(update={"rate_limits": "on"}))
    stop_the_minute(limited)
    program = limited.test_client()
    answers = [program.post("/oauth/register", json={}) for _ in range(25)]
    assert answers[0].status_code == 400
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert answers[-1].json is not None


@requirement(
    "rfc9700:metadata-published",
    "rfc9700:pkce-announced",
    "mcp:server-metadata",
    "mcp:pkce-announced",
    "rfc9068:both-metadata-agree",
)
def test_the_servers_metadata_are_valid_and_the_issuer_is_exact(browser: FlaskClient) -> None:
    document = browser.get("/.well-known/oauth-authorization-server").json
    assert document is not None
    assert document == browser.get("/.well-known/openid-configuration").json
    assert document["issuer"] == ISSUER
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert document["authorization_response_iss_parameter_supported"] is True
    assert "oauth-clients:edit" not in document["scopes_supported"]
    AuthorizationServerMetadata(
        {**document, "issuer": "https://x.example"}
    ).validate_scopes_supported()


@requirement("mcp:resource-metadata")
@pytest.mark.parametrize("path", ["", "/mcp", "/sse", "/api"])
def test_each_resource_has_its_metadata(browser: FlaskClient, path: str) -> None:
    document = browser.get("/.well-known/oauth-protected-resource" + path).json
    assert document is not None
    assert document["resource"] == ISSUER + path
    assert document["authorization_servers"] == [ISSUER]
    assert "tasks:viewAll" not in document["scopes_supported"]


def test_an_unknown_resource_has_none(browser: FlaskClient) -> None:
    assert browser.get("/.well-known/oauth-protected-resource/other").status_code == 404
