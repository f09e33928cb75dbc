"""Clients that register themselves, are recognised, and manage what they said."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.extensions import db
from tests.conftest import change
from tests.oauth.conftest import CALLBACK, Flow, sign_in
from tests.requirements import requirement

PUBLIC = {
    "client_name": "Cursor",
    "redirect_uris": [CALLBACK, "cursor://anysphere.cursor-mcp/oauth/callback"],
    "token_endpoint_auth_method": "none",
    "grant_types": ["authorization_code", "refresh_token"],
}
CONFIDENTIAL = {"client_name": "Claude", "redirect_uris": [CALLBACK]}


@pytest.fixture
def program(app: Flask) -> FlaskClient:
    return app.test_client()


def register(program: FlaskClient, metadata: dict[str, Any], status: int = 201) -> dict[str, Any]:
    answer = program.post("/oauth/register", json=metadata)
    assert answer.status_code == status, answer.text
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "null" not in answer.text
    return dict(answer.json or {})


def manage(
    program: FlaskClient, method: str, made: dict[str, Any], **options: Any
) -> TestResponse:
    token = options.pop("token", made.get("registration_access_token"))
    return program.open(
        f"/oauth/register/{made['client_id']}",
        method=method,
        headers={"Authorization": f"Bearer {token}"},
        **options,
    )


def clients() -> int:
    with db.engine.connect() as connection:
        query = "SELECT count(*) FROM client WHERE source = 'registration'"
        return int(connection.exec_driver_sql(query).scalar_one())


@requirement("rfc7591:unknown-members-are-ignored", "rfc7591:one-client-an-id")
def test_public_clients_that_say_the_same_are_the_same_client(program: FlaskClient) -> None:
    first = register(program, PUBLIC)
    second = register(program, dict(reversed(PUBLIC.items())) | {"software_version": "2"})
    assert first["client_id"] == second["client_id"]
    assert clients() == 1
    assert register(program, PUBLIC | {"client_name": "Other"})["client_id"] != first["client_id"]


def test_what_others_rely_on_nobody_manages(program: FlaskClient) -> None:
    first = register(program, PUBLIC)
    assert first["registration_access_token"].startswith("lk_reg_")
    assert manage(program, "GET", first).status_code == 200
    assert "registration_access_token" not in register(program, PUBLIC)
    for method in ("GET", "PUT", "DELETE"):
        assert manage(program, method, first, json=PUBLIC).status_code == 401


@requirement("rfc7591:one-client-a-secret", "rfc7591:a-secret-says-when-it-ends")
def test_confidential_clients_are_each_their_own(program: FlaskClient) -> None:
    first, second = register(program, CONFIDENTIAL), register(program, CONFIDENTIAL)
    assert first["client_id"] != second["client_id"]
    assert first["client_secret"] != second["client_secret"]
    assert first["client_secret_expires_at"] == 0


def test_a_revoked_client_is_not_found_again(program: FlaskClient) -> None:
    first = register(program, PUBLIC)
    change("UPDATE client SET revoked_at = 1 WHERE source = 'registration'")
    second = register(program, PUBLIC)
    assert second["client_id"] != first["client_id"]
    assert register(program, PUBLIC)["client_id"] == second["client_id"]


@requirement("rfc7592:deleted-is-a-204", "rfc7592:the-token-ends-with-its-client")
def test_a_client_reads_changes_and_removes_its_registration(program: FlaskClient) -> None:
    made = register(program, CONFIDENTIAL)
    read = manage(program, "GET", made).json
    assert read is not None
    assert "client_secret" not in read
    assert read["registration_access_token"] == made["registration_access_token"]
    said = CONFIDENTIAL | {"client_id": made["client_id"], "client_name": "Claudia"}
    changed = manage(program, "PUT", made, json=said | {"scope": "tasks:view"}).json
    assert changed is not None
    assert (changed["client_name"], changed["scope"]) == ("Claudia", "tasks:view")
    assert manage(program, "DELETE", made).status_code == 204
    assert manage(program, "GET", made).status_code == 401
    assert clients() == 0


@requirement("rfc7592:an-update-names-its-client", "rfc7592:a-secret-is-not-chosen")
@pytest.mark.parametrize(
    "said",
    [
        CONFIDENTIAL,
        CONFIDENTIAL | {"client_id": "another"},
        CONFIDENTIAL | {"client_secret": "chosen"},
        CONFIDENTIAL | {"token_endpoint_auth_method": "none"},
        CONFIDENTIAL | {"redirect_uris": ["javascript:alert(1)"]},
        [1],
        None,
    ],
)
def test_what_cannot_take_its_place_leaves_it_as_it_is(program: FlaskClient, said: Any) -> None:
    made = register(program, CONFIDENTIAL)
    if isinstance(said, dict) and "client_secret" in said:
        said = said | {"client_id": made["client_id"]}
    refused = manage(program, "PUT", made, json=said)
    assert refused.status_code == 400
    read = manage(program, "GET", made).json
    assert read is not None
    assert read["client_name"] == "Claude"


@requirement("rfc7592:the-token-is-checked")
def test_anothers_token_opens_nothing(program: FlaskClient) -> None:
    made, other = register(program, CONFIDENTIAL), register(program, CONFIDENTIAL)
    for token in (other["registration_access_token"], "", "x", "lk_reg_" + "x" * 49):
        answer = manage(program, "GET", made, token=token)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    unknown = manage(program, "GET", {"client_id": "nobody"}, token="x")
    assert unknown.status_code == 401


@requirement("rfc7591:grants-and-responses-agree")
def test_a_device_needs_no_redirect_uri(program: FlaskClient) -> None:
    device = "urn:ietf:params:oauth:grant-type:device_code"
    made = register(program, {"client_name": "TV", "grant_types": [device]})
    assert made["grant_types"] == [device]
    assert made["response_types"] == []


def test_a_client_of_nobody_cannot_act_for_itself(program: FlaskClient) -> None:
    asked = CONFIDENTIAL | {"grant_types": ["authorization_code", "client_credentials"]}
    assert register(program, asked)["grant_types"] == ["authorization_code"]
    alone = CONFIDENTIAL | {"grant_types": ["client_credentials"]}
    assert register(program, alone, 400)["error"] == "invalid_client_metadata"


def test_the_scopes_that_it_names_are_its_default_and_no_bound(app: Flask) -> None:
    browser = sign_in(app.test_client(), "grace")
    made = register(app.test_client(), PUBLIC | {"scope": "tasks:view"})
    flow = Flow(browser, made["client_id"], None, redirect_uri=PUBLIC["redirect_uris"][0])
    assert flow.tokens(scope=None)["scope"] == "tasks:view"
    # Step-up: what the client is told that it lacks, it can ask for.
    page = flow.authorize(scope="tasks:view projects:view")
    assert 'name="scope" value="projects:view" checked' in page.text
    assert "You have allowed it already" in page.text


def test_a_registration_gets_the_scopes_that_it_may_have(program: FlaskClient) -> None:
    made = register(program, CONFIDENTIAL | {"scope": "tasks:view access:edit nonsense"})
    assert made["scope"] == "tasks:view"


@requirement("rfc7591:a-refusal-names-its-error")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("grant_types", "authorization_code"),
        ("grant_types", []),
        ("client_uri", "javascript:alert(1)"),
        ("client_uri", 7),
        ("id_token_signed_response_alg", "none"),
        ("id_token_signed_response_alg", "HS256"),
        ("dpop_bound_access_tokens", "yes"),
        ("post_logout_redirect_uris", ["javascript:alert(1)"]),
        ("token_endpoint_auth_method", "tls_client_auth"),
        ("response_types", ["token"]),
        ("client_name", {"a": 1}),
        ("scope", ["tasks:view"]),
    ],
)
def test_a_member_that_will_not_do_is_named(
    program: FlaskClient, member: str, value: object
) -> None:
    refused = register(program, CONFIDENTIAL | {member: value}, 400)
    assert refused["error"] == "invalid_client_metadata"
    assert member in refused["error_description"]
    assert clients() == 0


@requirement("rfc7591:open-to-all")
def test_an_admin_can_close_registration_and_manage_goes_on(
    app: Flask, program: FlaskClient
) -> None:
    made = register(program, CONFIDENTIAL)
    change("INSERT INTO switch (name, is_on) VALUES ('registration', 0)")
    assert register(program, CONFIDENTIAL, 403)["error"] == "access_denied"
    metadata = program.get("/.well-known/oauth-authorization-server").json
    assert metadata is not None
    assert "registration_endpoint" not in metadata
    assert manage(program, "GET", made).status_code == 200


@requirement("rfc7591:redirect-uris-are-taken")
def test_a_registered_client_takes_its_person_through(app: Flask, program: FlaskClient) -> None:
    made = register(program, PUBLIC)
    flow = Flow(sign_in(app.test_client(), "ada"), made["client_id"], None)
    assert flow.tokens()["refresh_token"]


def test_redirect_uris_that_will_not_do_are_left_out_and_the_others_registered(
    app: Flask, program: FlaskClient
) -> None:
    kept = [CALLBACK, "kiro://kiro.agent/callback"]
    said = PUBLIC | {
        "redirect_uris": ["http://app.example/", *kept, "javascript:alert(1)", "", "a b:"],
        "post_logout_redirect_uris": ["data:text/html,x", "https://app.example/bye"],
    }
    made = register(program, said)
    assert made["redirect_uris"] == kept
    assert made["post_logout_redirect_uris"] == ["https://app.example/bye"]
    flow = Flow(sign_in(app.test_client(), "ada"), made["client_id"], None)
    assert flow.authorize(redirect_uri="http://app.example/").status_code == 400
    assert flow.authorize(redirect_uri=kept[1]).status_code == 200
    own = said | {"client_id": made["client_id"], "client_name": "New"}
    changed = manage(program, "PUT", made, json=own).json or {}
    assert changed["redirect_uris"] == kept
    refused = register(program, PUBLIC | {"redirect_uris": ["tel:1", "javascript:1"]}, 400)
    assert refused["error"] == "invalid_redirect_uri"
    assert "tel:" in refused["error_description"]


def test_without_the_refresh_grant_nobody_is_told_of_offline_access(
    app: Flask, program: FlaskClient
) -> None:
    offline = "tasks:view offline_access"
    made = register(
        program, CONFIDENTIAL | {"scope": offline, "token_endpoint_auth_method": "none"}
    )
    assert (made["grant_types"], made["scope"]) == (["authorization_code"], "tasks:view")
    flow = Flow(sign_in(app.test_client(), "ada"), made["client_id"], None)
    page = flow.authorize(scope=offline)
    assert ">offline_access<" not in page.text
    assert "Its access ends after 1 hour." in page.text
    body = flow.exchange(flow.code(scope=offline)).json or {}
    assert body["scope"] == "tasks:view"
    assert "refresh_token" not in body
    # With the grant it is told, and gets one.
    both = register(program, PUBLIC | {"scope": offline})
    assert both["scope"] == "offline_access tasks:view"
    body = Flow(flow.browser, both["client_id"], None).tokens(scope=offline)
    assert (body["scope"], "refresh_token" in body) == ("offline_access tasks:view", True)


@requirement("rfc7591:a-refusal-names-its-error")
def test_who_wants_to_act_for_itself_is_told_where_apps_have_owners(
    app: Flask, program: FlaskClient
) -> None:
    page = "http://127.0.0.1:8000/settings/oauth-apps/new"
    alone = register(program, CONFIDENTIAL | {"grant_types": ["client_credentials"]}, 400)
    assert page in alone["error_description"]
    made = register(program, CONFIDENTIAL)
    form = {"grant_type": "client_credentials"}
    auth = (made["client_id"], made["client_secret"])
    refused = program.post("/oauth/token", data=form, auth=auth)
    assert (refused.json or {})["error"] == "unauthorized_client"
    assert page in (refused.json or {})["error_description"]
    shown = sign_in(app.test_client(), "ada").get(page.removeprefix("http://127.0.0.1:8000"))
    assert "Register" in shown.text
