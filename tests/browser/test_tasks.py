"""The task tracker's pages, with a script and without one."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Person

People = Callable[..., Person]


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without"])
def test_a_task_lives_its_life(people: People, javascript: Any) -> None:
    page = people(java_script_enabled=javascript).sign_in("ada")
    page.get_by_label("New task").fill("Write the <b>minutes</b>")
    page.get_by_role("button", name="Add").click()
    row = page.locator("#tasks > li").first
    expect(row).to_contain_text("Write the <b>minutes</b>")

    row.get_by_role("button", name="Complete").click()
    expect(page.locator("#tasks > li").first).to_contain_text("Done")
    page.locator("#tasks > li").first.get_by_role("button", name="Reopen").click()
    expect(page.locator("#tasks > li").first).to_contain_text("Added")

    page.locator("#tasks > li").first.get_by_role("link", name="Edit").click()
    page.get_by_label("Title").fill("")
    page.get_by_label("Notes").fill("Kept on the way")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Title")
    expect(page.get_by_label("Notes")).to_have_value("Kept on the way")
    page.get_by_label("Title").fill("Write the minutes")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#tasks > li").first).to_contain_text("Write the minutes")

    page.locator("#tasks > li").first.get_by_role(
        "link", name="Write the minutes", exact=True
    ).click()
    page.get_by_label("New comment").fill("Who was there?")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator("#comments > li").first).to_contain_text("Who was there?")

    page.get_by_role("navigation", name="Main").get_by_role("link", name="Tasks").click()
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("#tasks > li").first.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Write the minutes")).to_have_count(0)


@pytest.mark.parametrize("javascript", [True, False], ids=["with script", "without"])
def test_an_empty_title_is_said_at_the_field(people: People, javascript: Any) -> None:
    page = people(java_script_enabled=javascript).sign_in("ben")
    page.get_by_label("New task").fill("   ")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("#new-title-error")).to_contain_text("Enter a title")
    expect(page.locator("#add-task")).to_have_count(1)


def test_search_and_pages_find_what_is_there(people: People) -> None:
    page = people().sign_in("ben")
    page.get_by_label("Search").fill("budget")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#tasks > li")).to_have_count(8)
    page.goto(page.url.split("?")[0])
    page.get_by_role("link", name="Show older").click()
    expect(page.locator("#tasks > li")).to_have_count(5)


def test_anothers_task_is_not_there(people: People) -> None:
    page = people().sign_in("ben")
    answer = page.goto(page.url.replace("/tasks", "/tasks/1"))
    assert answer
    assert answer.status == 404
