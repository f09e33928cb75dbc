"""The server under load: the product with the demo's rows, and beside it the bare minimum.

Run as `python -m bench.stage INSTANCE`; prints one line of JSON, a `bench.load.Server`.
"""

import json
import os
import socket
import sys
import time
from pathlib import Path
from typing import Any

import uvicorn
from flask import Flask, Response
from flask_migrate import upgrade
from mcp.server import Server, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import CallToolRequestParams, CallToolResult, TextContent
from starlette.types import Receive, Scope, Send
from werkzeug.middleware.dispatcher import DispatcherMiddleware

import config
from app import create_app
from app.blueprints.operator import demo
from app.core import scopes
from app.core.principal import Principal
from app.core.system import acting_as_system
from app.extensions import db
from app.identity import anybody
from app.mcp.connection import Connection
from app.mcp.mount import Mount
from app.oauth import families, operator, tokens
from app.oauth.client import find
from app.oauth.families import Authorization
from bench import CONNECTIONS

BARE = "/bare"
CONSTANT = "/constant"
_ANSWER = b'{"items":[]}'
_DAY = 24 * 3600


class Stage:
    """The product; at two more addresses a bare Flask route, and a tool that gives a constant."""

    def __init__(self, product: Flask) -> None:
        product.wsgi_app = DispatcherMiddleware(  # type: ignore[method-assign] # Flask's own way
            product.wsgi_app, {BARE: _bare_flask()}
        )
        self._product = Mount(product)
        self._constant = StreamableHTTPSessionManager(
            _constant_server(), stateless=True, json_response=True
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one ASGI connection."""
        if scope["type"] == "lifespan":
            async with self._constant.run():
                await self._product(scope, receive, send)
        elif scope["path"] == CONSTANT:
            await self._constant.handle_request(scope, receive, send)
        else:
            await self._product(scope, receive, send)


def _bare_flask() -> Flask:
    bare = Flask("bare")

    @bare.get("/")
    def answer() -> Response:
        return Response(_ANSWER, mimetype="application/json")

    return bare


def _constant_server() -> Server[Any]:
    text = TextContent(type="text", text=_ANSWER.decode())

    async def call_tool(
        _context: ServerRequestContext[Any, Any], _params: CallToolRequestParams
    ) -> CallToolResult:
        return CallToolResult(content=[text], structured_content={"items": []})

    return Server("constant", on_call_tool=call_tool, get_tool_input_schema=lambda _name: None)


def _seeded(product: Flask) -> dict[str, Any]:
    """Give a client of Ada's, an access token of hers, and a refresh token per connection."""
    now = int(time.time())
    with product.app_context():
        upgrade()
        demo.seed(product)
        ada = anybody.principal_of(db.engine, "ada@example.com")
        app = {"name": "Bench", "redirect_uris": ["http://127.0.0.1:1/callback"]}
        made = product.extensions["pipeline"].call("oauth_apps.create", ada, app)
        client_id = made.app.client_id
        minted = operator.mint_token(
            db.engine,
            client_id=client_id,
            email="ada@example.com",
            granted=frozenset(scopes.BASIC),
            now=now,
        )
        refresh_tokens = [_chain(ada, client_id, now) for _ in range(CONNECTIONS)]
    return {
        "client_id": client_id,
        "client_secret": made.client_secret,
        "token": minted["access_token"],
        "refresh_tokens": refresh_tokens,
    }


def _chain(person: Principal, client_id: str, now: int) -> str:
    """Give a refresh token of a family of its own."""
    with acting_as_system(db.engine, "seed the benchmark") as session:
        client = find(session, client_id)
        assert client is not None
        assert person.user_id is not None
        given = Authorization(person.user_id, client.key, frozenset(scopes.BASIC), resource=None)
        family_id = families.open_family(session, given, now)
        return tokens.issue_refresh_token(session, family_id, expires_at=now + _DAY, now=now)


def main(instance: Path) -> None:
    """Serve until a signal comes."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    product = create_app(config.load(instance=instance, demo=True, rate_limits="off", port=port))
    print(json.dumps({"port": port, "process": os.getpid(), **_seeded(product)}), flush=True)
    served = uvicorn.Config(
        Stage(product),
        http=Connection,
        loop="uvloop",
        ws="none",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    uvicorn.Server(served).run([listener])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
