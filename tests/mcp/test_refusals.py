"""A refusal at `/mcp` and `/sse` reaches the model: in JSON-RPC, with what to do next."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from mcp import Client, MCPError
from mcp_types import CallToolResult

from app.core.share import Share, shares
from app.extensions import db
from app.mcp.batch import MAX_MESSAGES
from tests.mcp.conftest import Ask, CallTool, asking, headers_of, message, serving
from tests.mcp.test_clients import _used as used
from tests.requirements import requirement

Token = Callable[..., str]


def call_of(name: str, request_id: object = 7, **arguments: object) -> dict[str, Any]:
    return {**message("tools/call", name=name, arguments=arguments), "id": request_id}


CREATE = call_of("tasks_create", title="x")


@pytest.mark.parametrize(
    ("scope", "headers", "status"),
    [
        (None, {}, 401),
        ("tasks:view", {}, 403),
        ("tasks:edit", {"Accept": "text/html"}, 406),
        ("tasks:edit", {"Content-Type": "text/plain"}, 415),
    ],
)
def test_a_refusal_is_a_json_rpc_error_with_the_requests_id(
    ask: Ask, token: Token, scope: str | None, headers: dict[str, str], status: int
) -> None:
    bearer = token("ada", scope) if scope else "lk_at_wrong"
    for path, request_id in (("/mcp", 7), ("/mcp/", "seven")):
        content = json.dumps({**CREATE, "id": request_id})
        answer = ask("POST", path, content=content, headers={**headers_of(bearer), **headers})
        assert answer.status_code == status
        assert answer.headers["Content-Type"] == "application/json"
        assert ("WWW-Authenticate" in answer.headers) == (status in (401, 403))
        body = answer.json()
        assert (body["jsonrpc"], body["id"]) == ("2.0", request_id)
        assert body["error"]["data"]["status"] == status
        assert body["error"]["message"].endswith(".")


@pytest.mark.parametrize("content", [b"{", b"7", b'{"id": true}', b" " * 1_500_000])
def test_where_the_id_cannot_be_read_it_is_null(ask: Ask, token: Token, content: bytes) -> None:
    answer = ask("POST", "/mcp", content=content, headers=headers_of(token("ada")))
    assert answer.status_code in (400, 413)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["id"] is None
    assert answer.json()["error"]["message"]


def test_one_call_too_many_names_the_seconds_to_wait(app: Flask, token: Token) -> None:
    app.extensions["shares"] = replace(shares(limited=False), calls=Share(0))
    with asking(app) as ask:
        answer = ask("POST", "/mcp", json=CREATE, headers=headers_of(token("ada")))
    assert answer.status_code == 429
    assert answer.json()["id"] == 7
    assert answer.headers["Retry-After"] in answer.json()["error"]["message"]


@pytest.mark.parametrize("era", ["auto", "legacy"])
def test_a_client_with_a_fixed_token_is_told_which_scope_it_lacks(
    server: str, token: Token, era: str
) -> None:
    async def use(client: Client) -> None:
        with pytest.raises(MCPError, match=r"tasks_create needs tasks:edit"):
            await client.call_tool("tasks_create", {"title": "x"})
        await client.call_tool("tasks_list", {})

    used(f"{server}/mcp", era, token("ada", "tasks:view"), use)


def _refused_on_a_stream(address: str, era: str, bearer: str) -> CallToolResult:
    async def use(client: Client) -> CallToolResult:
        refused = await client.call_tool("tasks_create", {"title": "x"})
        assert (await client.list_tools()).tools, "the session lives on"
        return refused

    return used(f"{address}/sse", era, bearer, use)


@pytest.mark.parametrize("era", ["auto", "legacy"])
def test_on_a_stream_a_missing_scope_is_the_tools_result(
    server: str, token: Token, era: str
) -> None:
    refused = _refused_on_a_stream(server, era, token("ada", "tasks:view"))
    assert refused.is_error
    text = refused.content[0].text  # type: ignore[union-attr] # our tools give text
    assert "tasks_create needs tasks:edit" in text
    with db.engine.connect() as connection:
        trail = connection.exec_driver_sql(
            "SELECT action, outcome, channel FROM audit_event ORDER BY id DESC LIMIT 1"
        ).one()
    assert tuple(trail) == ("tasks.create", "insufficient_scope", "mcp")


def test_on_a_stream_one_call_too_many_is_the_tools_result(app: Flask, token: Token) -> None:
    app.extensions["shares"] = replace(shares(limited=False), calls=Share(0))
    with serving(app) as address:
        refused = _refused_on_a_stream(address, "legacy", token("ada"))
    assert refused.is_error
    assert "seconds" in refused.content[0].text  # type: ignore[union-attr] # our tools give text


@requirement("mcp:insufficient-scope")
@pytest.mark.parametrize(
    ("version", "scope"),
    [
        (None, "profile:view tasks:view tasks:edit"),
        ("2025-03-26", "profile:view tasks:view tasks:edit"),
        ("2025-11-25", "profile:view tasks:view tasks:edit"),
        ("2026-07-28", "tasks:edit"),
    ],
)
def test_a_challenge_adds_the_tokens_scopes_for_clients_that_do_not_add_them_up(
    call_tool: CallTool, token: Token, version: str | None, scope: str
) -> None:
    headers = {"MCP-Protocol-Version": version} if version else {}
    bearer = token("ada", "tasks:view", "profile:view")
    answer = call_tool(bearer, "tasks_create", {"title": "x"}, **headers)
    assert answer.status_code == 403
    assert f', scope="{scope}", ' in answer.headers["WWW-Authenticate"]


def _posted(ask: Ask, bearer: str, content: object, **headers: str) -> Any:
    answer = ask("POST", "/mcp", json=content, headers={**headers_of(bearer), **headers})
    return answer.status_code, answer.json() if answer.content else None


def test_a_version_that_has_batches_gets_an_answer_for_each_request(
    ask: Ask, token: Token
) -> None:
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    batch = [call_of("tasks_create", 1, title="x"), ready, call_of("tasks_list", "two")]
    for headers in ({}, {"MCP-Protocol-Version": "2025-03-26"}):
        status, answers = _posted(ask, token("ada"), batch, **headers)
        assert status == 200
        assert [answer["id"] for answer in answers] == [1, "two"]
        assert all(answer["result"]["isError"] is False for answer in answers)
    assert _posted(ask, token("ada"), [ready, ready]) == (202, None)


@pytest.mark.parametrize(
    ("batch", "status"),
    [
        ([], 400),
        ([message("initialize")], 400),
        ([message("tools/list"), 7], 400),
        ([call_of("tasks_list", 1), call_of("tasks_create", 2, title="x")], 403),
    ],
)
def test_nothing_of_a_batch_runs_where_a_part_of_it_is_refused(
    ask: Ask, token: Token, batch: list[Any], status: int
) -> None:
    refused, body = _posted(ask, token("ada", "tasks:view"), batch)
    assert refused == status
    ids = [part["id"] for part in batch if isinstance(part, dict)]
    assert [error["id"] for error in body] == (ids or [None])
    assert all("error" in error for error in body)


def test_a_batch_of_too_many_messages_gets_one_error(ask: Ask, token: Token) -> None:
    batch = [message("tools/list")] * (MAX_MESSAGES + 1)
    for bearer, expected in ((token("ada"), 400), ("lk_at_wrong", 401)):
        status, body = _posted(ask, bearer, batch)
        assert (status, body["id"]) == (expected, None)


@pytest.mark.parametrize("version", [None, "2025-06-18", "2026-07-28"])
def test_a_request_without_an_accept_header_takes_any_media_type(
    ask: Ask, token: Token, version: str | None
) -> None:
    # RFC 9110 §12.5.1. The client would send one of its own.
    headers = {**headers_of(token("ada")), "Accept": ""}
    listing = message("tools/list")
    if version:
        meta = {
            "io.modelcontextprotocol/protocolVersion": version,
            "io.modelcontextprotocol/clientCapabilities": {},
            "io.modelcontextprotocol/clientInfo": {"name": "bare", "version": "1"},
        }
        listing = message("tools/list", _meta=meta)
        headers |= {"MCP-Protocol-Version": version, "Mcp-Method": "tools/list"}
    answer = ask("POST", "/mcp", json=listing, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.json()["result"]["tools"]
