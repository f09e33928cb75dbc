"""Names and addresses of any length: no page has to be moved sideways to be read."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.browser.conftest import PASSWORD, Person, hidden
from tests.oauth.conftest import CHALLENGE

People = Callable[..., Person]

LONG = "W" * 80
DOMAIN = f"{'w' * 60}.example.com"
URI = f"https://{DOMAIN}/{'callback' * 39}"
EMAIL = f"{'w' * 60}@{DOMAIN}"
ORGANIZATIONS, APPS, ROLES = "/admin/organizations", "/settings/oauth-apps", "/admin/roles"
CLIENTS = "/admin/oauth-clients"


class FormSender:
    """Grace, who sends forms without a browser."""

    def __init__(self, site: str) -> None:
        self._site = site
        self._session = requests.Session()
        self.send("/signup", name=LONG, email=EMAIL, password=PASSWORD)
        self.send("/login", email="grace@example.com", password=PASSWORD)

    def send(self, page: str, action: str = "", **fields: Any) -> requests.Response:
        """Send a form of a page."""
        token = hidden(self.text(page))["csrf_token"]
        sent = {**fields, "csrf_token": token}
        answer = self._session.post(self._site + page + action, data=sent, timeout=30)
        assert answer.status_code in (200, 201), (page, action, answer.text)
        return answer

    def text(self, page: str) -> str:
        """Return a page."""
        return self._session.get(self._site + page, timeout=30).text

    def allow(self, address: str) -> None:
        """Allow an app what it asks for, and do not follow it."""
        sent = {**hidden(self.text(address)), "decision": "allow", "scope": "tasks:view"}
        there = f"{self._site}/oauth/consent"
        answer = self._session.post(there, data=sent, timeout=30, allow_redirects=False)
        assert answer.status_code == 303

    def create(self, page: str, action: str = "", **fields: Any) -> str:
        """Send a form; return the path of the page that it led to."""
        return self.send(page, action, **fields).request.path_url


def name_an_organization(grace: FormSender) -> list[str]:
    organization = grace.create(f"{ORGANIZATIONS}/new", name=LONG, domain=DOMAIN)
    own, key = organization.replace("/admin/", "/settings/"), organization.rpartition("/")[2]
    grace.send(own, "/invitations", email=f"x{EMAIL}")
    grace.send(organization, "/members", email=EMAIL, standing="manager")
    team = grace.create(own, "/teams", name=LONG)
    grace.send(team, "/members", user_id="3")
    grace.send("/settings/organizations", "/current", organization_id=key)
    grace.send("/projects", name=LONG, description=LONG, organization_id=key)
    grace.send("/tasks", title=LONG, notes=LONG, team_id=team.rpartition("/")[2])
    found = re.search(r'id="task-(\d+)"', grace.text("/tasks"))
    assert found
    task = f"/tasks/{found[1]}"
    grace.send(task, "/comments", body=LONG * 4)
    return [organization, own, team, task, f"{task}/edit", "/tasks", "/projects"]


def name_people(grace: FormSender) -> list[str]:
    scopes = ["tasks:view", "users:viewAll"]
    role = grace.create(f"{ROLES}/new", name=LONG[:40], description=LONG, scopes=scopes)
    grace.send("/admin/users/3", "/roles", role_ids=["2", role.rpartition("/")[2]])
    grace.send("/admin/users/3", "/external-id", external_id=LONG)
    grace.send("/admin/workspace", name=LONG, welcome=LONG * 3)
    grace.send("/admin/resources", identifier=URI, name=LONG)
    grace.send("/admin/access", "/invitations", email=f"y{EMAIL}")
    return [
        "/admin/users",
        "/admin/users/3",
        "/admin/users/4",
        "/admin/workspace",
        ROLES,
        f"{ROLES}/new",
        role,
    ]


def name_an_app(grace: FormSender) -> list[str]:
    uris = [URI, f"com.example.{'w' * 80}:/{'w' * 80}", "http://127.0.0.1/cb"]
    created = grace.send(f"{APPS}/new", name=LONG, redirect_uris=uris, description=LONG)
    found = re.search(r'id="client-id"[^>]* value="(\w+)"', created.text)
    assert found
    app, client = f"{APPS}/{found[1]}", f"{CLIENTS}/{found[1]}"
    changes = {"name": LONG, "client_uri": URI, "post_logout_redirect_uris": URI}
    grace.send(f"{app}/edit", redirect_uris=uris, scopes=["tasks:view", "tasks:edit"], **changes)
    grace.send(app, "/secrets", label=LONG)
    asks = {
        "response_type": "code",
        "client_id": found[1],
        "redirect_uri": URI,
        "state": "x",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "scope": "tasks:view",
    }
    query = "&".join(f"{name}={value}" for name, value in asks.items())
    grace.allow(f"/oauth/authorize?{query}")
    return [
        *(APPS, app, f"{app}/edit", CLIENTS, client, f"{CLIENTS}/rules/{found[1]}"),
        f"/oauth/authorize?{query}%20tasks:edit",
    ]


@pytest.fixture(scope="module")
def long_pages(site: str) -> list[str]:
    """Return the addresses of the pages that show what people named."""
    grace = FormSender(site)
    return [
        *("/admin", "/admin/scopes", "/admin/access", "/admin/resources", "/nosuch"),
        *(ORGANIZATIONS, "/settings/organizations", "/settings/connections", "/docs/api"),
        *name_an_organization(grace),
        *name_people(grace),
        *name_an_app(grace),
        f"/admin/explain?procedure=tasks.list&user={EMAIL}",
    ]


def sideways(page: Page) -> int:
    """Return by how many pixels a page is wider than the screen."""
    return int(page.evaluate("document.scrollingElement.scrollWidth - innerWidth"))


def widths(page: Page, addresses: list[str]) -> dict[str, int]:
    """Return which pages are too wide, on a large screen or on a small one."""
    wide = {}
    for address in addresses:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(address)
        for width in (1280, 320):
            page.set_viewport_size({"width": width, "height": 800})
            if (excess := sideways(page)) > 0:
                wide[f"{address} at {width}"] = excess
    return wide


def test_no_name_widens_a_page(people: People, long_pages: list[str]) -> None:
    grace, other = people(), people()
    page = grace.sign_in("grace")
    assert widths(page, [grace.site + path for path in long_pages]) == {}
    page.goto(grace.site + APPS)
    # The list shows the ends of a long URI, and has all of it for who hovers or listens.
    short = page.get_by_title(URI)
    expect(short).to_contain_text(f"https://{DOMAIN}/callbackcal…backcallback")
    expect(short).to_contain_text(URI)
    assert (short.bounding_box() or {"height": 999})["height"] < 200
    theirs = other.page
    theirs.goto(f"{other.site}/login")
    theirs.get_by_label("Email").fill(EMAIL)
    theirs.get_by_label("Password").fill(PASSWORD)
    theirs.get_by_label("Password").press("Enter")
    theirs.wait_for_url("**/tasks")
    own = ["/tasks", "/projects", "/settings/organizations", "/settings/organizations/3"]
    assert widths(theirs, [other.site + path for path in own]) == {}
