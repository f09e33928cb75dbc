"""What RFC 7591 and RFC 7592 ask of a server, held against the answers to the letter."""

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from joserfc.jwk import ECKey

from app.core import credentials
from app.core.credentials import Prefix
from app.extensions import db
from tests.conftest import change
from tests.oauth.conftest import CALLBACK, ISSUER, Flow, sign_in
from tests.oauth.test_code_flow import api
from tests.oauth.test_registration import CONFIDENTIAL, PUBLIC, clients, manage, register
from tests.requirements import requirement

HOME = "https://app.example/home"
BYE = "https://app.example/bye"
WHOLE: dict[str, Any] = {
    "client_name": "Whole",
    "client_uri": HOME,
    "redirect_uris": [CALLBACK, "https://app.example/callback"],
    "post_logout_redirect_uris": [BYE],
    "grant_types": ["authorization_code", "refresh_token"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "client_secret_post",
    "id_token_signed_response_alg": "ES256",
    "dpop_bound_access_tokens": True,
}
# What a client says when it says nothing.
DEFAULTS = {
    "grant_types": ["authorization_code"],
    "response_types": ["code"],
    "token_endpoint_auth_method": "client_secret_basic",
    "id_token_signed_response_alg": "RS256",
    "dpop_bound_access_tokens": False,
}
METHODS = ("GET", "PUT", "DELETE")


@pytest.fixture
def program(app: Flask) -> FlaskClient:
    return app.test_client()


def place_of(made: dict[str, Any]) -> str:
    """Give the path of the URL where a registration is managed."""
    return str(made["registration_client_uri"]).removeprefix(ISSUER)


@requirement("rfc7591:json-is-posted", "rfc7591:open-to-all")
def test_anybody_registers_with_a_json_object_by_post(program: FlaskClient) -> None:
    made = program.post("/oauth/register", json=CONFIDENTIAL)
    assert (made.status_code, made.mimetype) == (201, "application/json")
    assert made.headers["Cache-Control"] == "no-store"
    body, json_type = json.dumps(CONFIDENTIAL), "application/json; charset=utf-8"
    assert program.post("/oauth/register", data=body, content_type=json_type).status_code == 201
    for content_type in ("application/x-www-form-urlencoded", "text/plain", "text/json", ""):
        refused = program.post("/oauth/register", data=body, content_type=content_type)
        assert (refused.status_code, refused.mimetype) == (400, "application/json")
        assert (refused.json or {})["error"] == "invalid_client_metadata"
    assert program.get("/oauth/register").status_code == 405
    assert clients() == 2


@requirement("rfc7591:all-metadata-come-back", "rfc7591:unknown-members-are-ignored")
def test_the_answer_holds_what_was_registered_and_nothing_else(program: FlaskClient) -> None:
    said = WHOLE | {
        "software_id": "4NRB1",
        "client_name#fr": "Entier",
        "contacts": ["a@b.example"],
    }
    made = register(program, said)
    assert {name: made[name] for name in WHOLE} == WHOLE
    assert made.keys() - WHOLE.keys() == {
        "client_id",
        "client_id_issued_at",
        "client_secret",
        "client_secret_expires_at",
        "registration_access_token",
        "registration_client_uri",
        "scope",
    }


@requirement("rfc7591:all-metadata-come-back")
def test_the_answer_holds_what_the_server_chose(program: FlaskClient) -> None:
    made = register(program, {"redirect_uris": [CALLBACK]})
    assert {name: made[name] for name in DEFAULTS} == DEFAULTS
    assert made["client_name"] == "127.0.0.1:9999"
    with db.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT scopes, created_at FROM client ORDER BY id DESC")
        scope, issued_at = kept.first() or ("", 0)
    # Without the grant refresh_token it is told nothing of a refresh token.
    assert (made["scope"], made["client_id_issued_at"]) == (
        scope.replace("offline_access ", ""),
        issued_at,
    )
    assert "tasks:view" in scope.split()


@requirement("rfc7591:all-metadata-come-back")
def test_the_answer_holds_a_clients_keys(program: FlaskClient) -> None:
    keys = {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}
    signer = CONFIDENTIAL | {"token_endpoint_auth_method": "private_key_jwt", "jwks": keys}
    made = register(program, signer)
    assert made["jwks"] == keys
    assert "jwks_uri" not in made
    assert "client_secret" not in made


@requirement("rfc7591:one-client-a-secret", "rfc7591:one-client-an-id")
def test_no_two_clients_share_an_id_or_a_secret(program: FlaskClient) -> None:
    made = [register(program, CONFIDENTIAL) for _ in range(5)]
    made += [register(program, PUBLIC), register(program, PUBLIC | {"client_name": "Other"})]
    assert len({client["client_id"] for client in made}) == len(made)
    secrets = [client["client_secret"] for client in made if "client_secret" in client]
    assert len(set(secrets)) == len(secrets) == 5
    for secret in secrets:
        assert credentials.is_well_formed(secret, Prefix.CLIENT_SECRET)


@requirement("rfc7591:a-secret-says-when-it-ends")
@pytest.mark.parametrize(
    ("method", "has_secret"),
    [("client_secret_basic", True), ("client_secret_post", True), ("none", False)],
)
def test_beside_a_secret_stands_when_it_expires(
    program: FlaskClient, method: str, *, has_secret: bool
) -> None:
    made = register(program, CONFIDENTIAL | {"token_endpoint_auth_method": method})
    assert ("client_secret" in made) == has_secret
    assert made.get("client_secret_expires_at") == (0 if has_secret else None)


@requirement("rfc7591:a-refusal-names-its-error")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"redirect_uris": ["https://app.example/é"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["ftp://app.example/"]}, "invalid_redirect_uri"),
        ({"grant_types": ["implicit"]}, "invalid_client_metadata"),
        ({"client_name": 'quo"te\u0007é'}, "invalid_client_metadata"),
    ],
)
def test_a_refusal_is_a_400_that_names_its_error(
    program: FlaskClient, changes: dict[str, Any], error: str
) -> None:
    refused = program.post("/oauth/register", json=CONFIDENTIAL | changes)
    assert (refused.status_code, refused.mimetype) == (400, "application/json")
    assert "no-store" in refused.headers["Cache-Control"]
    assert refused.json is not None
    assert refused.json["error"] == error
    # RFC 6749 §5.2 tells which characters it may hold.
    assert re.fullmatch(r"[ !#-\[\]-~]+", refused.json["error_description"])
    assert clients() == 0


@requirement("rfc7591:redirect-uris-are-required", "rfc7591:grants-and-responses-agree")
@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"client_name": "Nowhere"}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": [CALLBACK], "response_types": []}, "invalid_client_metadata"),
        ({"redirect_uris": [CALLBACK], "response_types": ["id_token"]}, "invalid_client_metadata"),
    ],
)
def test_who_wants_codes_says_so_and_where_to(
    program: FlaskClient, metadata: dict[str, Any], error: str
) -> None:
    for grants in (["authorization_code"], ["authorization_code", "refresh_token"]):
        assert register(program, metadata | {"grant_types": grants}, 400)["error"] == error
    assert clients() == 0


@requirement("rfc7591:metadata-are-self-asserted", "rfc7591:shown-urls-lead-nowhere")
def test_what_a_client_says_of_its_home_is_no_link(app: Flask, program: FlaskClient) -> None:
    callback = "https://app.example/callback"
    bank = {"client_name": "Bank", "client_uri": HOME, "redirect_uris": [callback]}
    made = register(program, PUBLIC | bank)
    flow = Flow(sign_in(app.test_client(), "ada"), made["client_id"], None, callback)
    page = flow.authorize().text
    assert HOME in page
    assert not re.findall(rf'(?:href|src|action)="[^"]*{re.escape(HOME)}', page)
    assert "nobody has checked who made it" in page
    assert "Not verified" in page


@requirement("rfc7592:the-answer-says-how-to-manage")
@pytest.mark.parametrize("metadata", [CONFIDENTIAL, PUBLIC])
def test_each_answer_says_how_to_manage(program: FlaskClient, metadata: dict[str, Any]) -> None:
    made = register(program, metadata)
    said = metadata | {"client_id": made["client_id"]}
    answers = [
        made,
        manage(program, "GET", made).json,
        manage(program, "PUT", made, json=said).json,
    ]
    for answer in answers:
        assert answer is not None
        assert answer["registration_client_uri"] == f"{ISSUER}/oauth/register/{made['client_id']}"
        headers = {"Authorization": f"Bearer {answer['registration_access_token']}"}
        read = program.get(place_of(answer), headers=headers)
        assert (read.status_code, read.mimetype) == (200, "application/json")
        assert read.headers["Cache-Control"] == "no-store"


@requirement("rfc7592:reading-gives-all", "rfc7592:the-client-id-stays")
def test_a_client_reads_all_that_it_registered(program: FlaskClient) -> None:
    made = register(program, WHOLE)
    read = manage(program, "GET", made).json
    secret = {"client_secret", "client_secret_expires_at"}
    assert read == {name: value for name, value in made.items() if name not in secret}
    assert {name: read[name] for name in WHOLE} == WHOLE


@requirement(
    "rfc7592:values-are-replaced",
    "rfc7592:omitted-values-are-deleted",
    "rfc7592:the-client-id-stays",
)
def test_an_update_leaves_nothing_of_before(app: Flask, program: FlaskClient) -> None:
    made = register(program, WHOLE)
    new = "https://app.example/new"
    said = {"client_id": made["client_id"], "redirect_uris": [new]}
    changed = manage(program, "PUT", made, json=said)
    assert changed.status_code == 200, changed.text
    read = manage(program, "GET", made).json
    assert read == changed.json
    assert read is not None
    assert read["client_id"] == made["client_id"]
    assert read["redirect_uris"] == [new]
    assert {name: read[name] for name in DEFAULTS} == DEFAULTS
    assert not read.keys() & {"client_uri", "post_logout_redirect_uris"}
    assert (read["client_name"], len(read["scope"].split()) > 2) == ("app.example", True)
    flow = Flow(sign_in(app.test_client(), "ada"), made["client_id"], None)
    assert flow.authorize(redirect_uri=CALLBACK).status_code == 400
    assert flow.authorize(redirect_uri=new).status_code == 200


@requirement("rfc7592:replaced-values-come-back")
def test_an_update_says_what_was_registered_instead(program: FlaskClient) -> None:
    made = register(program, CONFIDENTIAL)
    asked = {
        "scope": "tasks:view access:edit x",
        "grant_types": ["authorization_code", "password"],
    }
    said = CONFIDENTIAL | {"client_id": made["client_id"]} | asked
    changed = manage(program, "PUT", made, json=said).json
    assert changed is not None
    assert changed["grant_types"] == ["authorization_code"]
    with db.engine.connect() as connection:
        kept = "SELECT default_scopes FROM client WHERE source = 'registration'"
        assert changed["scope"] == connection.exec_driver_sql(kept).scalar_one()
    assert {"access:edit", "x"}.isdisjoint(changed["scope"].split())
    assert manage(program, "GET", made).json == changed


@requirement("rfc7592:an-update-names-its-client", "rfc7592:a-secret-is-not-chosen")
@pytest.mark.parametrize(
    "changes", [{"client_id": None}, {"client_id": "x"}, {"client_id": 7}, {"client_secret": "x"}]
)
def test_an_update_is_the_clients_own_and_chooses_no_secret(
    app: Flask, program: FlaskClient, changes: dict[str, Any]
) -> None:
    made = register(program, CONFIDENTIAL)
    said = CONFIDENTIAL | {"client_id": made["client_id"], "client_name": "New"} | changes
    sent = {name: value for name, value in said.items() if value is not None}
    refused = manage(program, "PUT", made, json=sent)
    assert (refused.status_code, refused.mimetype) == (400, "application/json")
    assert (refused.json or {})["error"] == "invalid_client_metadata"
    assert (manage(program, "GET", made).json or {})["client_name"] == "Claude"
    asked = {"grant_type": "refresh_token", "refresh_token": "x"}
    for secret, status in (("x", 401), (made["client_secret"], 400)):
        auth = (made["client_id"], secret)
        assert program.post("/oauth/token", auth=auth, data=asked).status_code == status


def test_an_update_may_name_the_secret_that_the_client_has(program: FlaskClient) -> None:
    made = register(program, CONFIDENTIAL)
    own = {"client_id": made["client_id"], "client_secret": made["client_secret"]}
    changed = manage(program, "PUT", made, json=CONFIDENTIAL | own)
    assert changed.status_code == 200, changed.text
    asked = {"grant_type": "refresh_token", "refresh_token": "x"}
    auth = (made["client_id"], made["client_secret"])
    assert program.post("/oauth/token", auth=auth, data=asked).status_code == 400


# What a client says of a member that it leaves out; a form of its own sends an empty text.
OMITTED = {
    "client_name": "",
    "scope": "",
    "client_uri": "",
    "jwks_uri": "",
    "token_endpoint_auth_method": "",
    "id_token_signed_response_alg": "",
    "post_logout_redirect_uris": "",
}


def test_an_empty_member_counts_as_left_out(program: FlaskClient) -> None:
    made = register(program, {"redirect_uris": [CALLBACK], **OMITTED})
    assert {name: made[name] for name in DEFAULTS} == DEFAULTS
    assert not made.keys() & {"client_uri", "jwks_uri", "post_logout_redirect_uris"}
    said = {"client_id": made["client_id"], "redirect_uris": [CALLBACK], "client_secret": ""}
    changed = manage(program, "PUT", made, json=said | OMITTED)
    assert changed.status_code == 200, changed.text
    assert changed.json == manage(program, "GET", made).json


@pytest.mark.parametrize("member", ["client_name", "scope", "post_logout_redirect_uris"])
@pytest.mark.parametrize("omitted", [None, ""])
def test_a_null_member_counts_as_left_out(
    program: FlaskClient, member: str, omitted: str | None
) -> None:
    nothing = {member: omitted}
    made = register(program, CONFIDENTIAL | nothing)
    grants = {"grant_types": WHOLE["grant_types"]}
    without = {name: value for name, value in CONFIDENTIAL.items() if name != member} | grants
    said = WHOLE | {"client_id": made["client_id"]}
    assert manage(program, "PUT", made, json=said).status_code == 200
    changed = manage(program, "PUT", made, json=said | nothing).json or {}
    assert changed.get(member) == register(program, without).get(member)


@requirement("rfc7592:other-methods-are-refused")
@pytest.mark.parametrize("method", ["POST", "PATCH", "TRACE"])
def test_another_method_is_told_the_right_ones(program: FlaskClient, method: str) -> None:
    made = register(program, CONFIDENTIAL)
    refused = manage(program, method, made, json=CONFIDENTIAL)
    assert refused.status_code == 405
    assert set(METHODS) <= set(re.split(r", ?", refused.headers["Allow"]))
    assert method not in refused.headers["Allow"]
    assert manage(program, "GET", made).status_code == 200


@requirement("rfc7592:the-token-is-checked", "rfc7592:an-unknown-client-is-a-401")
@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_token_and_an_unknown_client_are_the_same_401(
    program: FlaskClient, method: str
) -> None:
    made, other = register(program, CONFIDENTIAL), register(program, CONFIDENTIAL)
    unknown = made | {"client_id": "0" * 32}
    answers = [
        manage(program, method, made, token=other["registration_access_token"], json=CONFIDENTIAL),
        manage(program, method, made, token="lk_reg_x", json=CONFIDENTIAL),
        manage(program, method, made, token=made["client_secret"], json=CONFIDENTIAL),
        manage(program, method, unknown, json=CONFIDENTIAL),
    ]
    for answer in answers:
        assert (answer.status_code, answer.mimetype) == (401, "application/json")
        assert (answer.json or {})["error"] == "invalid_token"
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert {answer.text for answer in answers} == {answers[0].text}
    assert manage(program, "GET", made).status_code == 200


@requirement("rfc7592:tokens-go-with-their-client", "rfc7592:deleted-is-a-204")
def test_with_a_client_goes_all_that_people_allowed_it(app: Flask, program: FlaskClient) -> None:
    made = register(program, WHOLE | {"dpop_bound_access_tokens": False})
    flow = Flow(sign_in(app.test_client(), "ada"), made["client_id"], made["client_secret"])
    flow.asked = {"scope": "tasks:view"}
    body, code = flow.tokens(), flow.code()
    assert api(flow, body["access_token"]) == 200
    removed = manage(program, "DELETE", made)
    assert (removed.status_code, removed.data) == (204, b"")
    assert api(flow, body["access_token"]) == 401
    for answer in (flow.refresh(body["refresh_token"]), flow.exchange(code)):
        assert (answer.status_code, (answer.json or {})["error"]) == (401, "invalid_client")
    refused = flow.authorize()
    assert refused.status_code == 400
    assert "Location" not in refused.headers
    with db.engine.connect() as connection:
        for table in ("oauth_grant", "token_family", "access_token", "refresh_token"):
            assert not connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar_one()


@requirement("rfc7592:the-token-ends-with-its-client")
@pytest.mark.parametrize("end", ["removed", "revoked"])
def test_the_token_of_a_client_that_is_gone_is_a_wrong_one(program: FlaskClient, end: str) -> None:
    made = register(program, CONFIDENTIAL)
    if end == "removed":
        manage(program, "DELETE", made)
    else:
        change("UPDATE client SET revoked_at = 1 WHERE source = 'registration'")
    for method in METHODS:
        answer = manage(program, method, made, json=CONFIDENTIAL)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


@requirement("rfc7592:the-token-does-not-expire")
def test_the_token_counts_for_as_long_as_the_client(app: Flask, program: FlaskClient) -> None:
    made = register(program, CONFIDENTIAL)
    flow = Flow(sign_in(app.test_client(), "ada"), made["client_id"], made["client_secret"])
    flow.code()
    years = 20 * 366 * 24 * 3600
    change("UPDATE client SET created_at = created_at - :years", years=years)
    change("UPDATE oauth_grant SET created_at = created_at - :years", years=years)
    app.test_cli_runner().invoke(args=["purge"])
    assert manage(program, "GET", made).status_code == 200


@requirement("rfc7592:the-token-cannot-be-guessed")
def test_the_token_is_random_and_only_its_hash_is_kept(program: FlaskClient) -> None:
    made = [register(program, CONFIDENTIAL)["registration_access_token"] for _ in range(5)]
    assert len(set(made)) == 5
    with db.engine.connect() as connection:
        kept = connection.exec_driver_sql("SELECT * FROM client").all()
    digests = {value for row in kept for value in row if isinstance(value, bytes)}
    for token in made:
        assert credentials.is_well_formed(token, Prefix.REGISTRATION_TOKEN)
        assert token not in str(kept)
        assert credentials.digest(token) in digests
