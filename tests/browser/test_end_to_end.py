"""The story of the product, on the server that `make run` starts."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest
import requests
from authlib.integrations.requests_client import OAuth2Session
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider, TokenStorage
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from pydantic import AnyUrl

from tests.browser.conftest import Callback, Person, allow

VERIFIER = "the verifier of the end to end tests, long enough".replace(" ", "-").replace(",", "")
People = Callable[..., Person]


def tasks_of(site: str, token: str) -> list[dict[str, Any]]:
    """Give all tasks that a token shows over the HTTP API."""
    answer = requests.get(
        f"{site}/api/tasks/list",
        params={"limit": "100"},
        headers={"Authorization": f"Bearer {token}"},
        timeout=10,
    )
    assert answer.status_code == 200, answer.text
    return list(answer.json()["items"])


class Memory(TokenStorage):
    """What an MCP client remembers."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        """Give the tokens."""
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        """Keep the tokens."""
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        """Give what the server said about the client."""
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        """Keep what the server said about the client."""
        self.client = client_info


class Tool:
    """An MCP client that is given a URL, and finds everything else by itself."""

    def __init__(self, url: str, redirect_uri: str) -> None:
        self.url = url
        self.memory = Memory()
        self._redirect_uri = redirect_uri

    def auth(
        self,
        open_url: Callable[[str], Awaitable[None]],
        answer: Callable[[], Awaitable[AuthorizationCodeResult]],
    ) -> OAuthClientProvider:
        """Give what authorizes the client's requests."""
        metadata = OAuthClientMetadata(
            client_name="An MCP client",
            redirect_uris=[AnyUrl(self._redirect_uri)],
            token_endpoint_auth_method="none",
            grant_types=["authorization_code", "refresh_token"],
        )
        return OAuthClientProvider(
            self.url, metadata, self.memory, redirect_handler=open_url, callback_handler=answer
        )

    async def use(self, auth: OAuthClientProvider, mode: Any) -> tuple[list[str], dict[str, Any]]:
        """List the tools, create a task, and list the tasks."""
        async with AsyncExitStack() as stack:
            if self.url.endswith("/sse"):
                transport: Any = sse_client(self.url, auth=auth)
            else:
                http = await stack.enter_async_context(httpx2.AsyncClient(auth=auth))
                transport = streamable_http_client(self.url, http_client=http)
            client = await stack.enter_async_context(Client(transport, mode=mode))
            tools = await client.list_tools()
            made = await client.call_tool("tasks_create", {"title": f"By a tool, {self.url}"})
            assert not made.is_error
            listed = await client.call_tool("tasks_list", {"limit": 100})
            assert listed.structured_content
            return [tool.name for tool in tools.tools], dict(listed.structured_content)


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlibs_client_gets_a_token_and_sees_its_persons_tasks(
    site: str, people: People, callback: Callback, method: str
) -> None:
    client_id, secret = registered(people(), callback.uri)
    with OAuth2Session(
        client_id,
        secret,
        scope="tasks:view",
        redirect_uri=callback.uri,
        code_challenge_method="S256",
        token_endpoint_auth_method=method,
    ) as client:
        url, state = client.create_authorization_url(
            f"{site}/oauth/authorize", code_verifier=VERIFIER
        )
        answer = allow(site, "ada", url)
        assert answer["state"] == state
        token = client.fetch_token(
            f"{site}/oauth/token", code=answer["code"], code_verifier=VERIFIER
        )
        refreshed = client.refresh_token(f"{site}/oauth/token", token["refresh_token"])
        tasks = client.get(f"{site}/api/tasks/list").json()["items"]
        assert len(tasks) == 20
        assert refreshed["access_token"] != token["access_token"]
        token = refreshed["refresh_token"]
        client.revoke_token(f"{site}/oauth/revoke", token)  # type: ignore[no-untyped-call] # Authlib's stubs
        assert client.get(f"{site}/api/tasks/list").status_code == 401


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        ("/mcp", "auto"),
        ("/mcp", "legacy"),
        ("/mcp/", "auto"),
        ("/sse", "auto"),
        ("/sse", "legacy"),
    ],
)
def test_an_mcp_client_finds_its_way_from_the_url_alone(
    site: str, callback: Callback, path: str, mode: str
) -> None:
    tool = Tool(site + path, callback.uri)
    given: list[dict[str, str]] = []

    async def open_url(url: str) -> None:
        given.append(await asyncio.to_thread(allow, site, "ben", url))

    async def answer() -> AuthorizationCodeResult:
        last = given[-1]
        return AuthorizationCodeResult(code=last["code"], state=last["state"], iss=last["iss"])

    # The browser's own loop may be running in this thread.
    with ThreadPoolExecutor(1) as thread:
        used = thread.submit(asyncio.run, tool.use(tool.auth(open_url, answer), mode))
        names, tasks = used.result(30)
    assert {"tasks_list", "tasks_create"} <= set(names)
    assert "tasks_list_all" not in names
    assert tasks["items"][0]["title"] == f"By a tool, {tool.url}"


def test_the_story(site: str, people: People, callback: Callback) -> None:
    ada = people()
    client_id, secret = registered(ada, callback.uri)
    token = authorized(ada, site, callback, client_id, secret)
    assert len(tasks_of(site, token)) == 40

    bens = people().sign_in("ben")
    bens.get_by_label("New task").fill("Nobody but Ben sees this")
    bens.get_by_role("button", name="Add").click()
    bens.locator("#tasks").get_by_text("Nobody but Ben sees this").wait_for()
    assert len(tasks_of(site, token)) == 40

    tool = Tool(f"{site}/mcp", callback.uri)
    names = connected(ada, tool, callback)
    assert "tasks_create" in names
    assert tool.memory.tokens
    assert tool.memory.client
    assert len(tasks_of(site, token)) == 41

    grace = people()
    grace.sign_in("grace")
    for revoked in (client_id, tool.memory.client.client_id):
        grace.page.goto(f"{site}/admin/oauth-clients/{revoked}")
        grace.page.get_by_text("Revoke", exact=True).first.click()
        confirm = grace.page.get_by_role("button", name="Revoke").last
        confirm.click()
        grace.page.get_by_text("Revoked").first.wait_for()
    over_http = requests.get(
        f"{site}/api/tasks/list", headers={"Authorization": f"Bearer {token}"}, timeout=10
    )
    assert over_http.status_code == 401
    for revoked in (token, tool.memory.tokens.access_token):
        over_mcp = requests.post(
            f"{site}/mcp", headers={"Authorization": f"Bearer {revoked}"}, json={}, timeout=10
        )
        assert over_mcp.status_code == 401


def registered(person: Person, redirect_uri: str) -> tuple[str, str]:
    """Register an OAuth app as Ada does; give its id and its secret, shown this once."""
    page = person.sign_in("ada")
    page.goto(f"{person.site}/settings/oauth-apps/new")
    page.get_by_label("Name").fill("Reporter")
    page.get_by_role("button", name="Add another").click()
    page.get_by_label("Redirect URI 2").fill("https://reports.example.com/callback")
    page.get_by_label("Redirect URI", exact=True).fill(redirect_uri)
    page.get_by_label("Description").fill("Counts what is done.")
    page.get_by_role("button", name="Register").click()
    client_id = page.get_by_role("textbox", name="Client ID").input_value()
    secret = page.get_by_role("textbox", name="Client secret").input_value()
    page.goto(f"{person.site}/settings/oauth-apps/{client_id}")
    assert secret not in page.content()
    return client_id, secret


def authorized(person: Person, site: str, callback: Callback, client_id: str, secret: str) -> str:
    """Send the person to consent in the browser; exchange the code for a token."""
    with OAuth2Session(
        client_id,
        secret,
        scope="tasks:view",
        redirect_uri=callback.uri,
        code_challenge_method="S256",
    ) as client:
        url, _ = client.create_authorization_url(f"{site}/oauth/authorize", code_verifier=VERIFIER)
        person.page.goto(url)
        shown = person.page.locator("main").inner_text()
        assert "Reporter" in shown
        assert "See your tasks and their comments" in shown
        assert callback.uri.split("/")[2] in shown
        person.page.get_by_role("button", name="Allow").click()
        code = callback.answer()["code"]
        token = client.fetch_token(f"{site}/oauth/token", code=code, code_verifier=VERIFIER)
        return str(token["access_token"])


def connected(person: Person, tool: Tool, callback: Callback) -> list[str]:
    """Let an MCP client connect, its person allowing it in the browser; give its tools."""
    urls: asyncio.Queue[str] = asyncio.Queue()
    found: list[str] = []

    async def open_url(url: str) -> None:
        urls.put_nowait(url)

    async def answer() -> AuthorizationCodeResult:
        got = await asyncio.to_thread(callback.answer)
        return AuthorizationCodeResult(code=got["code"], state=got["state"], iss=got["iss"])

    def work() -> None:
        names, _ = asyncio.run(tool.use(tool.auth(open_url, answer), "auto"))
        found.extend(names)

    thread = Thread(target=work)
    thread.start()
    while urls.empty():
        person.page.wait_for_timeout(50)
    person.page.goto(urls.get_nowait())
    person.page.get_by_role("button", name="Allow").click()
    thread.join(30)
    return found


def test_silent_renewal_in_a_frame_ends_at_the_redirect_uri(
    site: str, people: People, callback: Callback
) -> None:
    metadata = {"redirect_uris": [callback.uri], "token_endpoint_auth_method": "none"}
    client_id = requests.post(f"{site}/oauth/register", json=metadata, timeout=10).json()[
        "client_id"
    ]
    query = {
        "client_id": client_id,
        "response_type": "code",
        "redirect_uri": callback.uri,
        "scope": "tasks:view",
        "state": "renewal",
        "prompt": "none",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    page = people().page
    # The client's own page, with its hidden frame.
    page.goto(callback.uri.replace("/callback", "/app"))
    page.evaluate(
        "url => { const frame = document.createElement('iframe'); frame.src = url;"
        " document.body.append(frame); }",
        f"{site}/oauth/authorize?{urlencode(query)}",
    )
    answer = callback.answer()
    assert (answer["error"], answer["state"]) == ("login_required", "renewal")
    assert answer["iss"] == site
