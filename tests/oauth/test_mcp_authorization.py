"""What MCP 2026-07-28 asks of authorization, where no other test asks for it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import credentials, scopes
from app.core.credentials import Prefix
from app.oauth.fetching import Fetcher, NotFetched
from tests.conftest import change
from tests.mcp.conftest import Ask, asking, headers_of, message
from tests.oauth.conftest import ISSUER, Flow, sign_in
from tests.oauth.site import Site, serving
from tests.requirements import requirement

MCP = ISSUER + "/mcp"
METADATA = "/.well-known/oauth-protected-resource"
DISCOVERY = ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"]
OUTSIDE = "https://warehouse.example/v1"


@pytest.fixture
def ask(app: Flask) -> Iterator[Ask]:
    """Give a function that sends one request to the whole product."""
    with asking(app) as send:
        yield send


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a site whose document is that of a client."""
    with serving(tmp_path) as made:
        made.say()
        yield made


def call(ask: Ask, token: str | None) -> httpx2.Response:
    headers = headers_of(token or "")
    if token is None:
        del headers["Authorization"]
    return ask("POST", "/mcp", content=json.dumps(message("tools/list")), headers=headers)


def read(browser: FlaskClient, path: str) -> dict[str, Any]:
    answer = browser.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    return dict(answer.json or {})


@requirement("mcp:no-other-tokens", "mcp:invalid-is-401")
@pytest.mark.parametrize(
    "kind",
    ["refresh_token", "id_token", "code", "client_secret", "registration", "jwt", "unknown"],
)
def test_nothing_but_an_access_token_of_ours_is_accepted(flow: Flow, ask: Ask, kind: str) -> None:
    change(
        "INSERT INTO resource_server (identifier, name, created_at) VALUES (:it, 'Warehouse', 1)",
        it=OUTSIDE,
    )
    body = flow.tokens(scope="openid tasks:view")
    assert call(ask, body["access_token"]).status_code == 200
    shown = {
        "refresh_token": body["refresh_token"],
        "id_token": body["id_token"],
        "code": flow.code(),
        "client_secret": flow.client_secret or "",
        "registration": credentials.issue(Prefix.REGISTRATION_TOKEN),
        "jwt": flow.tokens(scope="tasks:view", resource=OUTSIDE)["access_token"],
        "unknown": credentials.issue(Prefix.ACCESS_TOKEN),
    }[kind]
    refused = call(ask, shown)
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
    assert f'resource_metadata="{ISSUER}{METADATA}/mcp"' in refused.headers["WWW-Authenticate"]
    assert shown not in refused.text


@requirement("mcp:audience-checked")
@pytest.mark.parametrize(
    ("resource", "status"),
    [(MCP, 200), (MCP + "/", 200), (ISSUER + "/sse", 200), (None, 200), (ISSUER + "/api", 401)],
)
def test_a_token_is_accepted_where_it_is_meant_for_this_server(
    flow: Flow, ask: Ask, resource: str | None, status: int
) -> None:
    token = flow.tokens(resource=resource)["access_token"]
    answer = call(ask, token)
    assert answer.status_code == status
    if status == 401:
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@requirement("mcp:invalid-is-401", "mcp:each-request-authorized")
def test_each_request_shows_a_token_that_counts(flow: Flow, ask: Ask) -> None:
    token = flow.tokens(resource=MCP)["access_token"]
    assert call(ask, token).status_code == 200
    assert call(ask, None).status_code == 401
    assert call(ask, token).status_code == 200
    change("UPDATE access_token SET expires_at = 1")
    expired = call(ask, token)
    assert expired.status_code == 401
    assert "expired" in expired.headers["WWW-Authenticate"]


@requirement("mcp:told-where", "mcp:resource-metadata", "mcp:server-metadata")
def test_a_client_that_knows_the_address_alone_finds_the_rest(ask: Ask) -> None:
    challenge = call(ask, None).headers["WWW-Authenticate"]
    told = challenge.split('resource_metadata="')[1].split('"')[0].removeprefix(ISSUER)
    assert told == METADATA + "/mcp"
    by_challenge = ask("GET", told).json()
    assert by_challenge["resource"] == MCP
    for path in (told, METADATA):
        (server,) = ask("GET", path).json()["authorization_servers"]
        for discovery in DISCOVERY:
            document = ask("GET", discovery).json()
            assert document["issuer"] == server == ISSUER
            assert document["token_endpoint"].startswith(server + "/")


@requirement("mcp:offline-access-not-asked-for", "mcp:scope-in-the-challenge")
def test_offline_access_is_the_servers_business_and_not_the_resources(
    browser: FlaskClient, ask: Ask
) -> None:
    challenge = call(ask, None).headers["WWW-Authenticate"]
    wanted = challenge.split('scope="')[1].split('"')[0].split()
    assert wanted == list(scopes.BASIC)
    for path in ("", "/mcp", "/sse", "/api"):
        assert "offline_access" not in read(browser, METADATA + path)["scopes_supported"]
    assert "offline_access" not in wanted
    assert "offline_access" in read(browser, DISCOVERY[0])["scopes_supported"]


@requirement("mcp:insufficient-scope", "mcp:all-scopes-at-once")
def test_a_call_beyond_its_scopes_is_told_how_to_get_further(flow: Flow, ask: Ask) -> None:
    token = flow.tokens(scope="profile:view", resource=MCP)["access_token"]
    content = json.dumps(message("tools/call", name="tasks_list", arguments={}))
    refused = ask("POST", "/mcp", content=content, headers=headers_of(token))
    assert refused.status_code == 403
    assert refused.headers["WWW-Authenticate"] == (
        'Bearer error="insufficient_scope", '
        'error_description="tasks_list needs tasks:view, which this credential lacks.", '
        f'scope="profile:view tasks:view", resource_metadata="{ISSUER}{METADATA}/mcp"'
    )
    wider = flow.tokens(scope="profile:view tasks:view", resource=MCP)["access_token"]
    assert ask("POST", "/mcp", content=content, headers=headers_of(wider)).status_code == 200


@requirement("mcp:pkce-announced", "rfc9700:pkce-announced")
@pytest.mark.parametrize("path", DISCOVERY)
def test_both_documents_say_that_pkce_is_supported(browser: FlaskClient, path: str) -> None:
    assert read(browser, path)["code_challenge_methods_supported"] == ["S256"]


@requirement("mcp:documents-taken")
def test_the_metadata_say_that_documents_are_taken_where_they_are(
    browser: FlaskClient,
) -> None:
    document = read(browser, DISCOVERY[0])
    assert document["client_id_metadata_document_supported"] is True
    # Clients look for both before they use a document.
    assert "none" in document["token_endpoint_auth_methods_supported"]
    change("INSERT INTO switch (name, is_on) VALUES ('registration', 0)")
    assert "client_id_metadata_document_supported" not in read(browser, DISCOVERY[0])


@requirement("mcp:document-whole")
@pytest.mark.parametrize("missing", ["client_id", "client_name", "redirect_uris"])
def test_a_document_without_a_required_member_is_refused(
    app: Flask, site: Site, missing: str
) -> None:
    site.may_be_read(app.extensions["fetcher"])
    flow = Flow(sign_in(app.test_client(), "ada"), site.url, None)
    site.say(**{missing: None})
    refused = flow.authorize()
    assert refused.status_code == 400
    assert "Location" not in refused.headers
    site.say()
    assert flow.authorize().status_code == 200


@requirement("mcp:no-request-forgery")
def test_no_certificate_opens_our_own_network(site: Site) -> None:
    with pytest.raises(NotFetched, match="is not on the public network"):
        Fetcher(trusted=site.trusted).document(site.url)
    assert site.asked == []
    allowed = Fetcher(trusted=site.trusted, is_private_allowed=True)
    assert allowed.document(site.url).members["client_id"] == site.url


@requirement("mcp:both-kinds-of-clients")
@pytest.mark.parametrize("method", ["none", "client_secret_post", "client_secret_basic"])
def test_public_and_confidential_clients_come_through(app: Flask, ask: Ask, method: str) -> None:
    uri = "http://localhost:33418/callback"
    given = {
        "redirect_uris": [uri],
        "token_endpoint_auth_method": method,
        "grant_types": ["authorization_code", "refresh_token"],
    }
    made = app.test_client().post("/oauth/register", json=given).get_json()
    assert ("client_secret" in made) == (method != "none")
    flow = Flow(sign_in(app.test_client(), "ada"), made["client_id"], None, redirect_uri=uri)
    asked = {"grant_type": "authorization_code", "code": flow.code(resource=MCP)}
    sent: dict[str, Any] = {"data": {**asked, "redirect_uri": uri, "resource": MCP}}
    sent["data"]["code_verifier"] = "a-verifier-of-at-least-forty-three-characters-0"
    if method == "client_secret_basic":
        sent["auth"] = (made["client_id"], made["client_secret"])
    else:
        sent["data"]["client_id"] = made["client_id"]
    if method == "client_secret_post":
        sent["data"]["client_secret"] = made["client_secret"]
    answer = app.test_client().post("/oauth/token", **sent)
    assert answer.status_code == 200, answer.text
    assert call(ask, answer.get_json()["access_token"]).status_code == 200
