"""What the server and its resources say about themselves (RFC 8414, RFC 9728, RFC 9207)."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from app.core.scopes import BASIC, THIRD_PARTY
from tests.conftest import change
from tests.oauth.conftest import ISSUER, Flow, answer_of
from tests.requirements import requirement

SERVER = "/.well-known/oauth-authorization-server"
RESOURCE = "/.well-known/oauth-protected-resource"
DOCUMENTS = [SERVER, "/.well-known/openid-configuration"]
RESOURCES = ["", "/api", "/mcp", "/mcp/", "/sse"]


def read(browser: FlaskClient, path: str) -> dict[str, Any]:
    """Give the document at a well-known path, as any page may read it."""
    answer = browser.get(path)
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    return dict(answer.json or {})


def is_empty(value: object) -> bool:
    """Tell whether a member says nothing; false is something."""
    return value is None or value in ("", [], {})


@requirement(
    "rfc8414:required-members", "rfc8414:well-known", "rfc8414:json", "rfc8414:issuer-identical"
)
@pytest.mark.parametrize("path", DOCUMENTS)
def test_the_metadata_of_the_server_name_what_a_client_needs(
    browser: FlaskClient, path: str
) -> None:
    document = read(browser, path)
    assert document["issuer"] == ISSUER
    assert document["authorization_endpoint"] == ISSUER + "/oauth/authorize"
    assert document["token_endpoint"] == ISSUER + "/oauth/token"
    assert document["response_types_supported"] == ["code"]


@requirement("rfc8414:scopes-listed")
def test_the_scopes_that_a_third_party_may_ask_for_are_listed(browser: FlaskClient) -> None:
    document = read(browser, SERVER)
    assert document["scopes_supported"] == list(THIRD_PARTY)
    assert "offline_access" in document["scopes_supported"]
    assert "access:edit" not in document["scopes_supported"]


@requirement("rfc8414:signing-algorithms")
@pytest.mark.parametrize("endpoint", ["token", "revocation", "introspection"])
def test_where_a_client_may_sign_the_algorithms_are_listed(
    browser: FlaskClient, endpoint: str
) -> None:
    document = read(browser, SERVER)
    assert "private_key_jwt" in document[f"{endpoint}_endpoint_auth_methods_supported"]
    algorithms = document[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
    assert {"RS256", "ES256"} <= set(algorithms)
    assert "none" not in algorithms
    assert not [name for name in algorithms if name.startswith("HS")]


@requirement("rfc8414:nothing-empty", "rfc9728:nothing-empty")
@pytest.mark.parametrize("is_open", [True, False])
def test_no_member_is_empty(browser: FlaskClient, *, is_open: bool) -> None:
    if not is_open:
        change("INSERT INTO switch (name, is_on) VALUES ('registration', 0)")
    for path in (*DOCUMENTS, *(RESOURCE + path for path in RESOURCES)):
        document = read(browser, path)
        assert not [name for name, value in document.items() if is_empty(value)]


def endpoints(document: dict[str, Any]) -> dict[str, str]:
    """Give each address that the metadata name, without the issuer."""
    named = {name: value for name, value in document.items() if name.endswith("_endpoint")}
    named["jwks_uri"] = document["jwks_uri"]
    assert all(url.startswith(ISSUER + "/") for url in named.values())
    return {name: url.removeprefix(ISSUER) for name, url in named.items()}


@requirement("rfc8414:required-members")
def test_each_endpoint_of_the_metadata_is_there(browser: FlaskClient) -> None:
    named = endpoints(read(browser, SERVER))
    assert len(named) >= 10
    for path in named.values():
        statuses = [browser.get(path).status_code, browser.post(path).status_code]
        assert 404 not in statuses, path
        assert statuses != [405, 405], path


@requirement(
    "rfc9728:resource-named",
    "rfc9728:well-known",
    "rfc9728:json",
    "rfc9728:resource-identical",
    "rfc9728:scopes-listed",
    "rfc9728:name-given",
)
@pytest.mark.parametrize("path", RESOURCES)
def test_the_metadata_of_a_resource_say_what_it_is(browser: FlaskClient, path: str) -> None:
    document = read(browser, RESOURCE + path)
    assert document["resource"] == ISSUER + path
    assert document["authorization_servers"] == [ISSUER]
    assert document["scopes_supported"] == list(BASIC)
    assert document["resource_name"] == "Latchkey"
    assert document["bearer_methods_supported"] == ["header"]


@requirement("rfc9728:challenge-leads-there", "rfc9728:resource-identical")
def test_the_challenge_of_the_api_leads_to_its_metadata(browser: FlaskClient) -> None:
    challenge = browser.get("/api/tasks/list").headers["WWW-Authenticate"]
    url = challenge.split('resource_metadata="')[1].split('"')[0]
    document = read(browser, url.removeprefix(ISSUER))
    assert document["resource"] == ISSUER + "/api"
    assert read(browser, SERVER)["issuer"] in document["authorization_servers"]


@requirement("rfc9207:iss-with-a-code", "rfc9207:iss-is-the-issuer", "mcp:iss-in-answers")
def test_the_answer_with_a_code_says_who_it_is_from(flow: Flow) -> None:
    issuer = read(flow.browser, SERVER)["issuer"]
    allowed = answer_of(flow.decide(flow.authorize()))
    assert (allowed["iss"], "code" in allowed) == (issuer, True)
    remembered = answer_of(flow.authorize())
    assert (remembered["iss"], "code" in remembered) == (issuer, True)


@requirement("rfc9207:iss-with-an-error", "rfc9207:iss-is-the-issuer", "mcp:iss-in-answers")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
        ({"code_challenge": None}, "invalid_request"),
        ({"request": "e30.e30."}, "request_not_supported"),
        ({"prompt": "none"}, "consent_required"),
        ({}, "access_denied"),
    ],
)
def test_each_error_says_who_it_is_from(
    flow: Flow, changes: dict[str, str | None], error: str
) -> None:
    response = flow.authorize(**changes)
    answer = answer_of(response if changes else flow.decide(response, "deny"))
    assert answer["error"] == error
    assert answer["iss"] == read(flow.browser, SERVER)["issuer"]


@requirement("rfc9207:iss-with-an-error")
def test_an_error_that_only_the_person_passes_on_says_it_too(flow: Flow) -> None:
    uri = "https://app.example/cb"
    made = flow.browser.post("/oauth/register", json={"redirect_uris": [uri]}).get_json()
    page = flow.authorize(client_id=made["client_id"], redirect_uri=uri, response_type="token")
    link = page.text.split(f'href="{uri}?')[1].split('"')[0]
    assert "&amp;iss=http%3A%2F%2F127.0.0.1%3A8000" in link


@requirement("rfc9207:iss-announced", "mcp:iss-announced")
@pytest.mark.parametrize("path", DOCUMENTS)
def test_the_metadata_say_that_answers_name_the_issuer(browser: FlaskClient, path: str) -> None:
    assert read(browser, path)["authorization_response_iss_parameter_supported"] is True
