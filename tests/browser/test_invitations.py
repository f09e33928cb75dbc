"""Inviting people and following the link, in a browser; and the admins' pages around it."""

import re
from collections.abc import Callable
from itertools import product
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Person
from tests.browser.test_admin_users import overflows
from tests.browser.test_console import faults

People = Callable[..., Person]

SCREENS = list(product((320, 1280), ("light", "dark")))
LONG = "Donaudampfschifffahrtsgesellschaft" * 2


def an_address() -> str:
    return f"{uuid4().hex}@{LONG[:60].lower()}.example.com"


def link_made(page: Page, email: str) -> str:
    """Invite an address from the page that is open, and give the link."""
    page.get_by_label("Invite an address").fill(email)
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_role("heading", name="Pass this link on")).to_be_visible()
    return page.get_by_label("Invitation link", exact=True).input_value()


def is_for_everyone(page: Page, where: str) -> None:
    assert faults(page) == [], where
    assert not overflows(page), where


@pytest.mark.parametrize(("width", "scheme"), SCREENS)
def test_the_pages_are_for_everyone_on_every_screen(
    people: People, width: int, scheme: str
) -> None:
    seen = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    grace, visitor = people(**seen), people(**seen).page
    page = grace.sign_in("grace")
    for path in ("organizations", "organizations?q=x%00", "organizations/new", "access"):
        page.goto(f"{grace.site}/admin/{path}")
        is_for_everyone(page, path)
    page.goto(f"{grace.site}/admin/organizations/new")
    page.get_by_label("Name").fill(LONG)
    page.get_by_role("button", name="Create organization").click()
    link = link_made(page, an_address())
    is_for_everyone(page, "the link")
    page.get_by_role("link", name="I have copied it").click()
    is_for_everyone(page, "an organization")
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("dialog")).to_contain_text("Its link is refused from now on.")
    is_for_everyone(page, "a question")
    visitor.goto(link)
    is_for_everyone(visitor, "the invitation of a new person")
    page.goto(link)
    is_for_everyone(page, "another's invitation")
    visitor.goto(link[:-1])
    is_for_everyone(visitor, "no invitation")


@pytest.mark.parametrize("has_script", [True, False])
def test_from_the_invitation_to_the_organization(people: People, *, has_script: bool) -> None:
    ada, zoe = people(java_script_enabled=has_script), people(java_script_enabled=has_script)
    page, email = ada.sign_in("ada"), f"{uuid4().hex}@example.com"
    page.goto(f"{ada.site}/settings/organizations")
    page.get_by_role("link", name="Acme").click()
    link = link_made(page, email)
    page.get_by_role("link", name="I have copied it").click()
    expect(page.get_by_text(email, exact=True)).to_be_visible()
    theirs = zoe.page
    theirs.goto(link)
    expect(theirs.get_by_role("heading", name="Join Acme")).to_be_visible()
    theirs.get_by_label("Name").fill("Zoë")
    theirs.get_by_label("Password").fill("a long enough one")
    theirs.get_by_role("button", name="Make the account and join").click()
    expect(theirs.get_by_text("Welcome to Acme.")).to_be_visible()
    assert theirs.url == f"{zoe.site}/tasks"
    page.reload()
    expect(page.get_by_role("row", name=re.compile(f"Zoë {email}"))).to_be_visible()
    theirs.goto(link)
    expect(theirs.get_by_text("This invitation does not count any more")).to_be_visible()


def test_who_is_signed_in_as_another_comes_back_as_the_one_who_was_invited(
    people: People,
) -> None:
    grace, ben = people(), people()
    page = grace.sign_in("grace")
    page.goto(f"{grace.site}/admin/organizations/new")
    page.get_by_label("Name").fill("Initech")
    page.get_by_role("button", name="Create organization").click()
    link = link_made(page, "ben@example.com")
    theirs = ben.sign_in("ada")
    theirs.goto(link)
    theirs.get_by_role("main").get_by_role("button", name="Sign out").click()
    theirs.get_by_role("main").get_by_role("link", name="Sign in").click()
    theirs.get_by_label("Email").fill("ben@example.com")
    theirs.get_by_label("Password").fill("latchkey-demo")
    theirs.get_by_role("button", name="Sign in").click()
    theirs.get_by_role("button", name="Join Initech").click()
    expect(theirs.get_by_text("Welcome to Initech.")).to_be_visible()
