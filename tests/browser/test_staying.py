"""What stays when a part of a page changes, or a session ends: the focus and the entries."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.test_console import faults

People = Callable[..., Person]

SIGNED_OUT = "You were signed out. Sign in and your entries are kept."
AGAIN = "You're signed in again. Check your entries, then send them."
APP = "/settings/oauth-apps/new"


def press(control: Locator, key: str = "Enter") -> None:
    """Use a control as a keyboard does."""
    control.focus()
    control.press(key)


def row(page: Page, number: int) -> Locator:
    """Return a row of the list of tasks."""
    return page.locator(f"#tasks > li:nth-child({number})")


def sign_out_elsewhere(page: Page) -> None:
    """Sign out in another tab of the same browser."""
    other = page.context.new_page()
    other.goto(page.url.partition("/tasks")[0].partition("/settings")[0] + "/tasks")
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/login")
    other.close()


def sign_in_again(page: Page, name: str = "ada") -> None:
    """Fill in the sign-in form that the page shows."""
    page.get_by_label("Email").fill(f"{name}@example.com")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("Password").press("Enter")


def test_the_focus_stays_at_a_task_that_is_changed(people: People) -> None:
    page = people().sign_in("ada")
    title = row(page, 3).get_by_role("link").first.inner_text()
    first, second = page.locator("#tasks [data-control=toggle]").nth(2), page.locator(":focus")
    is_done = "Reopen" in (first.get_attribute("aria-label") or "")
    for verb in ("Complete", "Reopen") if is_done else ("Reopen", "Complete"):
        press(row(page, 3).locator("[data-control=toggle]"))
        expect(second).to_have_attribute("aria-label", f"{verb} {title}")
    press(row(page, 3).get_by_role("link", name="Edit"))
    expect(page.get_by_label("Title")).to_be_focused()
    press(page.get_by_role("link", name="Cancel"))
    expect(row(page, 3).get_by_role("link", name="Edit")).to_be_focused()
    press(row(page, 3).get_by_role("link", name="Edit"))
    page.get_by_label("Title").fill("")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_label("Title").fill("Changed")
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Edit Changed")).to_be_focused()
    assert faults(page) == []


def test_after_a_deletion_the_focus_is_at_the_next_row_or_else_at_the_heading(
    people: People,
) -> None:
    page = people().sign_in("ada")
    page.on("dialog", lambda dialog: dialog.accept())
    following = row(page, 3).get_by_role("link").first.inner_text()
    press(row(page, 2).get_by_role("button", name="Delete"))
    expect(page.locator(":focus")).to_have_text(following)
    expect(page.locator(":focus")).to_have_attribute("href", re.compile(r"/tasks/\d+$"))
    press(page.locator("#tasks > li").last.get_by_role("button", name="Delete"))
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_a_new_task_leaves_the_focus_at_the_field_and_a_comment_gets_it(people: People) -> None:
    page = people().sign_in("ada")
    page.get_by_label("New task").fill("One more")
    page.keyboard.press("Enter")
    expect(row(page, 1)).to_contain_text("One more")
    expect(page.get_by_label("New task")).to_be_focused()
    page.goto(page.url + "/1")
    page.get_by_label("New comment").fill("Remarkable")
    press(page.get_by_role("button", name="Comment"))
    expect(page.locator(":focus")).to_contain_text("Remarkable")


def test_the_focus_is_at_the_result_of_a_form_of_settings_and_of_admins(people: People) -> None:
    grace = people()
    page = grace.sign_in("grace")
    page.goto(f"{grace.site}/admin/oauth-clients")
    for verb in ("on", "off"):
        press(page.get_by_role("button", name=re.compile("Turn it o")))
        expect(page.get_by_role("button", name=f"Turn it {verb}")).to_be_focused()
    page.goto(f"{grace.site}/admin/users/2")
    press(page.get_by_role("button", name="Save external id"))
    expect(page.get_by_role("button", name="Save external id")).to_be_focused()
    press(page.get_by_role("button", name="Suspend", exact=True))
    press(page.get_by_role("button", name="Suspend Ben"))
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    press(page.get_by_role("button", name="Let in again"))
    expect(page.get_by_role("heading", level=1)).to_be_focused()


def test_the_focus_is_at_a_revoked_app_and_at_its_next_secret(people: People) -> None:
    ada = people()
    page = ada.sign_in("ada")
    page.goto(ada.site + APP)
    page.get_by_label("Name").fill("Clock")
    page.get_by_label("Redirect URI").first.fill("https://clock.example/cb")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.get_by_role("link", name="I have saved it").click()
    press(page.get_by_role("button", name="Remove").first)
    press(page.get_by_role("button", name=re.compile("Remove the secret")))
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.goto(f"{ada.site}/settings/oauth-apps")
    press(page.get_by_role("button", name="Revoke").first)
    press(page.get_by_role("button", name="Revoke Clock"))
    expect(page.get_by_role("link", name="Clock")).to_be_focused()


def test_more_fields_can_be_added_after_a_part_of_the_page_was_swapped(people: People) -> None:
    ada = people()
    page = ada.sign_in("ada")
    page.goto(ada.site + APP)
    uris = page.locator("[name=redirect_uris]")
    uris.first.fill("https://one.example/cb")
    sign_out_elsewhere(page)
    page.get_by_role("button", name="Register app").click()
    expect(page.get_by_role("dialog")).to_contain_text(SIGNED_OUT)
    page.get_by_role("button", name="Not now").click()
    for count in (2, 3, 4, 5):
        page.get_by_role("button", name="Add another").click()
        expect(uris).to_have_count(count)
    expect(uris.first).to_have_value("https://one.example/cb")


def test_a_session_that_ends_is_begun_again_on_the_page_itself(people: People) -> None:
    ada = people()
    page = ada.sign_in("ada")
    page.goto(ada.site + APP)
    page.get_by_label("Name").fill("Kept")
    uris = page.locator("[name=redirect_uris]")
    uris.first.fill("https://one.example/cb")
    page.get_by_role("button", name="Add another").click()
    uris.nth(1).fill("https://two.example/cb")
    sign_out_elsewhere(page)
    page.get_by_role("button", name="Register app").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(SIGNED_OUT)
    expect(dialog.get_by_label("Email")).to_have_value("ada@example.com")
    expect(dialog.get_by_label("Password")).to_be_focused()
    assert faults(page) == []
    dialog.get_by_label("Password").fill("not this one")
    dialog.get_by_label("Password").press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("Wrong email or password.")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_label("Password").press("Enter")
    expect(page.locator("#status")).to_contain_text(AGAIN)
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Register app")).to_be_focused()
    expect(uris.nth(1)).to_have_value("https://two.example/cb")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Kept is registered")).to_be_visible()


def test_who_signs_in_as_another_leaves_the_page(people: People) -> None:
    page = people().sign_in("ada")
    page.get_by_label("New task").fill("Ada's alone")
    sign_out_elsewhere(page)
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Email").fill("ben@example.com")
    dialog.get_by_label("Password").fill(PASSWORD)
    dialog.get_by_label("Password").press("Enter")
    expect(page.locator("#status")).to_contain_text("You're signed in as ben@example.com.")
    expect(page.get_by_label("New task")).to_have_value("")
    expect(page.get_by_text("Ada's alone")).to_have_count(0)


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without"])
def test_a_plain_form_is_filled_in_again(people: People, javascript: Any) -> None:
    ada = people(java_script_enabled=javascript)
    page = ada.sign_in("ada")
    page.goto(f"{ada.site}/tasks/2/edit")
    page.get_by_label("Title").fill('Kept "as" it <is>')
    page.get_by_label("Notes").fill("one\ntwo")
    sign_out_elsewhere(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text(SIGNED_OUT)).to_be_visible()
    assert not javascript or faults(page) == []
    sign_in_again(page)
    expect(page.get_by_text(AGAIN)).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value('Kept "as" it <is>')
    expect(page.get_by_label("Notes")).to_have_value("one\ntwo")
    assert not javascript or page.url == f"{ada.site}/tasks/2/edit"
    page.get_by_role("button", name="Save").click()
    page.wait_for_url("**/tasks")
    page.goto(f"{ada.site}/tasks/2")
    expect(page.get_by_role("heading", name='Kept "as" it <is>')).to_be_visible()


@pytest.mark.parametrize(("width", "scheme"), [(320, "dark"), (1280, "light")])
def test_an_error_page_says_what_is_wrong_and_where_to_go(
    people: People, width: int, scheme: str
) -> None:
    ada = people(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = ada.sign_in("ada")
    for path, heading, link in (
        ("/nosuch", "Page not found", "Go home"),
        ("/tasks/999", "Page not found", "Back to tasks"),
        ("/admin/users", "You don't have access", "Go home"),
    ):
        page.goto(ada.site + path)
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert faults(page) == []
        page.get_by_role("main").get_by_role("link", name=link).click()
        page.wait_for_url("**/tasks")
