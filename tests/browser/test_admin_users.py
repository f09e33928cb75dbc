"""The admins' pages about people, in a browser."""

from collections.abc import Callable
from itertools import product

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.test_console import faults

People = Callable[..., Person]

# Ben and Grace, in the demo workspace.
BEN, GRACE = "/admin/users/2", "/admin/users/3"
PAGES = ["/admin", "/admin/users", "/admin/users?q=nobody", "/admin/users?status=odd", BEN, GRACE]
SCREENS = list(product((320, 1280), ("light", "dark")))


def overflows(page: Page) -> bool:
    """Tell whether the page has to be moved sideways to be read."""
    found: bool = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    return found


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_the_pages_are_for_everyone_on_every_screen(
    people: People, width: int, scheme: str
) -> None:
    grace = people(color_scheme=scheme, viewport={"width": width, "height": 800})
    page = grace.sign_in("grace")
    for path in PAGES:
        page.goto(grace.site + path)
        assert faults(page) == [], path
        assert not overflows(page), path
    if width == 320:
        _ban(grace.site, page)
    page.goto(grace.site + BEN)
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_role("dialog")).to_contain_text("Nothing of theirs is deleted")
    assert faults(page) == []
    assert not overflows(page)


def _ban(site: str, page: Page) -> None:
    """Look at the banned hosts: one with a long name, and the form with its fault."""
    page.goto(f"{site}/admin/oauth-clients/bans")
    host = ".".join(["x" * 60] * 4)
    for host_now in (host, f"https://{host}"):
        page.get_by_role("textbox", name="Host").fill(host_now)
        page.get_by_role("button", name="Ban host").click()
        expect(page.get_by_role("cell", name=host)).to_be_visible()
        assert not overflows(page)
    assert faults(page) == []
    page.get_by_role("button", name="Remove ban").click()
    expect(page.get_by_role("dialog")).to_contain_text("with the tokens they had")
    assert faults(page) == []
    assert not overflows(page)
    page.get_by_role("dialog").get_by_role("button", name="Remove ban").click()
    expect(page.get_by_text("No banned hosts")).to_be_visible()


def test_a_refusal_is_in_sight_and_has_the_focus(people: People) -> None:
    grace = people()
    page = grace.sign_in("grace")
    page.goto(grace.site + GRACE)
    page.get_by_role("checkbox", name="Admin").uncheck()
    page.get_by_role("button", name="Save roles").click()
    refusal = page.get_by_role("alert")
    expect(refusal).to_have_text("Nobody else is an admin: make somebody one first.")
    expect(refusal).to_be_focused()
    expect(page.get_by_role("checkbox", name="Admin")).not_to_be_checked()
    assert faults(page) == []


@pytest.mark.parametrize("has_script", [True, False])
def test_who_is_suspended_is_out_and_comes_back_in(people: People, *, has_script: bool) -> None:
    ben, grace = people(), people(java_script_enabled=has_script)
    page = grace.sign_in("grace")
    theirs = ben.sign_in("ben")
    page.goto(grace.site + BEN)
    page.get_by_role("button", name="Suspend").click()
    page.get_by_role("button", name="Suspend Ben").click()
    expect(page.get_by_text("Ben is suspended:")).to_be_visible()
    theirs.reload()
    assert "/login" in theirs.url
    page.get_by_role("button", name="Let in again").click()
    expect(page.get_by_text("Ben may sign in again.")).to_be_visible()
    ben.sign_in("ben")
