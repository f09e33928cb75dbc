"""The API's reference and console, in a browser and without a script."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import axe_playwright_python
import pytest
from playwright.sync_api import Page, Request, expect

from tests.browser.conftest import Person

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LISTS = '.opblock:has([data-path="/api/tasks/list"])'

People = Callable[..., Person]


def opened(person: Person) -> Page:
    """Give the page once the console stands."""
    person.page.goto(f"{person.site}/docs/api")
    person.page.locator(".opblock").first.wait_for()
    return person.page


def faults(page: Page) -> list[str]:
    """Give what axe finds wrong with the page as it stands."""
    # By the debugger: the page's policy lets no script in.
    page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": AXE})
    options = {"runOnly": STANDARDS, "resultTypes": ["violations"]}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [
        f"{each['id']}: {node['html']}" for each in found["violations"] for node in each["nodes"]
    ]


def test_the_console_authorizes_itself_and_calls_the_api(people: People) -> None:
    ada = people()
    ada.sign_in("ada")
    page = opened(ada)
    asked: list[Request] = []
    page.on("request", lambda request: asked.append(request))  # noqa: PLW0108 - not a builtin
    page.get_by_role("button", name="Authorize").click()
    expect(page.locator("#client_secret_authorizationCode")).to_be_hidden()
    with page.context.expect_page() as popup:
        page.locator(".auth-btn-wrapper .authorize").click()
    expect(popup.value.get_by_text("It is part of Latchkey.")).to_be_visible()
    popup.value.get_by_role("button", name="Allow").click()
    page.get_by_text("Logout", exact=True).wait_for()
    page.get_by_role("button", name="Close").last.click()
    page.locator(f"{LISTS} .opblock-summary-control").click()
    page.locator(LISTS).get_by_role("button", name="Try it out").click()
    page.locator(LISTS).get_by_role("button", name="Execute").click()
    expect(page.locator(f"{LISTS} .live-responses-table")).to_contain_text("next_cursor")

    token, call = (r for r in asked if r.url.endswith("/oauth/token") or "/tasks/list" in r.url)
    assert "cookie" not in {**token.all_headers(), **call.all_headers()}
    assert "client_secret" not in (token.post_data or "")
    assert "code_verifier" in (token.post_data or "")
    assert call.headers["authorization"].startswith("Bearer lk_at_")
    assert page.evaluate("Object.keys({...localStorage, ...sessionStorage})") == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 320)])
def test_the_console_is_accessible(scheme: str, width: int, people: People) -> None:
    page = opened(people(color_scheme=scheme, viewport={"width": width, "height": 900}))
    page.locator(f"{LISTS} .opblock-summary-control").click()
    page.locator(LISTS).get_by_role("button", name="Try it out").click()
    page.locator(f"{LISTS} .response").first.wait_for()
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Authorize").click()
    page.locator(".modal-ux").wait_for()
    assert faults(page) == []


def test_the_reference_is_there_without_a_script(people: People) -> None:
    person = people(java_script_enabled=False)
    page = person.page
    page.goto(f"{person.site}/docs/api#tasks.list")
    entry = page.get_by_role(
        "article", name="List your tasks and those of your teams, newest first"
    )
    expect(entry).to_contain_text("GET /api/tasks/list")
    expect(entry).to_contain_text("tasks:view")
    expect(entry).to_contain_text("at least 1, at most 100, default 20")
    expect(page.locator("#console")).to_be_empty()
