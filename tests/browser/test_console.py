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

# Of the 60 entries of the reference, and of the console, all but the first few.
ALIKE = ("#reference article:nth-of-type(n + 4)", ".opblock-tag-section:nth-of-type(n + 4)")

People = Callable[..., Person]


def opened(person: Person) -> Page:
    """Give the page once the console stands."""
    person.page.goto(f"{person.site}/docs/api")
    person.page.locator(".opblock").first.wait_for()
    return person.page


def faults(page: Page, *alike: str) -> list[str]:
    """Give what axe finds wrong with the page as it stands.

    `alike` are selectors of parts that are like others on the page, and are left out.
    """
    # By the debugger: the page's policy lets no script in.
    page.context.new_cdp_session(page).send("Runtime.evaluate", {"expression": AXE})
    options = {"runOnly": STANDARDS, "resultTypes": ["violations"]}
    context = {"include": [["html"]], "exclude": [[selector] for selector in alike]}
    run = "([context, options]) => axe.run(context, options)"
    found: dict[str, Any] = page.evaluate(run, [context, options])
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
        page.locator(".auth-btn-wrapper .authorize").first.click()
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
    assert faults(page, *ALIKE) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.get_by_role("button", name="Authorize").click()
    page.locator(".modal-ux").wait_for()
    assert faults(page, *ALIKE) == []


def asked_for(page: Page) -> list[str]:
    """Return the scopes that the Authorize dialog offers."""
    return page.locator(".scopes .checkbox .name").all_inner_texts()


@pytest.mark.parametrize("name", ["ada", "grace"])
def test_everyone_can_select_all_scopes_that_are_offered(people: People, name: str) -> None:
    person = people()
    person.sign_in(name)
    page = opened(person)
    page.get_by_role("button", name="Authorize").click()
    expect(page.get_by_role("button", name="Close").first).to_be_focused()
    offered, is_admin = asked_for(page), name == "grace"
    assert "tasks:edit" in offered
    assert ("users:viewAll" in offered) is ("roles:edit" in offered) is is_admin
    page.get_by_text("select all").click()
    with page.context.expect_page() as popup:
        page.locator(".auth-btn-wrapper .authorize").first.click()
    frame = popup.value.get_by_role("group", name="Rules the workspace")
    expect(frame).to_be_visible(visible=is_admin)
    assert sorted(popup.value.locator("code").all_text_contents()) == sorted(offered)
    popup.value.get_by_role("button", name="Allow").click()
    page.get_by_text("Logout", exact=True).wait_for()
    page.get_by_role("button", name="Close").last.click()
    expect(page.locator("button.authorize")).to_be_focused()
    operation = '.opblock:has([data-path="/api/users/list"])'
    page.locator(f"{operation} .opblock-summary-control").click()
    page.locator(operation).get_by_role("button", name="Try it out").click()
    page.locator(operation).get_by_role("button", name="Execute").click()
    table = page.locator(f"{operation} .live-responses-table")
    expect(table).to_contain_text("ben@example.com" if is_admin else "insufficient_scope")


def test_a_token_can_be_pasted(people: People) -> None:
    page = opened(people())
    page.get_by_role("button", name="Authorize").click()
    page.get_by_label("Value:").fill("lk_at_pasted")
    page.locator(".auth-btn-wrapper .authorize").last.click()
    page.get_by_role("button", name="Close").last.click()
    page.locator(f"{LISTS} .opblock-summary-control").click()
    page.locator(LISTS).get_by_role("button", name="Try it out").click()
    with page.expect_request("**/api/tasks/list*") as request:
        page.locator(LISTS).get_by_role("button", name="Execute").click()
    assert request.value.headers["authorization"] == "Bearer lk_at_pasted"
    expect(page.locator(f"{LISTS} .live-responses-table")).to_contain_text("malformed")


OVERLAPS = """() => {
  const visible = (each) => each.getClientRects().length && each.closest(".modal-ux-content");
  const leaves = [...document.querySelectorAll(".modal-ux-content *")].filter(
    (each) => visible(each) && !each.querySelector("p, div, h4, h6, input, button, label, code"));
  const boxes = leaves.map((each) => [each, each.getBoundingClientRect()]);
  const found = [];
  for (const [index, [one, a]] of boxes.entries())
    for (const [other, b] of boxes.slice(index + 1)) {
      if (one.contains(other) || other.contains(one)) continue;
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide > 1 && high > 1) found.push(`${one.outerHTML} / ${other.outerHTML}`);
    }
  return [boxes.length, found];
}"""


def test_nothing_in_the_authorize_dialog_overlaps(people: People) -> None:
    person = people()
    person.sign_in("grace")
    page = opened(person)
    page.get_by_role("button", name="Authorize").click()
    page.locator(".modal-ux").wait_for()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (375, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            boxes, overlaps = page.evaluate(OVERLAPS)
            assert boxes > 2 * len(asked_for(page))
            assert overlaps == [], (scheme, width)


# Each class name of app.css on an element inside Swagger UI, whose own styles are off: it must
# look as if it had none.
STYLED = """() => {
  const sheet = (name) => [...document.styleSheets].find((each) => each.href.endsWith(name));
  const rules = (list) => [...list].flatMap((rule) => [
    rule.selectorText ?? "", ...(rule.cssRules ? rules(rule.cssRules) : [])]);
  const selectors = rules(sheet("/app.css").cssRules).join(" ");
  const names = new Set(selectors.match(/\\.-?[a-z][\\w-]*/gi).map((name) => name.slice(1)));
  sheet("/swagger-ui.css").disabled = true;
  const place = document.createElement("div");
  document.querySelector("#console .swagger-ui").replaceChildren(place);
  const looks = ["display", "position", "inset", "width", "height", "min-height", "margin",
    "padding", "border", "border-radius", "background", "color", "font", "gap", "flex", "opacity",
    "grid-template-columns", "align-items", "box-shadow", "outline", "overflow", "white-space",
    "text-decoration", "text-align", "cursor", "appearance", "content"];
  const probes = ["div", "button", "input"].flatMap((tag) => ["", ...names].map((name) => {
    const probe = document.createElement(tag);
    probe.className = name;
    return probe;
  }));
  place.append(...probes);
  const look = (probe) => ["", "::before", "::after"].map((part) => {
    const style = getComputedStyle(probe, part);
    return looks.map((name) => style.getPropertyValue(name)).join();
  }).join();
  const found = [];
  let plain = "";
  for (const probe of probes) {
    if (!probe.className) plain = look(probe);
    else if (look(probe) !== plain) found.push(`${probe.tagName}.${probe.className}`);
  }
  return [names.size, found];
}"""


def test_no_class_of_ours_applies_inside_swagger_ui(people: People) -> None:
    page = opened(people())
    names, found = page.evaluate(STYLED)
    assert names > 100
    assert found == []


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
