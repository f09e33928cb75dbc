"""What admins set about a client, and what its owner changes."""

import json
from typing import Any

import pytest

from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.scopes import THIRD_PARTY
from app.extensions import db
from app.models.client import Client
from app.oauth import operator
from app.oauth.client_metadata import metadata_in
from app.oauth.registration import describe
from app.procedures.clients import NewClient
from tests.conftest import Call, Person, change
from tests.oauth.conftest import Flow, answer_of
from tests.oauth.test_code_flow import api
from tests.oauth.test_introspection import introspect
from tests.oauth.test_openid_rules import userinfo
from tests.oauth.test_registration import register

URI = "https://app.example/callback"


def rules(flow: Flow, **changes: Any) -> dict[str, Any]:
    return {"client_id": flow.client_id, "scopes": list(THIRD_PARTY), **changes}


def changed(flow: Flow, **changes: Any) -> dict[str, Any]:
    given = {"name": "Reporter", "redirect_uris": [flow.redirect_uri]}
    return {**given, "client_id": flow.client_id, "scopes": list(THIRD_PARTY), **changes}


def test_a_lifetime_that_an_admin_sets_counts(flow: Flow, call: Call, person: Person) -> None:
    assert flow.tokens()["expires_in"] == 3600
    call("client_rules.set", person("grace"), rules(flow, access_token_lasts=600))
    assert flow.tokens()["expires_in"] == 600
    shown = call("client_rules.get", person("grace"), {"client_id": flow.client_id})
    first = shown.lifetimes[0]
    assert (first.name, first.seconds, first.default) == ("access_token_lasts", 600, 3600)
    call("client_rules.set", person("grace"), rules(flow))
    assert flow.tokens()["expires_in"] == 3600


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("access_token_lasts", 300, 24 * 3600),
        ("refresh_token_idles", 3600, 90 * 24 * 3600),
        ("refresh_token_lasts", 24 * 3600, 365 * 24 * 3600),
        ("code_lasts", 10, 600),
        ("device_code_lasts", 60, 1800),
    ],
)
def test_lifetimes_have_bounds(
    flow: Flow, call: Call, person: Person, name: str, least: int, most: int
) -> None:
    for seconds in (least, most):
        call("client_rules.set", person("grace"), rules(flow, **{name: seconds}))
    for seconds in (least - 1, most + 1, -1, 0):
        with pytest.raises(InvalidInput):
            call("client_rules.set", person("grace"), rules(flow, **{name: seconds}))


def test_fewer_scopes_count_for_the_tokens_that_are_out(
    flow: Flow, call: Call, person: Person
) -> None:
    token = flow.tokens()["access_token"]
    assert api(flow, token) == 200
    call("client_rules.set", person("grace"), rules(flow, scopes=["profile:view"]))
    assert api(flow, token) == 403
    assert "invalid_scope" in flow.authorize().headers["Location"]


@pytest.mark.parametrize("scope", ["oauth-clients:edit", "no:such", ""])
def test_no_admin_can_give_an_app_what_no_app_may_have(
    flow: Flow, call: Call, person: Person, scope: str
) -> None:
    with pytest.raises(InvalidInput):
        call("client_rules.set", person("grace"), rules(flow, scopes=[scope]))
    with pytest.raises(InvalidInput):
        call("oauth_apps.update", person("ada"), changed(flow, scopes=[scope]))


def test_its_owner_cannot_go_beyond_an_admins_bound(
    flow: Flow, call: Call, person: Person
) -> None:
    bound = ["profile:view", "tasks:view"]
    call("client_rules.set", person("grace"), rules(flow, scopes=bound))
    with pytest.raises(InvalidInput) as refused:
        call("oauth_apps.update", person("ada"), changed(flow))
    assert list(refused.value.fields) == ["scopes"]
    app = call("oauth_apps.update", person("ada"), changed(flow, scopes=["tasks:view"]))
    assert app.scopes == ["tasks:view"]
    assert call("oauth_apps.update", person("ada"), changed(flow, scopes=bound)).scopes == bound


def test_a_client_that_describes_itself_stays_within_the_bound(
    flow: Flow, call: Call, person: Person
) -> None:
    metadata = {
        "redirect_uris": [URI],
        "client_name": "Tool",
        "token_endpoint_auth_method": "none",
    }
    made = register(flow.browser.application.test_client(), metadata)
    own = Flow(flow.browser, made["client_id"], None)
    call("client_rules.set", person("grace"), rules(own, scopes=["tasks:view"]))
    managed = {"Authorization": f"Bearer {made['registration_access_token']}"}
    wider = {**metadata, "client_id": own.client_id, "scope": " ".join(THIRD_PARTY)}
    program = flow.browser.application.test_client()
    answer = program.put(f"/oauth/register/{own.client_id}", json=wider, headers=managed)
    assert answer.status_code == 200
    assert answer.json is not None
    assert answer.json["scope"] == "tasks:view"


def test_what_an_admin_has_saved_binds_though_it_changed_nothing(
    flow: Flow, call: Call, person: Person
) -> None:
    narrow = ["profile:view"]
    call("oauth_apps.update", person("ada"), changed(flow, scopes=narrow))
    trusted = rules(flow, scopes=narrow, is_verified=True, is_first_party=True)
    call("client_rules.set", person("grace"), trusted)
    with pytest.raises(InvalidInput):
        call("oauth_apps.update", person("ada"), changed(flow))


def test_a_wider_bound_widens_nothing_over_the_owners_head(
    flow: Flow, call: Call, person: Person
) -> None:
    call("oauth_apps.update", person("ada"), changed(flow, scopes=["tasks:view"]))
    call("client_rules.set", person("grace"), rules(flow))
    assert call("oauth_apps.get", person("ada"), {"client_id": flow.client_id}).scopes == [
        "tasks:view"
    ]


def test_what_nobody_owns_an_admin_narrows_and_widens_again(call: Call, person: Person) -> None:
    given = NewClient(name="Ownerless", redirect_uris=[URI])
    made = operator.create_client(db.engine, given, allowed=frozenset(), owner=None, now=1)
    app, grace = {"client_id": made["client_id"]}, person("grace")
    for held in (["tasks:view"], ["tasks:view", "tasks:edit"]):
        call("client_rules.set", grace, {**app, "scopes": held})
        assert call("oauth_clients.get", grace, app).scopes == held


def test_the_operators_scopes_bind_the_owner_too(flow: Flow, call: Call, person: Person) -> None:
    given = NewClient(name="Reporter", redirect_uris=[URI])
    made = operator.create_client(
        db.engine, given, allowed=frozenset({"tasks:view"}), owner="ada@example.com", now=1
    )
    own = Flow(flow.browser, made["client_id"], None, redirect_uri=URI)
    with pytest.raises(InvalidInput):
        call("oauth_apps.update", person("ada"), changed(own))


@pytest.mark.parametrize(
    "changes",
    [{"name": "Bank of Trust"}, {"redirect_uris": [URI]}, {"description": "Approved."}],
)
def test_an_admin_vouches_for_what_they_were_shown(
    flow: Flow, call: Call, person: Person, changes: dict[str, Any]
) -> None:
    grace, app = person("grace"), {"client_id": flow.client_id}
    said = call("client_rules.get", grace, app).said
    call("oauth_apps.update", person("ada"), changed(flow, **changes))
    for trust in ("is_verified", "is_first_party"):
        with pytest.raises(Conflict):
            call("client_rules.set", grace, rules(flow, said=said, **{trust: True}))
    assert call("client_rules.set", grace, rules(flow, said=said)).is_verified is False
    said = call("client_rules.get", grace, app).said
    assert call("client_rules.set", grace, rules(flow, said=said, is_verified=True)).is_verified


def test_what_became_required_while_the_page_was_open_was_not_agreed_to(
    flow: Flow, call: Call, person: Person
) -> None:
    page = flow.authorize()
    required = changed(flow, required_scopes=["tasks:edit"])
    call("oauth_apps.update", person("ada"), required)
    answer = answer_of(flow.decide(page, without=["tasks:edit"]))
    body = flow.exchange(answer["code"]).json
    assert body is not None
    assert body["scope"] == "tasks:view"


@pytest.mark.parametrize("source", ["registration", "document"])
def test_nobody_vouches_for_a_client_that_anybody_can_be(
    flow: Flow, call: Call, person: Person, source: str
) -> None:
    change("UPDATE client SET source = :it WHERE client_id = :id", it=source, id=flow.client_id)
    with pytest.raises(InvalidInput) as refused:
        call("client_rules.set", person("grace"), rules(flow, is_first_party=True))
    assert list(refused.value.fields) == ["is_first_party"]
    assert call("client_rules.set", person("grace"), rules(flow, is_verified=True)).is_verified


@pytest.mark.parametrize(
    ("changes", "is_kept"),
    [
        ({}, True),
        ({"description": "Your admin has approved it."}, False),
        ({"post_logout_redirect_uris": [URI]}, False),
        ({"scopes": ["tasks:view"]}, True),
        ({"name": "Your bank"}, False),
        ({"redirect_uris": [URI]}, False),
        ({"client_uri": "https://bank.example/"}, False),
    ],
)
def test_what_was_verified_is_what_is_shown(
    flow: Flow, call: Call, person: Person, changes: dict[str, Any], *, is_kept: bool
) -> None:
    trusted = rules(flow, is_verified=True, is_first_party=True)
    call("client_rules.set", person("grace"), trusted)
    app = call("oauth_apps.update", person("ada"), changed(flow, **changes))
    assert (app.is_verified, app.is_first_party) == (is_kept, is_kept)


def test_a_document_that_calls_itself_otherwise_is_not_verified_any_more() -> None:
    said = {"client_name": "Tool", "redirect_uris": [URI], "token_endpoint_auth_method": "none"}
    client = Client(is_verified=True, is_first_party=False, **_nothing())
    describe(client, metadata_in(json.dumps(said).encode()))
    client.is_verified = True
    describe(client, metadata_in(json.dumps(said).encode()))
    assert client.is_verified
    describe(client, metadata_in(json.dumps({**said, "client_name": "Your bank"}).encode()))
    assert not client.is_verified


def _nothing() -> dict[str, Any]:
    nothing = {"name": "", "redirect_uris": [], "post_logout_redirect_uris": []}
    return {**nothing, "client_uri": None, "scope_bound": None, "source": "document"}


def test_an_owner_changes_what_the_app_says(flow: Flow, call: Call, person: Person) -> None:
    given = changed(
        flow,
        name="Weekly report",
        redirect_uris=[URI, URI],
        client_uri="https://app.example/",
        required_scopes=["tasks:view"],
        id_token_signed_response_alg="ES256",
    )
    app = call("oauth_apps.update", person("ada"), given)
    assert (app.name, app.redirect_uris) == ("Weekly report", [URI])
    page = flow.authorize(redirect_uri=URI)
    assert "Weekly report" in page.text
    assert 'name="scope" value="tasks:view"' not in page.text
    assert flow.authorize().status_code == 400


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": ["http://app.example/"]}, "redirect_uris.0"),
        ({"client_uri": "javascript:alert(1)"}, "client_uri"),
        ({"client_uri": "https://user@app.example/"}, "client_uri"),
        ({"client_uri": "https://app.example/é"}, "client_uri"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["tasks:view"], "required_scopes": ["tasks:edit"]}, "required_scopes"),
        ({"id_token_signed_response_alg": "none"}, "id_token_signed_response_alg"),
        ({"is_verified": True}, "is_verified"),
    ],
)
def test_what_an_app_cannot_be_is_named(
    flow: Flow, call: Call, person: Person, changes: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        call("oauth_apps.update", person("ada"), changed(flow, **changes))
    assert list(refused.value.fields) == [field]


def test_nobody_changes_anothers_app_and_a_revoked_one_stays(
    flow: Flow, call: Call, person: Person
) -> None:
    for name in ("ben", "grace"):
        with pytest.raises(NotFound):
            call("oauth_apps.update", person(name), changed(flow))
    call("oauth_apps.revoke", person("ada"), {"client_id": flow.client_id})
    with pytest.raises(Conflict):
        call("oauth_apps.update", person("ada"), changed(flow))


def test_what_an_admin_removes_and_restores_is_available_again(
    flow: Flow, call: Call, person: Person
) -> None:
    ada, grace, found = person("ada"), person("grace"), {"client_id": flow.client_id}
    call("oauth_apps.update", ada, changed(flow, required_scopes=["tasks:edit"]))
    token = flow.tokens(scope="openid tasks:view tasks:edit")["access_token"]
    everything = introspect(flow, token)["scope"]
    assert everything == "openid tasks:view tasks:edit"
    call("client_rules.set", grace, rules(flow, scopes=["tasks:view"]))
    for who, procedure in ((ada, "oauth_apps.get"), (grace, "oauth_clients.get")):
        app = call(procedure, who, found)
        assert (app.scopes, app.required_scopes) == (["tasks:view"], [])
        assert app.withheld_scopes == [s for s in THIRD_PARTY if s != "tasks:view"]
    assert introspect(flow, token)["scope"] == "tasks:view"
    assert userinfo(flow, token).status_code == 403
    assert answer_of(flow.authorize(scope="tasks:edit"))["error"] == "invalid_scope"
    # Its owner saves the page meanwhile, as it stands.
    call("oauth_apps.update", ada, changed(flow, scopes=["tasks:view"], name="Weekly"))
    call("client_rules.set", grace, rules(flow))
    app = call("oauth_apps.get", ada, found)
    assert (app.scopes, app.required_scopes) == (list(THIRD_PARTY), ["tasks:edit"])
    assert app.withheld_scopes == []
    assert introspect(flow, token)["scope"] == everything
    assert api(flow, token) == 200
    assert userinfo(flow, token).status_code == 200


def test_what_the_owner_gave_up_no_admin_restores(flow: Flow, call: Call, person: Person) -> None:
    ada, grace, found = person("ada"), person("grace"), {"client_id": flow.client_id}
    call("client_rules.set", grace, rules(flow, scopes=["tasks:view", "tasks:edit"]))
    call("oauth_apps.update", ada, changed(flow, scopes=["tasks:view"]))
    call("client_rules.set", grace, rules(flow, scopes=["profile:view"]))
    assert call("oauth_apps.get", ada, found).scopes == ["profile:view"]
    call("client_rules.set", grace, rules(flow, scopes=["tasks:view", "tasks:edit"]))
    assert call("oauth_apps.get", ada, found).scopes == ["tasks:view"]


def test_what_took_trust_comes_back_with_it(flow: Flow, call: Call, person: Person) -> None:
    grace, found = person("grace"), {"client_id": flow.client_id}
    with_roles = [*THIRD_PARTY, "roles:view"]
    trusted = rules(flow, scopes=with_roles, is_trusted=True)
    call("client_rules.set", grace, trusted)
    call("client_rules.set", grace, rules(flow, scopes=with_roles))
    app = call("oauth_apps.get", person("ada"), found)
    assert (app.scopes, app.withheld_scopes) == (list(THIRD_PARTY), ["roles:view"])
    assert answer_of(flow.authorize(scope="roles:view"))["error"] == "invalid_scope"
    call("client_rules.set", grace, trusted)
    assert call("oauth_apps.get", person("ada"), found).scopes == with_roles


def test_a_client_that_describes_itself_is_narrowed_and_widened_again(
    flow: Flow, call: Call, person: Person
) -> None:
    metadata = {"redirect_uris": [URI], "token_endpoint_auth_method": "none"}
    made = register(flow.browser.application.test_client(), metadata)
    own, found = Flow(flow.browser, made["client_id"], None), {"client_id": made["client_id"]}
    for held in (["tasks:view"], ["tasks:view", "tasks:edit"]):
        call("client_rules.set", person("grace"), rules(own, scopes=held))
        assert call("oauth_clients.get", person("grace"), found).scopes == held
