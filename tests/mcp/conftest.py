"""The whole product as one ASGI app: in process, and behind a real server on a free port."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event, Thread
from typing import Any

import httpx2
import pytest
import uvicorn
from anyio.from_thread import start_blocking_portal
from flask import Flask

from app.mcp.connection import Connection
from app.mcp.mount import Mount

Ask = Callable[..., httpx2.Response]
CallTool = Callable[..., httpx2.Response]


@pytest.fixture
def ask(app: Flask) -> Iterator[Ask]:
    """Give a function that sends one request to the product: method, path, options of httpx."""
    with asking(app) as send:
        yield send


@contextmanager
def asking(app: Flask) -> Iterator[Ask]:
    """Run the product in process, for as long as the block lasts."""
    mount = Mount(app)
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(mount.running()),
    ):
        client = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(mount), base_url="http://127.0.0.1:8000"
        )

        def send(method: str, path: str, **options: Any) -> httpx2.Response:
            return portal.call(partial(client.request, method, path, **options))

        yield send


@pytest.fixture
def call_tool(ask: Ask) -> CallTool:
    """Give a function that calls a tool with a token, as a client that knows the old protocol."""

    def send(
        token: str, name: str, arguments: dict[str, Any] | None = None, **headers: str
    ) -> httpx2.Response:
        content = json.dumps(message("tools/call", name=name, arguments=arguments or {}))
        return ask("POST", "/mcp", content=content, headers={**headers_of(token), **headers})

    return send


def message(method: str, **params: Any) -> dict[str, Any]:
    """Give a JSON-RPC request."""
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


def headers_of(token: str) -> dict[str, str]:
    """Give what an MCP client sends with each message."""
    return {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Accept": "application/json, text/event-stream",
    }


class _Server(uvicorn.Server):
    """A server that tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


@pytest.fixture
def server(app: Flask) -> Iterator[str]:
    """Give the address of a real server of the product."""
    with serving(app) as address:
        yield address


@contextmanager
def serving(app: Flask, http: type[Connection] = Connection) -> Iterator[str]:
    """Serve the product on a free port, for as long as the block lasts."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Mount(app),
        http=http,
        loop="asyncio",
        ws="none",
        log_level="error",
        timeout_graceful_shutdown=1,
    )
    running = _Server(config)
    thread = Thread(target=asyncio.run, args=(running.serve([listener]),))
    thread.start()
    try:
        assert running.listens.wait(10)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        running.should_exit = True
        thread.join()
        listener.close()
