"""What this side answers by itself, before the MCP SDK or Flask sees the request."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from app.surfaces.problem import MEDIA_TYPE, problem

_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"))


class Disconnected(Exception):
    """The client went away in the middle of its request; nobody waits for an answer."""


class Refused(Exception):
    """An answer in place of the one that was asked for."""

    def __init__(
        self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.media_type = MEDIA_TYPE
        self.body: Any = problem(status, code, detail)
        self.headers = dict(headers or {})

    async def answer(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        """Send it."""
        body = self.content()
        headers = {
            "content-type": self.media_type,
            "content-length": str(len(body)),
            **self.headers,
        }
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": body})

    def content(self) -> bytes:
        """Return the body, as it is sent."""
        return json.dumps(self.body).encode()


class StaticRefusal(Refused):
    """A refusal whose body is written already: a page, or OAuth's JSON."""

    def __init__(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        others = {name: value for name, value in headers.items() if name != "Content-Type"}
        super().__init__(status, "", "", others)
        self.media_type = headers["Content-Type"]
        self._content = content

    def content(self) -> bytes:
        """Return the body."""
        return self._content


class NotAMessage(Refused):
    """A 400 for a body that is no JSON-RPC message, in JSON-RPC's own words."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(400, "bad_request", message)
        self.media_type = "application/json"
        self.body = {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": message}}


async def no_content(send: Send, headers: Mapping[str, str]) -> None:
    """Send a response that has no body, and no media type of one."""
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 204, "headers": raw})
    await send({"type": "http.response.body", "body": b""})


def guarded(send: Send, more: Mapping[str, str]) -> Send:
    """Give a `send` that adds to each answer the headers that it has not set itself.

    `more` are those of this request's answers alone.
    """
    raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in more.items()]

    async def send_guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name.lower() for name, _ in message["headers"]}
            missing = [header for header in (*_HEADERS, *raw) if header[0] not in present]
            message = {**message, "headers": [*message["headers"], *missing]}
        await send(message)

    return send_guarded
