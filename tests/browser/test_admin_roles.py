"""The admins' pages about roles and scopes, and what a trusted app is asked for, in a browser."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Callback, Person
from tests.browser.test_admin_users import SCREENS, overflows
from tests.browser.test_console import faults
from tests.oauth.conftest import CHALLENGE

People = Callable[..., Person]

ROLES = "/admin/roles"
PAGES = [ROLES, f"{ROLES}/new", f"{ROLES}/1", f"{ROLES}/2", "/admin/scopes"]


def make_role(grace: Person, name: str, *scopes: str) -> str:
    """Make a role by the form; give the address of its page."""
    page = grace.page
    page.goto(f"{grace.site}{ROLES}/new")
    page.get_by_role("textbox", name="Name").fill(name)
    for scope in scopes:
        page.get_by_role("checkbox", name=scope).check()
    page.get_by_role("button", name="Create role").click()
    page.wait_for_url(re.compile(rf"{ROLES}/\d+$"))
    return page.url


def make_trusted(grace: Person, redirect_uri: str, scope: str) -> str:
    """Create a client by the form, and trust it by its rules; give its id."""
    page = grace.page
    page.goto(f"{grace.site}/admin/oauth-clients/new")
    page.get_by_label("Name").fill("Directory sync")
    page.get_by_label("Redirect URI").first.fill(redirect_uri)
    page.get_by_role("button", name="Create client").click()
    client_id = page.get_by_role("textbox", name="Client ID").input_value()
    page.goto(f"{grace.site}/admin/oauth-clients/rules/{client_id}")
    page.get_by_role("checkbox", name="Trusted").check()
    page.get_by_role("checkbox", name=scope).check()
    assert faults(page) == []
    page.get_by_role("button", name="Save rules").click()
    expect(page.get_by_text("Trusted to rule")).to_be_visible()
    return client_id


def asks(page: Page, site: str, client_id: str, redirect_uri: str, scope: str) -> None:
    """Go where an app sends the browser."""
    query = f"client_id={client_id}&redirect_uri={redirect_uri}&scope={scope}&state=x"
    challenge = f"code_challenge={CHALLENGE}&code_challenge_method=S256"
    page.goto(f"{site}/oauth/authorize?response_type=code&{query}&{challenge}")


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_the_pages_are_for_everyone_on_every_screen(
    people: People, width: int, scheme: str
) -> None:
    grace = people(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = grace.sign_in("grace")
    name = f"Support at {width}, {scheme}"
    support = make_role(grace, name, "tasks:edit", "users:viewAll")
    for path in (*PAGES, support.removeprefix(grace.site)):
        page.goto(grace.site + path)
        assert faults(page) == [], path
        assert not overflows(page), path
    page.goto(grace.site + ROLES)
    row = page.get_by_role("row", name="users:viewAll")
    # On a phone it names those that hold the scope alone.
    expect(row.locator("td.lacks").first).to_be_visible(visible=width > 320)
    expect(row.get_by_role("cell", name="Yes").first).to_be_visible()


def test_what_is_wrong_with_a_role_is_in_sight_and_has_the_focus(people: People) -> None:
    grace = people()
    page = grace.sign_in("grace")
    page.goto(f"{grace.site}{ROLES}/new")
    page.get_by_role("textbox", name="Name").fill("Member")
    page.get_by_role("checkbox", name="access:edit").check()
    page.get_by_role("button", name="Create role").click()
    expect(page.get_by_role("alert")).to_contain_text("There is a role of this name already.")
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("checkbox", name="access:edit")).to_be_checked()
    assert faults(page) == []


@pytest.mark.parametrize("has_script", [True, False])
def test_a_change_of_a_role_opens_a_page_to_whoever_is_signed_in(
    people: People, *, has_script: bool
) -> None:
    ada, grace = people(), people(java_script_enabled=has_script)
    theirs, page = ada.sign_in("ada"), grace.sign_in("grace")
    expect(theirs.get_by_role("link", name="Admin")).to_have_count(0)
    for is_held in (True, False):
        page.goto(f"{grace.site}{ROLES}/1")
        page.get_by_role("checkbox", name="scopes:view").set_checked(is_held)
        page.get_by_role("button", name="Save role").click()
        expect(page.get_by_text("is changed: it counts from now on")).to_be_visible()
        theirs.reload()
        expect(theirs.get_by_role("link", name="Admin")).to_have_count(int(is_held))


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_what_rules_the_workspace_is_plain_before_it_is_allowed(
    people: People, callback: Callback, width: int, scheme: str
) -> None:
    grace = people(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = grace.sign_in("grace")
    client_id = make_trusted(grace, callback.uri, "roles:view")
    asks(page, grace.site, client_id, callback.uri, "tasks:view roles:view")
    ruling = page.get_by_role("group", name="Rules the workspace")
    expect(ruling.get_by_role("checkbox", name="roles:view")).to_be_checked()
    expect(ruling.get_by_role("checkbox")).to_have_count(1)
    assert faults(page) == []
    assert not overflows(page)
    ruling.get_by_role("checkbox").uncheck()
    page.get_by_role("button", name="Allow").click()
    assert callback.answer()["state"] == "x"
    page.goto(f"{grace.site}/settings/connections")
    expect(page.get_by_text("Directory sync").first).to_be_visible()
    expect(page.get_by_text("Rules the workspace")).to_have_count(0)
