"""The MCP SDK's own client against a real server: both eras, both transports."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
import httpx2
import pytest
from mcp import Client, MCPError
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

from app.extensions import db
from app.surfaces.manifest import NAME, VERSION
from tests.mcp.conftest import headers_of, message
from tests.requirements import requirement

Token = Callable[..., str]
Use = Callable[[Client], Awaitable[Any]]
Given = TypeVar("Given")
WAYS = [
    (path, era) for path in ("/mcp", "/mcp/", "/sse") for era in ("2026-07-28", "legacy", "auto")
]


def _used(address: str, era: str, token: str, use: Callable[[Client], Awaitable[Given]]) -> Given:
    """Connect a client, use it, and give what it found."""
    credentials = {"Authorization": f"Bearer {token}"}

    async def main() -> Given:
        async with httpx2.AsyncClient(headers=credentials, timeout=10) as http:
            transport = (
                sse_client(address, headers=credentials)
                if address.endswith("/sse")
                else streamable_http_client(address, http_client=http)
            )
            async with Client(transport, mode=era) as client:
                return await use(client)

    return anyio.run(main)


@pytest.mark.parametrize(("path", "era"), WAYS)
def test_a_client_lists_and_calls_tools(server: str, token: Token, path: str, era: str) -> None:
    async def use(client: Client) -> tuple[list[str], CallToolResult, CallToolResult]:
        listed = await client.list_tools()
        made = await client.call_tool("tasks_create", {"title": f"by {era} at {path}"})
        found = await client.call_tool("tasks_list", {"status": "open"})
        return [tool.name for tool in listed.tools], made, found

    names, made, found = _used(server + path, era, token("ada"), use)
    assert "tasks_create" in names
    assert "tasks_list_all" not in names
    assert made.structured_content
    assert found.structured_content
    assert found.structured_content["items"] == [made.structured_content]


@pytest.mark.parametrize("era", ["auto", "legacy"])
def test_a_client_is_told_whose_server_it_is(server: str, token: Token, era: str) -> None:
    async def use(client: Client) -> Any:
        return client.server_info

    info = _used(f"{server}/mcp", era, token("ada"), use)
    assert (info.name, info.title, info.version) == ("latchkey", NAME, VERSION)
    assert info.website_url == "http://127.0.0.1:8000/"
    [icon] = info.icons
    path = icon.src.removeprefix("http://127.0.0.1:8000")
    assert httpx2.get(server + path).headers["Content-Type"].startswith(icon.mime_type)


@pytest.mark.parametrize("path", ["/mcp", "/sse"])
def test_a_client_is_told_what_it_did_wrong(server: str, token: Token, path: str) -> None:
    async def use(client: Client) -> CallToolResult:
        with pytest.raises(MCPError, match="Unknown tool"):
            await client.call_tool("tasks_list_all", {})
        return await client.call_tool("tasks_create", {"title": ""})

    result = _used(server + path, "auto", token("ada"), use)
    assert result.is_error
    assert "- title:" in result.content[0].text  # type: ignore[union-attr] # our tools give text


async def _open_stream(http: httpx2.AsyncClient, address: str, token: str, use: Use) -> None:
    """Open an SSE stream by hand, and give the address where its messages go."""
    headers = {"Authorization": f"Bearer {token}"}
    async with http.stream("GET", f"{address}/sse", headers=headers) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data: "):
                await use(line.removeprefix("data: "))  # type: ignore[arg-type] # the address
                return


def _posted(server: str, opener: str, poster: str, before: Callable[[], None]) -> int:
    """Open a stream with one token and post to it with another; give the post's status."""
    statuses: list[int] = []

    async def main() -> None:
        async with httpx2.AsyncClient(timeout=10) as http:

            async def post(path: Any) -> None:
                before()
                answer = await http.post(
                    server + path, json=message("tools/list"), headers=headers_of(poster)
                )
                statuses.append(answer.status_code)

            await _open_stream(http, server, opener, post)

    anyio.run(main)
    return statuses[0]


def test_a_stream_takes_its_own_persons_messages(server: str, token: Token) -> None:
    assert _posted(server, token("ada"), token("ada"), lambda: None) == 202


def test_a_stream_of_another_person_does_not_exist(server: str, token: Token) -> None:
    assert _posted(server, token("ada"), token("ben"), lambda: None) == 404


@requirement("mcp:each-request-authorized")
def test_a_token_revoked_while_its_stream_is_open_is_refused(server: str, token: Token) -> None:
    def revoke() -> None:
        with db.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE oauth_grant SET revoked_at = 1")

    held = token("ada")
    assert _posted(server, held, held, revoke) == 401
