"""A client that lacks a scope is led to one consent, which asks for what is new alone."""

import re
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from flask import Flask
from flask.testing import FlaskClient
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult
from mcp.client.streamable_http import streamable_http_client
from werkzeug.test import TestResponse

from app.core import scopes
from tests.browser.test_end_to_end import Tool
from tests.conftest import Call, Person
from tests.mcp.conftest import headers_of, message
from tests.mcp.test_dpop import Resource, completed
from tests.oauth.conftest import CALLBACK, Flow, answer_of, sign_in
from tests.processes import free_port, serving, sharing


@pytest.fixture(scope="module")
def app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Give an app that shares its instance with a server at its public URL."""
    url = f"http://127.0.0.1:{free_port()}"
    with sharing(sqlite_template, tmp_path_factory.mktemp("step"), public_url=url) as shared:
        yield shared


@pytest.fixture(scope="module")
def site(app: Flask) -> Iterator[str]:
    """Give the address of the server."""
    url = str(app.extensions["settings"].public_url)
    with serving(app, int(url.rpartition(":")[2])) as (address,):
        assert address == url
        yield address


@pytest.fixture
def flow(app: Flask, call: Call, person: Person) -> Flow:
    """Give a confidential client, with Ada in front of the browser."""
    given = {"name": "Climber", "redirect_uris": [CALLBACK]}
    made = call("oauth_apps.create", person("ada"), given)
    return Flow(sign_in(app.test_client(), "ada"), made.app.client_id, made.client_secret)


def ticks(page: TestResponse) -> list[str]:
    """Give the scopes that a consent page asks for, each with its tick."""
    return re.findall(r'name="scope" value="([^"]+)" checked', page.text)


def allowed_before(page: TestResponse) -> list[str]:
    """Give the scopes that a consent page says were allowed already."""
    _, said, rest = page.text.partition("You have allowed it already")
    shown = rest.partition("</details>")[0] if said else ""
    return re.findall(r"<code[^>]*>([^<]+)</code>", shown)


class Ada:
    """The person in front of the browser; `pages` are the consents that she was asked for."""

    def __init__(self, browser: FlaskClient, *, removes: str) -> None:
        self._flow = Flow(browser, "", None)
        self._removes = removes
        self._answer: dict[str, str] = {}
        self.pages: list[TestResponse] = []

    async def open_url(self, url: str) -> None:
        """Follow a link to the server; at the first time, remove a tick."""
        parts = urlsplit(url)
        page = self._flow.browser.get(f"{parts.path}?{parts.query}")
        without = [] if self.pages else [self._removes]
        self.pages.append(page)
        self._answer = answer_of(self._flow.decide(page, without=without))

    async def answer(self) -> AuthorizationCodeResult:
        """Give what the browser brings back to the client."""
        got = self._answer
        return AuthorizationCodeResult(code=got["code"], state=got["state"], iss=got["iss"])


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
def test_an_mcp_client_steps_up_through_one_page(site: str, app: Flask, mode: Any) -> None:
    ada = Ada(sign_in(app.test_client(), "ada"), removes="tasks:edit")
    tool = Tool(f"{site}/mcp", f"http://127.0.0.1:9999/{mode}")

    async def use() -> tuple[bool, int, bool]:
        async with (
            httpx2.AsyncClient(auth=tool.auth(ada.open_url, ada.answer), timeout=30) as http,
            Client(streamable_http_client(tool.url, http_client=http), mode=mode) as client,
        ):
            listed = await client.call_tool("tasks_list", {})
            asked = len(ada.pages)
            made = await client.call_tool("tasks_create", {"title": "After the step"})
            again = await client.call_tool("tasks_list", {})
            assert again.structured_content
            assert made.structured_content in again.structured_content["items"]
            return bool(listed.is_error), asked, bool(made.is_error)

    assert completed(use()) == (False, 1, False)
    first, second = ada.pages
    assert {"tasks:view", "tasks:edit"} <= set(ticks(first))
    assert allowed_before(first) == []
    assert ticks(second) == ["tasks:edit"]
    assert {"tasks:view", "profile:view"} <= set(allowed_before(second))
    assert "tasks:edit" not in allowed_before(second)
    assert "It asks for more:" in second.text
    assert tool.memory.tokens
    assert {"tasks:view", "tasks:edit"} <= set((tool.memory.tokens.scope or "").split())


NEEDED = [
    (Resource("the API", "POST", "/api/tasks/create", {"title": "By a program"}), "tasks:edit"),
    (
        Resource(
            "MCP",
            "POST",
            "/mcp",
            message("tools/call", name="tasks_create", arguments={"title": "By a tool"}),
        ),
        "tasks:edit",
    ),
    (Resource("userinfo", "GET", "/oauth/userinfo"), "openid"),
]


def shown(site: str, of: Resource, token: str) -> httpx2.Response:
    return httpx2.request(
        of.method, site + of.path, json=of.content, headers=headers_of(token), timeout=30
    )


@pytest.mark.parametrize(("of", "needed"), NEEDED, ids=[of.name for of, _ in NEEDED])
def test_what_a_challenge_names_is_all_that_has_to_be_asked_for(
    site: str, flow: Flow, of: Resource, needed: str
) -> None:
    narrow = flow.tokens(scope="tasks:view")["access_token"]
    refused = shown(site, of, narrow)
    assert refused.status_code == 403
    challenge = dict(re.findall(r'(\w+)="([^"]*)"', refused.headers["WWW-Authenticate"]))
    assert challenge["error"] == "insufficient_scope"
    # MCP 2025-11-25 wants those of the token, too; the API's clients add them up themselves.
    assert set(challenge["scope"].split()) - {"tasks:view"} == {needed}
    page = flow.authorize(scope=scopes.render({"tasks:view", *challenge["scope"].split()}))
    assert allowed_before(page) == ["tasks:view"]
    assert needed in page.text.partition("You have allowed it already")[0]
    wide = flow.exchange(answer_of(flow.decide(page))["code"]).json or {}
    assert shown(site, of, wide["access_token"]).status_code == 200
    assert shown(site, of, narrow).status_code == 403, "the old token did not grow"


@pytest.mark.parametrize("of", [of for of, _ in NEEDED[:2]], ids=attrgetter("name"))
def test_a_challenge_leads_to_the_server_that_can_be_asked(
    site: str, flow: Flow, of: Resource
) -> None:
    refused = shown(site, of, flow.tokens(scope="tasks:view")["access_token"])
    challenge = dict(re.findall(r'(\w+)="([^"]*)"', refused.headers["WWW-Authenticate"]))
    metadata = httpx2.get(challenge["resource_metadata"], timeout=30).json()
    assert (site + of.path).startswith(metadata["resource"])
    (issuer,) = metadata["authorization_servers"]
    server = httpx2.get(f"{issuer}/.well-known/oauth-authorization-server", timeout=30).json()
    assert server["authorization_endpoint"] == f"{site}/oauth/authorize"
    assert set(challenge["scope"].split()) <= set(server["scopes_supported"])


def test_who_declines_the_step_keeps_what_was_allowed(site: str, flow: Flow) -> None:
    narrow = flow.tokens(scope="tasks:view")["access_token"]
    page = flow.authorize(scope="tasks:view tasks:edit")
    assert answer_of(flow.decide(page, "deny"))["error"] == "access_denied"
    assert shown(site, Resource("", "GET", "/api/tasks/list"), narrow).status_code == 200
    assert ticks(flow.authorize(scope="tasks:view tasks:edit")) == ["tasks:edit"]
