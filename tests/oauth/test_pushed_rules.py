"""What RFC 9126 asks of a server that requests are pushed to, held against its answers."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from app.oauth.assertion import TYPE
from app.oauth.authorization import PREFIX
from tests.conftest import change
from tests.oauth.conftest import ISSUER, Flow, answer_of, sign_in
from tests.oauth.test_assertion import METADATA, signed
from tests.oauth.test_client_credentials import refusal
from tests.oauth.test_pushed import follow, push, pushed
from tests.oauth.test_registration import register
from tests.requirements import requirement

PAR_URL = ISSUER + "/oauth/par"


@requirement("rfc9126:in-the-metadata")
def test_the_metadata_say_where_requests_are_pushed(flow: Flow) -> None:
    metadata = flow.browser.get("/.well-known/oauth-authorization-server").json or {}
    assert metadata["pushed_authorization_request_endpoint"] == PAR_URL
    # A client need not push, and what it pushes counts whatever is said of other references.
    assert not metadata.get("require_pushed_authorization_requests", False)
    assert metadata["request_uri_parameter_supported"] is False
    assert follow(flow, pushed(flow)).status_code == 200


@requirement("rfc9126:answered-with-201", "rfc9126:references-cannot-be-guessed")
def test_the_answer_is_a_reference_that_nobody_guesses(flow: Flow) -> None:
    references = set()
    for _ in range(10):
        answer = push(flow)
        assert (answer.status_code, answer.mimetype) == (201, "application/json")
        assert answer.headers["Cache-Control"] == "no-store"
        body = answer.json
        assert body is not None
        assert body.keys() == {"request_uri", "expires_in"}
        assert type(body["expires_in"]) is int
        assert body["expires_in"] > 0
        assert re.fullmatch(re.escape(PREFIX) + r"[A-Za-z0-9_-]{43}", body["request_uri"])
        references.add(body["request_uri"])
    assert len(references) == 10


@requirement("rfc9126:clients-prove-themselves")
def test_who_pushes_proves_itself_as_at_the_token_endpoint(
    flow: Flow, another: Callable[..., Flow]
) -> None:
    secret, public = flow.client_secret, another(kind="public")
    assert secret
    answers = []
    for client, shown in ((flow, None), (flow, "lk_cs_wrong"), (public, secret)):
        client.client_secret = shown
        answers.append(push(client))
    flow.client_id, flow.client_secret = "unknown", secret
    answers.append(push(flow))
    for answer in answers:
        assert (answer.status_code, (answer.json or {})["error"]) == (401, "invalid_client")
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


@requirement("rfc9126:three-audiences", "rfc9126:clients-prove-themselves")
@pytest.mark.parametrize("audience", [ISSUER, ISSUER + "/oauth/token", PAR_URL])
def test_an_assertion_may_be_for_the_endpoint_that_it_is_shown_to(
    app: Flask, audience: str
) -> None:
    client_id = register(app.test_client(), METADATA)["client_id"]
    flow = Flow(sign_in(app.test_client(), "ada"), client_id, None)
    flow.asked = {
        "client_assertion": signed(client_id, aud=audience),
        "client_assertion_type": TYPE,
    }
    answer = push(flow)
    assert answer.status_code == 201, answer.text
    again = push(flow)
    assert (again.status_code, (again.json or {})["error"]) == (401, "invalid_client")


@requirement("rfc9126:no-reference-is-pushed")
@pytest.mark.parametrize("reference", ["https://elsewhere.example/request.jwt", PREFIX + "x"])
def test_a_reference_to_a_request_is_not_pushed(flow: Flow, reference: str) -> None:
    assert refusal(push(flow, request_uri=reference)) == "invalid_request"
    assert refusal(push(flow, request_uri=pushed(flow))) == "invalid_request"


@requirement("rfc9126:validated-again", "rfc9126:todays-policy-counts")
def test_what_the_client_may_no_more_is_refused_though_it_was_pushed(flow: Flow) -> None:
    request_uri = pushed(flow, scope="tasks:view tasks:edit")
    change("UPDATE client SET scopes = 'tasks:view'")
    answer = answer_of(follow(flow, request_uri))
    assert (answer["error"], answer["state"]) == ("invalid_scope", "a state & more")
    change("UPDATE client SET scopes = 'tasks:view tasks:edit'")
    change("UPDATE client SET grant_types = '[\"client_credentials\"]'")
    assert answer_of(follow(flow, request_uri))["error"] == "unauthorized_client"


@requirement("rfc9126:validated-again", "rfc9126:todays-policy-counts")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE client SET redirect_uris = '[\"https://elsewhere.example/\"]'",
        "UPDATE client SET revoked_at = 1",
    ],
)
def test_where_the_client_has_changed_the_browser_goes_nowhere(flow: Flow, statement: str) -> None:
    request_uri = pushed(flow)
    change(statement)
    answer = follow(flow, request_uri)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@requirement("rfc9126:validated-again")
def test_a_resource_that_is_gone_is_refused_though_it_was_pushed(flow: Flow) -> None:
    resource = "https://warehouse.example/v1"
    change(
        "INSERT INTO resource_server (identifier, name, created_at) VALUES (:it, 'Other', 1)",
        it=resource,
    )
    request_uri = pushed(flow, resource=resource)
    change("DELETE FROM resource_server")
    assert answer_of(follow(flow, request_uri))["error"] == "invalid_target"
