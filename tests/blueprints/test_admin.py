"""The admins' pages: every OAuth client, and who may touch them."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from app.extensions import db
from app.oauth import console
from tests.blueprints.conftest import Browser
from tests.conftest import Call, Person

CLIENTS = "/admin/oauth-clients"
FILLED: dict[str, Any] = {"name": "Intranet", "redirect_uris": ["https://intranet.example/cb"]}

Browsers = Callable[[str], Browser]


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
    secret = re.search(r"lk_cs_[\w-]+", answer.text)
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
        (CLIENTS, "get", "oauth-clients:viewAll"),
        (f"{CLIENTS}/new", "get", "oauth-clients:edit"),
        (f"{CLIENTS}/new", "submit", "oauth-clients:edit"),
        (f"{CLIENTS}/{{}}", "get", "oauth-clients:viewAll"),
        (f"{CLIENTS}/{{}}/revoke", "submit", "oauth-clients:edit"),
        (f"{CLIENTS}/{{}}/delete", "submit", "oauth-clients:"),
    ],
)
def test_a_member_is_told_whom_to_ask(
    browser: Browsers, client_id: str, path: str, method: str, scope: str
) -> None:
    answer = getattr(browser("ada"), method)(path.format(client_id))
    assert answer.status_code == 403
    assert "Ask an admin." in answer.text
    assert scope not in answer.text


def test_a_client_that_registered_itself_is_shown_as_such(app: Flask, grace: Browser) -> None:
    program = app.test_client(use_cookies=False)
    metadata = {"redirect_uris": ["http://127.0.0.1/cb"], "client_name": "Claude"}
    client_id = program.post("/oauth/register", json=metadata).get_json()["client_id"]
    for path in (CLIENTS, f"{CLIENTS}/{client_id}"):
        page = grace.get(path).text
        assert "Self-registered" in page
        assert "http://127.0.0.1/cb" in page
    assert "Nobody has connected it." in page
    assert "Never used" in page


def test_when_a_client_was_last_used_is_shown(
    app: Flask, grace: Browser, client_id: str, token: Callable[..., str]
) -> None:
    headers = {"Authorization": f"Bearer {token('ada', 'tasks:view')}"}
    assert "Never used" in grace.get(f"{CLIENTS}/{client_id}").text
    program = app.test_client(use_cookies=False)
    assert program.get("/api/tasks/list", headers=headers).status_code == 200
    page = grace.get(f"{CLIENTS}/{client_id}").text
    assert "Never used" not in page
    assert "1 person has connected it." in page


def test_a_client_that_an_admin_revokes_is_refused_at_once(
    app: Flask, grace: Browser, client_id: str, token: Callable[..., str]
) -> None:
    headers = {"Authorization": f"Bearer {token('ada')}"}
    program = app.test_client(use_cookies=False)
    assert program.get("/api/tasks/list", headers=headers).status_code == 200
    grace.swap(f"{CLIENTS}/{client_id}/revoke")
    assert program.get("/api/tasks/list", headers=headers).status_code == 401


@pytest.mark.parametrize("send", ["submit", "swap"])
def test_the_console_can_be_revoked_and_not_deleted(app: Flask, grace: Browser, send: str) -> None:
    console.ensure(db.engine, "http://127.0.0.1:8000", now=1)
    path = f"{CLIENTS}/{console.CLIENT_ID}"
    assert f'action="{path}/revoke"' in grace.get(path).text
    assert f'action="{path}/revoke"' in grace.get(CLIENTS).text
    assert f'action="{path}/delete"' not in grace.get(path).text
    refused = grace.submit(f"{path}/delete", {"typed": "API console"})
    assert refused.status_code == 409
    assert "revoke it" in refused.text
    answer = getattr(grace, send)(f"{path}/revoke")
    assert answer.status_code == {"submit": 303, "swap": 200}[send]
    console.ensure(db.engine, "http://127.0.0.1:8000", now=2)
    page = grace.get(path).text
    assert "Revoked" in page
    assert f'action="{path}/revoke"' not in page


def test_after_deleting_by_htmx_the_browser_is_sent_to_the_list(
    grace: Browser, client_id: str
) -> None:
    answer = grace.swap(f"{CLIENTS}/{client_id}/delete", {"typed": "Reporter"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (204, CLIENTS)


def test_a_member_learns_nothing_of_a_client_from_the_refusal(
    browser: Browsers, client_id: str
) -> None:
    ben = browser("ben")
    refusals = {ben.get(f"{CLIENTS}/{key}").status_code for key in (client_id, "nosuch")}
    assert refusals == {403}
    assert "Reporter" not in ben.get(f"{CLIENTS}/{client_id}").text


def test_what_a_client_says_of_itself_is_text_here_too(
    grace: Browser, call: Call, person: Person
) -> None:
    markup = '<b onclick="x">'
    given = {**FILLED, "name": markup, "description": markup}
    made = call("oauth_apps.create", person("ada"), given)
    for path in ("/admin", CLIENTS, f"{CLIENTS}/{made.app.client_id}"):
        assert markup not in grace.get(path).text
