"""The MCP SDK's client: what becomes of its tokens once a URL has led it in."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
import requests
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider, OAuthFlowError
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata
from pydantic import AnyUrl

from tests.browser.test_end_to_end import Memory
from tests.clients.conftest import CALLBACK, Person, status_of

Steps = Callable[[Client], Awaitable[None]]


@pytest.fixture(scope="module")
def grace(site: str) -> Iterator[Person]:
    """Give Grace, an admin, signed in."""
    with requests.Session() as http:
        yield Person(http, site, "grace")


class Tool:
    """An AI tool on the MCP SDK, and its person, who allows whatever it asks for."""

    def __init__(self, site: str, person: Person, **answers: str) -> None:
        self.memory = Memory()
        self.asked: list[str] = []
        self._url = f"{site}/mcp"
        self._person = person
        self._answers = answers
        self._back: dict[str, str] = {}
        metadata = OAuthClientMetadata(
            client_name="An AI tool",
            redirect_uris=[AnyUrl(CALLBACK)],
            token_endpoint_auth_method="none",
            grant_types=["authorization_code", "refresh_token"],
        )
        self.auth = OAuthClientProvider(self._url, metadata, self.memory, self._open, self._answer)

    def token(self) -> str:
        """Give the access token that it holds."""
        assert self.memory.tokens
        return self.memory.tokens.access_token

    def run(self, steps: Steps, mode: Any = "auto") -> None:
        """Connect, and take some steps."""
        used(self._url, self.auth, steps, mode)

    async def _open(self, url: str) -> None:
        self.asked.append(dict(parse_qsl(urlsplit(url).query))["scope"])
        back = await asyncio.to_thread(self._person.allow, url)
        self._back = dict(parse_qsl(urlsplit(back).query))
        assert "code" in self._back, back

    async def _answer(self) -> AuthorizationCodeResult:
        back = {**self._back, **self._answers}
        return AuthorizationCodeResult(code=back["code"], state=back["state"], iss=back["iss"])


def used(url: str, auth: Any, steps: Steps, mode: Any = "auto") -> None:
    """Connect a client that authorizes its requests so, and take some steps."""

    async def main() -> None:
        async with (
            httpx2.AsyncClient(auth=auth) as http,
            Client(streamable_http_client(url, http_client=http), mode=mode) as client,
        ):
            await steps(client)

    # A browser of other tests may have left its loop running in this thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, main()).result(60)


async def titles(client: Client) -> list[str]:
    """Give the titles of the first tasks that the client sees."""
    listed = await client.call_tool("tasks_list", {})
    assert listed.structured_content
    return [task["title"] for task in listed.structured_content["items"]]


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_token_is_renewed_when_it_ran_out_and_asked_for_again_when_it_is_revoked(
    site: str, ada: Person, mode: Literal["auto", "legacy"]
) -> None:
    tool = Tool(site, ada)

    async def steps(client: Client) -> None:
        seen = await titles(client)
        first = tool.memory.tokens
        assert first
        tool.auth.context.token_expiry_time = 1
        assert await titles(client) == seen
        renewed = tool.memory.tokens
        assert renewed
        assert renewed.access_token != first.access_token
        assert renewed.refresh_token != first.refresh_token
        assert len(tool.asked) == 1

        assert tool.memory.client
        given = {"client_id": tool.memory.client.client_id, "token": renewed.refresh_token}
        revoked = await asyncio.to_thread(requests.post, f"{site}/oauth/revoke", given)
        assert revoked.status_code == 200
        assert await titles(client) == seen
        assert len(tool.asked) == 2
        assert tool.token() != renewed.access_token

    tool.run(steps, mode)


def test_a_token_for_mcp_opens_nothing_else(site: str, ada: Person) -> None:
    tool = Tool(site, ada)

    async def steps(client: Client) -> None:
        assert len(await titles(client)) == 20

    tool.run(steps)
    assert status_of(site, tool.token()) == 401


def test_a_tool_is_led_to_the_scopes_that_it_lacks(site: str, grace: Person) -> None:
    tool = Tool(site, grace)

    async def steps(client: Client) -> None:
        mine = await titles(client)
        settings = await client.call_tool("settings_get", {})
        assert settings.structured_content
        assert await titles(client) == mine

    tool.run(steps)
    before, after = (set(asked.split()) for asked in tool.asked)
    assert after - before == {"settings:view"}
    assert tool.memory.tokens
    assert set((tool.memory.tokens.scope or "").split()) == after


@pytest.mark.parametrize("answers", [{"iss": "https://other.example"}, {"state": "another"}])
def test_an_answer_that_is_not_the_servers_is_refused(
    site: str, ada: Person, answers: dict[str, str]
) -> None:
    tool = Tool(site, ada, **answers)

    async def steps(client: Client) -> None:
        await titles(client)

    with pytest.RaisesGroup(OAuthFlowError, flatten_subgroups=True, allow_unwrapped=True):
        tool.run(steps)
    assert tool.memory.tokens is None


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_a_client_acts_for_itself(
    site: str, ada: Person, method: Literal["client_secret_basic", "client_secret_post"]
) -> None:
    known, memory = ada.register(), Memory()
    auth = ClientCredentialsOAuthProvider(
        f"{site}/mcp", memory, **known, token_endpoint_auth_method=method, issuer=site
    )

    async def steps(client: Client) -> None:
        assert len(await titles(client)) == 20
        assert memory.tokens
        first = memory.tokens.access_token
        form = {**known, "token": first}
        url = f"{site}/oauth/introspect"
        inspected = (await asyncio.to_thread(requests.post, url, form)).json()
        assert (inspected["active"], inspected["aud"]) == (True, f"{site}/mcp")
        assert inspected["sub"] == known["client_id"]
        await asyncio.to_thread(requests.post, f"{site}/oauth/revoke", form)
        inspected = (await asyncio.to_thread(requests.post, url, form)).json()
        assert inspected == {"active": False}
        assert len(await titles(client)) == 20
        assert memory.tokens.access_token != first

    used(f"{site}/mcp", auth, steps)
