"""The admins' pages: every OAuth client, and who may touch them."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.blueprints.conftest import Browser
from tests.conftest import Call, Person

CLIENTS = "/admin/oauth-clients"
FILLED: dict[str, Any] = {"name": "Intranet", "redirect_uris": ["https://intranet.example/cb"]}

Browsers = Callable[[str], Browser]


@pytest.fixture
def grace(browser: Browsers) -> Browser:
    """Give the browser of Grace, who is an admin."""
    return browser("grace")


def test_an_admin_sees_every_client_with_its_owner_source_and_grants(
    grace: Browser, client_id: str, token: Callable[..., str]
) -> None:
    token("ada", "tasks:view")
    token("ben", "tasks:view")
    for path in ("/admin", CLIENTS):
        rows = grace.get(path).text.split("<tr ")
        row = next(row for row in rows if f'id="client-{client_id}"' in row)
        for fact in ("Reporter", "ada@example.com", "User", "http://127.0.0.1:9999/callback"):
            assert fact in row
        assert re.search(r"<code[^>]*>tasks:view</code>\s*<span[^>]*>by 2</span>", row)


@pytest.mark.parametrize(("q", "count"), [("report", 1), ("9999", 1), ("100%", 0)])
def test_the_search_finds_by_name_id_and_redirect_uri(
    grace: Browser, client_id: str, q: str, count: int
) -> None:
    page = grace.get(CLIENTS, q=q).text
    assert page.count(f'id="client-{client_id}"') == count
    assert f'value="{q}"' in page


@pytest.mark.parametrize("query", [{"cursor": "!!"}, {"q": "x" * 201}, {"q": "\0"}])
def test_a_bad_search_says_so_and_shows_all(
    grace: Browser, client_id: str, query: dict[str, str]
) -> None:
    answer = grace.get(CLIENTS, **query)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert f"client-{client_id}" in answer.text


def test_older_clients_are_a_page_further(grace: Browser, call: Call, person: Person) -> None:
    for number in range(21):
        call("oauth_apps.create", person("ada"), {**FILLED, "name": f"App {number}."})
    first = grace.get(CLIENTS, q="App").text
    older = re.search(r'href="([^"]+)">Show older', first)
    assert older
    second = grace.get(older[1].replace("&amp;", "&")).text
    assert "App 0." in second
    assert "App 0." not in first
    assert "App 20." not in second


@pytest.mark.parametrize("send", ["submit", "swap"])
def test_an_admin_creates_a_client_and_sees_its_secret_once(grace: Browser, send: str) -> None:
    answer = getattr(grace, send)(f"{CLIENTS}/new", FILLED)
    secret = re.search(r"lk_cs_\w+", answer.text)
    assert answer.status_code == 201
    assert secret
    assert "no-store" in answer.headers["Cache-Control"]
    page = grace.get(CLIENTS).text
    assert "Intranet" in page
    assert "Admin" in page
    assert secret[0] not in page


def test_a_wrong_form_comes_back_with_its_values(grace: Browser) -> None:
    answer = grace.submit(f"{CLIENTS}/new", {**FILLED, "redirect_uris": ["ftp://a.example"]})
    assert answer.status_code == 422
    assert 'value="Intranet"' in answer.text
    assert 'id="redirect_uris-0-error"' in answer.text


def test_an_admin_revokes_and_deletes_a_client_of_anyone(grace: Browser, client_id: str) -> None:
    path = f"{CLIENTS}/{client_id}"
    assert "Revoked" in grace.swap(f"{path}/revoke").text
    assert grace.submit(f"{path}/revoke").headers["Location"] == path
    assert "Revoked" in grace.get(path).text
    assert grace.submit(f"{path}/delete", {"typed": "something else"}).status_code == 422
    assert grace.submit(f"{path}/delete", {"typed": "Reporter"}).headers["Location"] == CLIENTS
    assert grace.get(path).status_code == 404


@pytest.mark.parametrize("path", ["", "/revoke", "/delete"])
def test_an_unknown_client_is_not_there(grace: Browser, path: str) -> None:
    url = f"{CLIENTS}/nosuch{path}"
    assert (grace.submit(url) if path else grace.get(url)).status_code == 404


@pytest.mark.parametrize(
    ("path", "method", "scope"),
    [
        ("/admin", "get", "oauth-clients:viewAll"),
        (CLIENTS, "get", "oauth-clients:viewAll"),
        (f"{CLIENTS}/new", "get", "oauth-clients:edit"),
        (f"{CLIENTS}/new", "submit", "oauth-clients:edit"),
        (f"{CLIENTS}/{{}}", "get", "oauth-clients:viewAll"),
        (f"{CLIENTS}/{{}}/revoke", "submit", "oauth-clients:edit"),
        (f"{CLIENTS}/{{}}/delete", "submit", "oauth-clients:"),
    ],
)
def test_a_member_is_told_which_scope_is_missing(
    browser: Browsers, client_id: str, path: str, method: str, scope: str
) -> None:
    answer = getattr(browser("ada"), method)(path.format(client_id))
    assert answer.status_code == 403
    assert scope in answer.text


def test_only_admins_are_offered_the_way_in(browser: Browsers) -> None:
    assert 'href="/admin/oauth-clients"' in browser("grace").get("/settings/connections").text
    assert 'href="/admin' not in browser("ada").get("/settings/connections").text
