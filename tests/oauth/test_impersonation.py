"""Apps that take the name of another, or claim a review that nobody made."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.errors import InvalidInput
from tests.conftest import Call, Person, change
from tests.oauth.conftest import CALLBACK, Flow, sign_in
from tests.oauth.site import serving
from tests.oauth.test_registration import CONFIDENTIAL, PUBLIC, manage, register
from tests.processes import sharing_on

WARNING = "Don't trust this name."
CLAUDE_AI = "https://claude.ai/api/mcp/auth_callback"


@pytest.fixture(scope="module")
def app(
    request: pytest.FixtureRequest, engine_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """Give an app for all of these tests, each of which has names of its own."""
    with sharing_on(request, engine_name, tmp_path_factory.mktemp("names")) as made:
        yield made


@pytest.fixture
def program(app: Flask) -> FlaskClient:
    return app.test_client(use_cookies=False)


def verified(program: FlaskClient, name: str, **members: Any) -> dict[str, Any]:
    made = register(program, PUBLIC | {"client_name": name} | members)
    change("UPDATE client SET is_verified = TRUE WHERE client_id = :id", id=made["client_id"])
    return made


@pytest.mark.parametrize("name", ["Latchkey Official (Verified)", "API \u0441onsole", "LATCHKEY"])
def test_nobody_registers_with_our_own_name_or_as_reviewed(
    program: FlaskClient, name: str
) -> None:
    refused = register(program, CONFIDENTIAL | {"client_name": name}, 400)
    assert refused["error"] == "invalid_client_metadata"
    assert "client_name" in refused["error_description"]


def test_nobody_registers_with_a_verified_apps_name(program: FlaskClient) -> None:
    verified(program, "Alpha", redirect_uris=[CLAUDE_AI])
    for name in ("Alpha", "\u0391lpha", "A l p h a", "\u2705 ALPHA", "\U0001d538lpha"):
        refused = register(program, CONFIDENTIAL | {"client_name": name}, 400)
        assert "verified app has this name" in refused["error_description"], ascii(name)
    # Each of its users registers claude.ai anew: what leads to its host is the app itself.
    again = CONFIDENTIAL | {"client_name": "Alpha", "redirect_uris": [CLAUDE_AI]}
    assert register(program, again)["client_secret"]
    assert register(program, CONFIDENTIAL | {"client_name": "Alpha Two"})


def test_an_update_takes_no_verified_name_and_keeps_its_own(program: FlaskClient) -> None:
    made = register(program, CONFIDENTIAL | {"client_name": "Beta"})
    verified(program, "Gamma", redirect_uris=[CLAUDE_AI])
    own = CONFIDENTIAL | {"client_id": made["client_id"]}
    refused = manage(program, "PUT", made, json=own | {"client_name": "G\u0430mma"})
    assert refused.status_code == 400
    verified(program, "Bet\u0430", redirect_uris=[CLAUDE_AI])
    kept = manage(program, "PUT", made, json=own | {"client_name": "Beta", "scope": "tasks:view"})
    assert kept.status_code == 200, kept.text


def test_no_document_has_a_verified_apps_name(
    app: Flask, program: FlaskClient, tmp_path: Path
) -> None:
    verified(program, "Delta", redirect_uris=[CLAUDE_AI])
    with serving(tmp_path) as site:
        site.may_be_read(app.extensions["fetcher"])
        flow = Flow(sign_in(app.test_client(), "ada"), site.url, None)
        for name in ("D\u0435lta", "Delta (verified)"):
            site.say(client_name=name)
            assert flow.authorize().status_code == 400
        site.say(client_name="Delta Two")
        page = flow.authorize()
        assert page.status_code == 200
        assert WARNING not in page.text


def test_people_are_warned_of_an_app_that_had_the_name_before(
    app: Flask, program: FlaskClient
) -> None:
    made = register(program, PUBLIC | {"client_name": "Epsilon"})
    flow = Flow(sign_in(app.test_client(), "ada"), made["client_id"], None)
    assert WARNING not in flow.authorize().text
    own = verified(program, "\u0395psilon", redirect_uris=[CLAUDE_AI])
    assert WARNING in flow.authorize().text
    real = Flow(flow.browser, own["client_id"], None, CLAUDE_AI)
    assert WARNING not in real.authorize().text
    change("UPDATE client SET name = 'Official Zeta' WHERE client_id = :id", id=made["client_id"])
    change("UPDATE client SET is_verified = FALSE WHERE client_id = :id", id=own["client_id"])
    assert WARNING in flow.authorize().text


def test_people_register_no_app_that_claims_a_review(call: Call, person: Person) -> None:
    ada = person("ada")
    new = {"name": "Official app", "redirect_uris": [CALLBACK]}
    with pytest.raises(InvalidInput) as refusal:
        call("oauth_apps.create", ada, new)
    assert list(refusal.value.fields) == ["name"]
    made = call("oauth_apps.create", ada, new | {"name": "Mine"}).app
    changes = {"client_id": made.client_id, "redirect_uris": [CALLBACK], "scopes": ["tasks:view"]}
    with pytest.raises(InvalidInput):
        call("oauth_apps.update", ada, changes | {"name": "API \u0441onsole"})
    # One that had the name before keeps it, and is warned of.
    change("UPDATE client SET name = 'Official' WHERE client_id = :id", id=made.client_id)
    assert call("oauth_apps.update", ada, changes | {"name": "Official"}).name == "Official"
    # Admins decide by themselves what their clients are called.
    assert call("oauth_clients.create", person("grace"), new).client.name == "Official app"


def test_of_two_apps_that_look_alike_an_admin_verifies_one(
    program: FlaskClient, call: Call, person: Person
) -> None:
    one = register(program, PUBLIC | {"client_name": "Theta"})
    two = register(program, CONFIDENTIAL | {"client_name": "Thet\u0430", "client_uri": ""})
    rules = {"scopes": ["tasks:view"], "is_verified": True}
    call("client_rules.set", person("grace"), rules | {"client_id": one["client_id"]})
    change("UPDATE client SET redirect_uris = '[\"https://evil.example/\"]' WHERE client_id = :id",
           id=two["client_id"])  # fmt: skip
    with pytest.raises(InvalidInput) as refusal:
        call("client_rules.set", person("grace"), rules | {"client_id": two["client_id"]})
    assert "verified already" in refusal.value.fields["is_verified"]
    # What is set of the verified one may be set again.
    call("client_rules.set", person("grace"), rules | {"client_id": one["client_id"]})


def test_a_home_page_on_another_site_is_shown_nowhere(app: Flask, program: FlaskClient) -> None:
    bank, callback = "https://bank.example/", "https://iota.example/cb"
    own = "https://iota.example/about"
    device = "urn:ietf:params:oauth:grant-type:device_code"
    for home, is_shown in ((bank, False), (own, True)):
        members = {
            "redirect_uris": [callback],
            "client_uri": home,
            "client_name": f"Io {is_shown}",
        }
        grants = {"grant_types": ["authorization_code", device]}
        client_id = register(program, PUBLIC | members | grants)["client_id"]
        ada, grace = (sign_in(app.test_client(), name) for name in ("ada", "grace"))
        assert (f">{home}<" in Flow(ada, client_id, None, callback).authorize().text) == is_shown
        admin_page = grace.get(f"/admin/oauth-clients/{client_id}")
        assert (f">{home}<" in admin_page.text) == is_shown
        # No redirect URI proves a device's.
        form = {"client_id": client_id, "scope": "tasks:view"}
        code = (program.post("/oauth/device_authorization", data=form).json or {})["user_code"]
        page = ada.get(f"/oauth/device?user_code={code}")
        token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
        asked = ada.post("/oauth/device", data={"user_code": code, "csrf_token": token})
        assert "on a device?" in asked.text
        assert f">{home}<" not in asked.text
