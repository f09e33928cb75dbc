"""What must be true of a request before the MCP SDK sees it."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from flask import Flask

from app.core import scopes
from app.core.principal import Channel
from app.core.share import CALLS, shares
from app.extensions import db
from app.procedures import catalogue
from tests.conftest import PASSWORD, change, stop_the_minute
from tests.mcp.conftest import Ask, CallTool, asking, headers_of, message
from tests.processes import cookie_of
from tests.requirements import requirement

Token = Callable[..., str]
ENTRANCES = [("POST", "/mcp"), ("POST", "/mcp/"), ("GET", "/sse"), ("POST", "/messages/")]
SCOPED = [item for item in catalogue().on(Channel.MCP) if not item.public]
PUBLIC_URL = "http://127.0.0.1:8000"
PING = json.dumps(message("tools/list"))


@requirement(
    "rfc6750:challenge-in-each-401",
    "rfc6750:nothing-sent-no-error",
    "rfc9728:challenge-leads-there",
    "mcp:scope-in-the-challenge",
    "mcp:told-where",
)
@pytest.mark.parametrize(("method", "path"), [*ENTRANCES, ("POST", "/messages")])
def test_without_a_token_the_challenge_says_where_to_get_one(
    ask: Ask, method: str, path: str
) -> None:
    answer = ask(method, path)
    entrance = path if path.startswith("/mcp") else "/sse"
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == (
        f'Bearer scope="{" ".join(scopes.BASIC)}", '
        f'resource_metadata="{PUBLIC_URL}/.well-known/oauth-protected-resource{entrance}"'
    )
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


@requirement("rfc6750:invalid-token", "mcp:invalid-is-401")
@pytest.mark.parametrize(("method", "path"), ENTRANCES)
def test_a_wrong_token_is_an_invalid_one(ask: Ask, method: str, path: str) -> None:
    answer = ask(method, path, headers=headers_of("lk_at_nonsense"))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@requirement("rfc6750:no-token-in-the-url", "mcp:no-token-in-the-query")
def test_a_token_in_the_address_counts_for_nothing(ask: Ask, token: Token) -> None:
    assert ask("POST", f"/mcp?access_token={token('ada')}").status_code == 401


@requirement("mcp:audience-checked")
def test_a_token_for_the_api_alone_is_refused(call_tool: CallTool, token: Token) -> None:
    answer = call_tool(token("ada", resource=f"{PUBLIC_URL}/api"), "tasks_list")
    assert answer.status_code == 401


def test_a_token_for_mcp_is_good_at_both_transports(ask: Ask, token: Token) -> None:
    headers = headers_of(token("ada", resource=f"{PUBLIC_URL}/mcp"))
    listing = json.dumps(message("tools/list"))
    assert ask("POST", "/mcp", content=listing, headers=headers).status_code == 200
    # There is no such stream; that it is looked for means that the token was good.
    path = "/messages/?session_id=" + "0" * 32
    assert ask("POST", path, content=listing, headers=headers).status_code == 404


def test_a_revoked_token_is_refused_at_once(
    call_tool: CallTool, token: Token, client_id: str
) -> None:
    held = token("ada")
    assert call_tool(held, "tasks_list").status_code == 200
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE oauth_grant SET revoked_at = 1")
    assert call_tool(held, "tasks_list").status_code == 401


@requirement("mcp:origin-checked")
def test_on_a_loopback_address_a_foreign_page_without_a_token_is_refused(ask: Ask) -> None:
    for origin in ("http://evil.example", "null", "http://[", "file://"):
        for method, path in ENTRANCES:
            answer = ask(method, path, headers={"Origin": origin})
            body = answer.json()
            # A POST to /mcp is answered in JSON-RPC.
            problem = body["error"]["data"] if "jsonrpc" in body else body
            assert (answer.status_code, problem["code"]) == (403, "origin_refused"), path


@requirement("mcp:origin-checked")
def test_a_page_whose_host_was_rebound_to_this_machine_is_refused_with_a_token(
    call_tool: CallTool, token: Token
) -> None:
    rebound = {"Origin": "http://evil.example", "Host": "evil.example"}
    assert call_tool(token("ada"), "tasks_list", **rebound).status_code == 403
    local = {"Origin": "http://localhost:8000", "Host": "localhost:8000"}
    assert call_tool(token("ada"), "tasks_list", **local).status_code == 200


@pytest.mark.parametrize("origin", [PUBLIC_URL, "http://localhost:6274", "http://[::1]:9"])
def test_a_page_of_this_machine_is_told_where_to_get_a_token(ask: Ask, origin: str) -> None:
    answer = ask("POST", "/mcp", headers={"Origin": origin})
    assert answer.status_code == 401
    assert "resource_metadata=" in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("origin", [PUBLIC_URL, "http://localhost:6274", "https://app.example"])
def test_a_page_of_any_origin_may_call_with_a_token(
    call_tool: CallTool, token: Token, origin: str
) -> None:
    answer = call_tool(token("ada"), "tasks_list", Origin=origin)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_session_and_a_token_at_once_are_a_400(ask: Ask, app: Flask, token: Token) -> None:
    browser = app.test_client()
    browser.get("/login")
    headers = headers_of(token("ada"))
    for is_signed_in in (False, True):
        if is_signed_in:
            app.config["WTF_CSRF_ENABLED"] = False
            browser.post("/login", data={"email": "ada@example.com", "password": PASSWORD})
        cookie = cookie_of(browser, app)
        for method, path in ENTRANCES if is_signed_in else ENTRANCES[:2]:
            answer = ask(method, path, content=PING, headers={**headers, **cookie})
            assert answer.status_code == (400 if is_signed_in else 200), path
        foreign = {**headers, **cookie, "Origin": "http://localhost:9"}
        assert ask("POST", "/mcp", content=PING, headers=foreign).status_code == 200


def test_a_cookie_that_nobody_signed_is_no_session(ask: Ask, app: Flask, token: Token) -> None:
    cookie = {"Cookie": f"theme=dark; {app.config['SESSION_COOKIE_NAME']}=whatever"}
    answer = ask("POST", "/mcp", content=PING, headers={**headers_of(token("ada")), **cookie})
    assert answer.status_code == 200


def test_a_session_alone_is_no_credential(ask: Ask, app: Flask) -> None:
    cookie = f"{app.config['SESSION_COOKIE_NAME']}=whatever"
    assert ask("POST", "/mcp", headers={"Cookie": cookie}).status_code == 401


def test_two_authorization_headers_are_a_400(ask: Ask, token: Token) -> None:
    twice = [("Authorization", f"Bearer {token(name)}") for name in ("ada", "ben")]
    assert ask("POST", "/mcp", headers=twice).status_code == 400


def test_white_space_round_a_header_is_none_of_its_value(
    call_tool: CallTool, token: Token
) -> None:
    held = {"Authorization": f"Bearer {token('ada')}  "}
    assert call_tool("", "tasks_list", **held).status_code == 200


@requirement("rfc6750:insufficient-scope", "mcp:all-scopes-at-once", "mcp:insufficient-scope")
def test_a_missing_scope_is_named_before_the_tool_runs(call_tool: CallTool, token: Token) -> None:
    everything = " ".join(scopes.grantable(is_trusted=True))
    for item in SCOPED:
        others = [name for name in scopes.THIRD_PARTY if name not in item.scopes]
        needed = scopes.render({*others, *item.scopes} - scopes.IDENTITY)
        given = token("grace", *others)
        change("UPDATE client SET scopes = :all, is_trusted = true", all=everything)
        answer = call_tool(given, item.tool_name)
        assert answer.status_code == 403, item.name
        challenge = answer.headers["WWW-Authenticate"]
        assert 'error="insufficient_scope"' in challenge
        assert f'scope="{needed}"' in challenge
        assert "/.well-known/oauth-protected-resource/mcp" in challenge
        with db.engine.connect() as connection:
            trail = connection.exec_driver_sql(
                "SELECT action, outcome, channel FROM audit_event ORDER BY id DESC LIMIT 1"
            ).one()
        assert tuple(trail) == (item.name, "insufficient_scope", "mcp")


def test_a_tool_that_no_consent_can_open_to_the_client_is_not_there(
    call_tool: CallTool, token: Token
) -> None:
    missing = call_tool(token("grace"), "no_such_tool")
    answer = call_tool(token("grace"), "roles_list")
    assert (answer.status_code, missing.status_code) == (200, 200)
    assert answer.text.replace("roles_list", "no_such_tool") == missing.text


def test_a_header_cannot_lie_about_what_runs(call_tool: CallTool, token: Token) -> None:
    answer = call_tool(
        token("ada", "tasks:view"), "tasks_create", {"title": "x"}, **{"Mcp-Name": "tasks_list"}
    )
    assert answer.status_code == 403


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("path", ["/mcp", "/messages/", "/api/tasks/create"])
def test_a_huge_body_is_a_413(ask: Ask, token: Token, path: str, *, chunked: bool) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b" " * 300_000

    content: Any = chunks() if chunked else b" " * 1_500_000
    answer = ask("POST", path, content=content, headers=headers_of(token("ada")))
    assert answer.status_code == 413


@pytest.mark.parametrize("path", ["/mcp", "/messages/?session_id=" + "0" * 32])
@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28", "1999-01-01"])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b'"tools/call"',
        b"[]",
        b"\xff\xfe{}",
        json.dumps(message("tools/list")).encode("utf-16"),
        b"[" * 100_000,
        b'{"id":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"id":' + b"9" * 5000 + b"}",
        b'{"id":NaN}',
        b'{"jsonrpc":"1.0","id":1,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":1e999,"method":"tools/list"}',
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"\\ud800"}}',
        json.dumps([message("tools/call", name="tasks_create", arguments={})] * 2).encode(),
    ],
)
def test_what_is_no_message_is_the_senders_mistake(
    ask: Ask, token: Token, path: str, version: str, content: bytes
) -> None:
    headers = {**headers_of(token("ada")), "MCP-Protocol-Version": version}
    answer = ask("POST", path, content=content, headers=headers)
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize("version", ["2025-06-18", "2026-07-28"])
@pytest.mark.parametrize(
    "params",
    [
        None,
        [],
        "x",
        {"name": None},
        {"name": 7, "arguments": {}},
        {"name": "tasks_list", "arguments": "x"},
        {"name": "tasks_list", "arguments": {"q": {"a": [[[[]]]]}}},
        {"name": "tasks_get", "arguments": {"task_id": "\x00"}},
        {"name": "x" * 100_000, "arguments": {}},
    ],
)
def test_odd_parameters_never_break_the_server(
    ask: Ask, token: Token, version: str, params: object
) -> None:
    meta = {
        "io.modelcontextprotocol/protocolVersion": version,
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "odd", "version": "1"},
    }
    sent = {**params, "_meta": meta} if isinstance(params, dict) else params
    content = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": sent}
    name = str(params.get("name"))[:50] if isinstance(params, dict) else "x"
    headers = {"MCP-Protocol-Version": version, "Mcp-Method": "tools/call", "Mcp-Name": name}
    answer = ask("POST", "/mcp", json=content, headers={**headers_of(token("ada")), **headers})
    assert answer.status_code < 500
    assert "Internal" not in answer.text


def test_only_json_is_taken(call_tool: CallTool, token: Token) -> None:
    answer = call_tool(token("ada"), "tasks_list", **{"Content-Type": "text/plain"})
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/mcp", "POST"),
        ("DELETE", "/mcp/", "POST"),
        ("POST", "/sse", "GET"),
        ("GET", "/messages/", "POST"),
    ],
)
def test_another_method_is_told_the_right_one(
    ask: Ask, token: Token, method: str, path: str, allowed: str
) -> None:
    answer = ask(method, path, headers=headers_of(token("ada")))
    assert answer.status_code == 405
    assert answer.headers["Allow"] == allowed


def test_one_call_too_many_is_told_when_to_come_back(app: Flask, token: Token) -> None:
    app.extensions["shares"] = shares(limited=True)
    stop_the_minute(app)
    held = {name: headers_of(token(name)) for name in ("ada", "ben")}
    call = message("tools/call", name="health_check", arguments={})
    with asking(app) as ask:
        for _ in range(CALLS):
            assert ask("POST", "/mcp", json=call, headers=held["ada"]).status_code == 200
        refused = ask("POST", "/mcp", json=call, headers=held["ada"])
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["Retry-After"]) <= 61
        assert ask("POST", "/mcp", json=call, headers=held["ben"]).status_code == 200
