"""Resources of others, and the switch of self-registration."""

from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.core.errors import Conflict, InvalidInput, NotFound
from tests.conftest import Call, Person, change
from tests.oauth.conftest import CALLBACK, Flow, answer_of
from tests.oauth.test_device import look_up, start
from tests.oauth.test_openid import claims_of

WAREHOUSE = {"identifier": "https://warehouse.example/v1", "name": "Warehouse"}


def test_tokens_are_issued_for_a_resource_while_it_is_there(
    flow: Flow, call: Call, person: Person
) -> None:
    grace, asked = person("grace"), {"resource": WAREHOUSE["identifier"]}
    assert answer_of(flow.authorize(**asked))["error"] == "invalid_target"
    made = call("resource_servers.add", grace, WAREHOUSE)
    assert flow.tokens(**asked)["access_token"].count(".") == 2
    assert [each.id for each in call("resource_servers.list", grace).items] == [made.id]
    removed = call("resource_servers.remove", grace, {"resource_id": made.id})
    assert removed.identifier == WAREHOUSE["identifier"]
    assert answer_of(flow.authorize(**asked))["error"] == "invalid_target"
    with pytest.raises(NotFound):
        call("resource_servers.remove", grace, {"resource_id": made.id})


def test_its_client_introspects_what_is_for_it(flow: Flow, call: Call, person: Person) -> None:
    given = {"name": "Warehouse", "redirect_uris": [CALLBACK]}
    guard = call("oauth_clients.create", person("grace"), given)
    call(
        "resource_servers.add",
        person("grace"),
        {**WAREHOUSE, "client_id": guard.client.client_id},
    )
    token = flow.tokens(resource=WAREHOUSE["identifier"])["access_token"]
    mine = Flow(flow.browser, guard.client.client_id, guard.client_secret)
    shown = {"client_id": mine.client_id, "client_secret": mine.client_secret, "token": token}
    answer = flow.browser.post("/oauth/introspect", data=shown).json
    assert answer is not None
    assert (answer["active"], answer["aud"]) == (True, WAREHOUSE["identifier"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"identifier": "http://warehouse.example/"}, "identifier"),
        ({"identifier": "https://warehouse.example/#x"}, "identifier"),
        ({"identifier": "https://user@warehouse.example/"}, "identifier"),
        ({"identifier": "HTTPS://warehouse.example/"}, "identifier"),
        ({"identifier": "https://"}, "identifier"),
        ({"identifier": "https://warehouse.example/" + "x" * 500}, "identifier"),
        ({"name": " "}, "name"),
        ({"client_id": "nosuch"}, "client_id"),
        ({"client_id": "latchkey-console"}, "client_id"),
    ],
)
def test_what_cannot_be_a_resource_is_named(
    call: Call, person: Person, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        call("resource_servers.add", person("grace"), {**WAREHOUSE, **changes})
    assert list(refused.value.fields) == [field]


def test_one_resource_is_there_once(call: Call, person: Person) -> None:
    call("resource_servers.add", person("grace"), WAREHOUSE)
    with pytest.raises(Conflict):
        call("resource_servers.add", person("grace"), {**WAREHOUSE, "name": "Other"})


def test_an_admin_turns_self_registration_off_and_on(
    flow: Flow, call: Call, person: Person
) -> None:
    program = flow.browser.application.test_client()
    metadata = {"redirect_uris": [CALLBACK]}
    for is_open, status in ((False, 403), (False, 403), (True, 201)):
        switched = call("registration.switch", person("grace"), {"is_open": is_open})
        assert (switched.is_open, call("registration.get", person("grace")).is_open) == (
            is_open,
            is_open,
        )
        assert program.post("/oauth/register", json=metadata).status_code == status
        document = program.get("/.well-known/oauth-authorization-server").json
        assert document is not None
        assert ("registration_endpoint" in document) == is_open
        assert document.get("client_id_metadata_document_supported", False) == is_open


@pytest.fixture
def warehouse(call: Call, person: Person) -> str:
    """Give the id of a resource of others."""
    return str(call("resource_servers.add", person("grace"), WAREHOUSE).id)


def test_a_consent_for_the_app_is_none_for_a_resource_of_others(
    flow: Flow, warehouse: str
) -> None:
    body = flow.tokens()
    elsewhere = {"resource": WAREHOUSE["identifier"]}
    refused = flow.refresh(body["refresh_token"], **elsewhere)
    assert (refused.status_code, error(refused)) == (400, "invalid_target")
    page = flow.authorize(**elsewhere)
    assert page.status_code == 200
    assert f">{WAREHOUSE['identifier']}</strong>" in page.text
    flow.decide(page)
    assert flow.authorize(**elsewhere).status_code == 200
    assert flow.authorize().status_code == 303


def test_a_device_says_for_which_service_it_asks(flow: Flow, warehouse: str) -> None:
    started = start(flow, scope="tasks:view", resource=WAREHOUSE["identifier"])
    assert WAREHOUSE["identifier"] in look_up(flow, started["user_code"]).text
    assert WAREHOUSE["identifier"] not in look_up(flow, start(flow)["user_code"]).text


def test_for_a_resource_that_was_removed_no_token_is_issued(
    flow: Flow, call: Call, person: Person, warehouse: str
) -> None:
    asked = {"resource": WAREHOUSE["identifier"]}
    body, code = flow.tokens(**asked), flow.code(**asked)
    call("resource_servers.remove", person("grace"), {"resource_id": warehouse})
    exchanged = flow.token(
        grant_type="urn:ietf:params:oauth:grant-type:token-exchange",
        subject_token=body["access_token"],
        subject_token_type="urn:ietf:params:oauth:token-type:access_token",
    )
    for answer in (flow.refresh(body["refresh_token"]), flow.exchange(code), exchanged):
        assert (answer.status_code, error(answer)) == (400, "invalid_target")


def test_a_signed_token_holds_what_is_held_when_it_is_issued(
    flow: Flow, call: Call, person: Person, warehouse: str
) -> None:
    body = flow.tokens(resource=WAREHOUSE["identifier"])
    given = {"client_id": flow.client_id, "scopes": ["tasks:view"]}
    call("client_rules.set", person("grace"), given)
    renewed = flow.refresh(body["refresh_token"]).json
    assert renewed is not None
    assert renewed["scope"] == claims_of(flow, renewed["access_token"], "ES256")["scope"]
    assert renewed["scope"] == "tasks:view"
    # A retry finds what was issued.
    assert flow.refresh(body["refresh_token"]).json == renewed
    change("DELETE FROM role_scope WHERE scope = 'tasks:view'")
    refused = flow.refresh(renewed["refresh_token"])
    assert (refused.status_code, error(refused)) == (400, "invalid_scope")
    # Nothing was used up.
    change("INSERT INTO role_scope SELECT id, 'tasks:view' FROM role")
    assert flow.refresh(renewed["refresh_token"]).status_code == 200


def error(answer: TestResponse) -> str:
    assert answer.json is not None
    return str(answer.json["error"])
