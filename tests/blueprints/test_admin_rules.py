"""The admins' pages for a client's rules and secrets, resources, and self-registration."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from app.core.scopes import ADMIN, THIRD_PARTY
from app.extensions import db
from tests.blueprints.conftest import Browser
from tests.conftest import change

Browsers = Callable[[str], Browser]
CLIENTS = "/admin/oauth-clients"
WAREHOUSE = {"identifier": "https://warehouse.example/v1", "name": "Warehouse"}


def test_rules_are_shown_set_and_shown_again(grace: Browser, client_id: str) -> None:
    path = f"{CLIENTS}/rules/{client_id}"
    page = grace.get(path).text
    assert page.count(' name="scopes"') == len(THIRD_PARTY) + len(ADMIN)
    assert page.count("checked>") == len(THIRD_PARTY)
    assert "5 minutes to 1 day; by default 3600 (1 hour)." in page
    given = {"scopes": ["tasks:view"], "is_verified": "true", "access_token_lasts": "600"}
    answer = grace.submit(path, given)
    assert answer.headers["Location"] == f"{CLIENTS}/{client_id}"
    detail = grace.get(f"{CLIENTS}/{client_id}").text
    assert "Verified" in detail
    assert "The rules for Reporter count from now on." in detail
    page = grace.get(path).text
    assert page.count("checked>") == 1
    assert 'name="is_verified" value="true" checked' in page.replace("\n", " ")
    assert 'name="access_token_lasts" type="number" value="600"' in page


def test_a_client_is_trusted_by_its_rules_and_marked(grace: Browser, client_id: str) -> None:
    path = f"{CLIENTS}/rules/{client_id}"
    given = {"scopes": ["tasks:view", "roles:view"]}
    refused = grace.submit(path, given)
    assert refused.status_code == 422
    assert (
        "Only a client that you trust may ask for “See the roles and their scopes”."
        in refused.text
    )
    assert re.search(r'value="roles:view" checked', refused.text)
    assert "Rules the workspace" not in grace.get(f"{CLIENTS}/{client_id}").text
    assert grace.submit(path, {**given, "is_trusted": "true"}).status_code == 303
    for page in (grace.get(path).text, grace.get(f"{CLIENTS}/{client_id}").text):
        assert "roles:view" in page
    assert "Trusted to rule" in grace.get(f"{CLIENTS}/{client_id}").text
    assert "Rules the workspace" in grace.get(f"{CLIENTS}/{client_id}").text
    assert re.search(r'name="is_trusted" value="true"\s+checked', grace.get(path).text)


def test_its_owner_sees_what_an_admin_removed_and_gets_it_back(
    grace: Browser, ada: Browser, client_id: str
) -> None:
    app, path = f"/settings/oauth-apps/{client_id}", f"{CLIENTS}/rules/{client_id}"
    given = {"name": "Reporter", "redirect_uris": ["http://127.0.0.1:9999/callback"]}
    assert grace.submit(path, {"scopes": ["tasks:view"]}).status_code == 303
    for page in (ada.get(app).text, grace.get(f"{CLIENTS}/{client_id}").text):
        assert "Removed by an admin" in page
    form = ada.get(f"{app}/edit").text
    assert "An admin has removed scopes that you chose" in form
    offered = re.findall(r'name="(?:required_)?scopes" value="([^"]+)"', form)
    assert set(offered) == {"tasks:view"}
    assert ada.submit(f"{app}/edit", {**given, "scopes": ["tasks:view"]}).status_code == 303
    assert grace.submit(path, {"scopes": list(THIRD_PARTY)}).status_code == 303
    assert "Removed by an admin" not in ada.get(app).text
    assert ada.get(f"{app}/edit").text.count(' name="scopes"') == len(THIRD_PARTY)


def test_an_admin_exempts_a_confidential_client_from_pkce_on_its_page(
    grace: Browser, client_id: str
) -> None:
    path, detail = f"{CLIENTS}/rules/{client_id}", f"{CLIENTS}/{client_id}"
    ticked = re.compile(r'name="is_pkce_exempt" value="true"\s+checked')
    assert not ticked.search(grace.get(path).text)
    answer = grace.submit(path, {"scopes": ["openid"], "is_pkce_exempt": "true"})
    assert answer.status_code == 303
    assert ticked.search(grace.get(path).text)
    assert "or an OpenID Connect nonce" in grace.get(detail).text
    change("UPDATE client SET is_public = TRUE WHERE client_id = :id", id=client_id)
    assert 'name="is_pkce_exempt"' not in grace.get(path).text
    refused = grace.submit(path, {"scopes": ["openid"], "is_pkce_exempt": "true"})
    assert refused.status_code == 422
    assert "Only a confidential client can go without PKCE." in refused.text


def test_its_owner_may_keep_what_an_admin_opened(
    grace: Browser, ada: Browser, client_id: str
) -> None:
    edit = f"/settings/oauth-apps/{client_id}/edit"
    assert "roles:view" not in ada.get(edit).text
    rules = {"scopes": ["tasks:view", "roles:view"], "is_trusted": "true"}
    grace.submit(f"{CLIENTS}/rules/{client_id}", rules)
    page = ada.get(edit).text
    assert re.search(r'name="scopes" value="roles:view" checked', page)
    given = {"name": "Reporter", "redirect_uris": ["http://127.0.0.1:9999/callback"]}
    kept = ada.submit(edit, {**given, "scopes": ["tasks:view", "roles:view"]})
    assert kept.status_code == 303
    assert "Trusted to rule" in ada.get(f"/settings/oauth-apps/{client_id}").text
    other = {**given, "name": "Bank", "scopes": ["tasks:view", "roles:view"]}
    assert ada.submit(edit, other).status_code == 303
    page = ada.get(f"/settings/oauth-apps/{client_id}").text
    assert "Trusted to rule" not in page
    assert "roles:view" not in page
    wrong = ada.submit(edit, other)
    assert wrong.status_code == 422
    assert "that an admin trusts may ask for “See the roles and their scopes”." in wrong.text


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"scopes": ["tasks:view"], "access_token_lasts": "5"}, "access_token_lasts-error"),
        ({"scopes": ["tasks:view"], "code_lasts": "soon"}, "code_lasts-error"),
        ({"scopes": ["tasks:view"], "code_lasts": "9" * 40}, "code_lasts-error"),
        ({"scopes": []}, "scopes-error"),
    ],
)
def test_wrong_rules_come_back_with_what_was_typed(
    grace: Browser, client_id: str, given: dict[str, object], message: str
) -> None:
    answer = grace.submit(f"{CLIENTS}/rules/{client_id}", given)
    assert answer.status_code == 422
    assert f'id="{message}"' in answer.text
    for name in ("access_token_lasts", "code_lasts"):
        if name in given:
            assert f'value="{given[name]}"' in answer.text


def test_a_client_whose_id_is_an_address_has_rules_too(grace: Browser, client_id: str) -> None:
    name = "https://tool.example/rules/edit"
    change(
        "UPDATE client SET client_id = :name, source = 'document' WHERE client_id = :id",
        name=name,
        id=client_id,
    )
    path = f"{CLIENTS}/rules/{name}"
    assert grace.get(path).status_code == 200
    assert grace.submit(path, {"scopes": ["tasks:view"]}).status_code == 303
    refused = grace.submit(path, {"scopes": ["tasks:view"], "is_first_party": "true"})
    assert refused.status_code == 422
    assert "Anybody can register such a client: people are asked." in refused.text
    assert 'name="is_trusted"' not in grace.get(path).text
    trusted = {"scopes": ["tasks:view", "roles:view"], "is_trusted": "true"}
    assert grace.submit(path, trusted).status_code == 422


def test_a_member_sets_no_rules(ada: Browser, client_id: str) -> None:
    for path in (f"{CLIENTS}/rules/{client_id}", "/admin/resources"):
        assert ada.get(path).status_code == 403
        assert ada.submit(path, {"scopes": ["tasks:view"]}).status_code == 403
    assert ada.submit(f"{CLIENTS}/registration", {"is_open": "false"}).status_code == 403


def test_the_switch_says_how_it_stands(grace: Browser) -> None:
    for is_open, said in (("false", "off"), ("true", "on")):
        answer = grace.submit(f"{CLIENTS}/registration", {"is_open": is_open})
        assert answer.headers["Location"] == CLIENTS
        page = grace.get(CLIENTS).text
        assert f"Self-registration is {said} from now on." in page
        assert f">Self-registration is {said}</h2>" in page


def test_what_the_operator_has_closed_no_admin_opens(
    deployed: Callable[..., Flask], app: Flask
) -> None:
    closed = deployed(registration="closed")
    with closed.app_context():
        page = Browser(closed, 3).get(CLIENTS).text
    assert "The operator has closed it by LATCHKEY_REGISTRATION." in page
    assert "Turn it on" not in page


def test_a_resource_comes_and_goes(grace: Browser) -> None:
    assert "No resources yet" in grace.get("/admin/resources").text
    assert grace.submit("/admin/resources", WAREHOUSE).status_code == 303
    page = grace.get("/admin/resources").text
    assert "https://warehouse.example/v1" in page
    again = grace.submit("/admin/resources", WAREHOUSE)
    assert again.status_code == 409
    assert 'value="Warehouse"' in again.text
    wrong = grace.submit("/admin/resources", {**WAREHOUSE, "identifier": "warehouse"})
    assert wrong.status_code == 422
    assert 'id="identifier-error"' in wrong.text
    assert grace.submit("/admin/resources/1/remove").status_code == 303
    assert "No resources yet" in grace.get("/admin/resources").text
    for gone in ("1", "x", "9" * 30):
        assert grace.submit(f"/admin/resources/{gone}/remove").status_code == 404


def test_an_admin_removes_a_secret_and_adds_none_to_anothers_app(
    grace: Browser, client_id: str
) -> None:
    path = f"{CLIENTS}/{client_id}"
    page = grace.get(path).text
    assert "Client secrets" in page
    assert "Add a secret" not in page
    refused = grace.submit(path + "/secrets", {"label": "mine"})
    assert refused.status_code == 409
    assert "Only its owner can give it a secret" in refused.text
    assert "lk_cs_" not in refused.text
    secret = page.split(f"{path}/secrets/")[1].split("/")[0]
    assert grace.submit(f"{path}/secrets/{secret}/remove").status_code == 303
    assert "No secret:" in grace.get(path).text


def test_who_may_look_and_not_edit_sees_no_secrets(browser: Browsers, client_id: str) -> None:
    change("DELETE FROM role_scope WHERE scope = 'oauth-clients:edit'")
    page = browser("grace").get(f"{CLIENTS}/{client_id}")
    assert page.status_code == 200
    assert not any(word in page.text for word in ("Client secrets", "Rules", "Delete this"))
    assert browser("grace").get(f"{CLIENTS}/rules/{client_id}").status_code == 403
    listed = browser("grace").get(CLIENTS).text
    assert "Turn it off" not in listed
    assert "Create client" not in listed


def test_an_owner_changes_the_app_by_its_form(ada: Browser, client_id: str) -> None:
    path = f"/settings/oauth-apps/{client_id}/edit"
    assert 'value="Reporter"' in ada.get(path).text
    given = {
        "name": "Weekly report",
        "redirect_uris": ["https://app.example/cb", "  "],
        "scopes": ["tasks:view", "openid"],
        "required_scopes": ["openid"],
        "dpop_bound_access_tokens": "true",
    }
    assert ada.submit(path, given).headers["Location"] == f"/settings/oauth-apps/{client_id}"
    detail = ada.get(f"/settings/oauth-apps/{client_id}").text
    assert "Weekly report is changed: it counts from now on." in detail
    assert "DPoP only" in detail
    assert "· required" in detail
    wrong = ada.submit(path, {**given, "name": "", "redirect_uris": ["http://app.example/"]})
    assert wrong.status_code == 422
    assert 'value="http://app.example/"' in wrong.text
    assert 'id="name-error"' in wrong.text


def test_another_persons_app_cannot_be_edited(browser: Browsers, client_id: str) -> None:
    path = f"/settings/oauth-apps/{client_id}/edit"
    for name in ("ben", "grace"):
        assert browser(name).get(path).status_code == 404
        given = {"name": "Mine", "redirect_uris": ["https://a.example/"], "scopes": ["openid"]}
        assert browser(name).submit(path, given).status_code == 404


def test_a_host_is_banned_and_the_ban_removed(grace: Browser, ada: Browser) -> None:
    path = f"{CLIENTS}/bans"
    assert f'href="{path}"' in grace.get(CLIENTS).text
    assert "No banned hosts" in grace.get(path).text
    assert 'value="evil.example"' in grace.get(f"{path}?host=evil.example").text
    assert grace.submit(path, {"host": "evil.example"}).headers["Location"] == path
    page = grace.get(path).text
    assert "evil.example banned. No clients stopped working." in page
    assert "A ban includes every subdomain" in page
    again = grace.submit(path, {"host": "evil.example"})
    assert (again.status_code, "banned already" in again.text) == (409, True)
    wrong = grace.submit(path, {"host": "https://evil.example/"})
    assert (wrong.status_code, 'id="host-error"' in wrong.text) == (422, True)
    for refused in (ada.get(path), ada.submit(path, {"host": "a.example"})):
        assert refused.status_code == 403
    assert ada.submit(f"{path}/1/remove").status_code == 403
    assert grace.submit(f"{path}/1/remove").status_code == 303
    assert "Ban of evil.example removed." in grace.get(path).text
    with db.engine.connect() as connection:
        events = "SELECT action, outcome FROM audit_event WHERE action LIKE 'banned_hosts.%'"
        recorded = [tuple(row) for row in connection.exec_driver_sql(events)]
    assert ("banned_hosts.add", "allowed") in recorded
    assert ("banned_hosts.remove", "allowed") in recorded
    for unknown in ("1", "x", "9" * 30):
        assert grace.submit(f"{path}/{unknown}/remove").status_code == 404
