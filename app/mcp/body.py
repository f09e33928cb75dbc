"""Request bodies: read whole and within bounds on the event loop, before a thread is taken."""

import asyncio
import json
from typing import Any

from mcp_types import INVALID_REQUEST, PARSE_ERROR, jsonrpc_message_adapter
from pydantic import ValidationError
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope

from app.mcp.answers import Disconnected, NotAMessage, Refused

LARGEST = 1024 * 1024
# Seconds.
TAKES = 30


async def read(scope: Scope, receive: Receive) -> bytes:
    """Give the whole body, however it was framed.

    Raises:
        Refused: it is too large, or too slow.
        Disconnected: the client went away before its end.
    """
    try:
        async with asyncio.timeout(TAKES):
            return await _read(scope, receive)
    except TimeoutError:
        raise Refused(408, "request_timeout", "The body took too long.") from None


async def _read(scope: Scope, receive: Receive) -> bytes:
    declared = Headers(scope=scope).get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > LARGEST:
        raise _too_large()
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected
        body += message.get("body", b"")
        if len(body) > LARGEST:
            raise _too_large()
        if not message.get("more_body", False):
            return bytes(body)


def replayed(body: bytes, receive: Receive) -> Receive:
    """Give a `receive` that starts with a body that was read already."""
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_replayed() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_replayed


def parse(body: bytes) -> object:
    """Return the JSON in a body.

    Raises:
        Refused: it is not JSON in UTF-8.
    """
    try:
        text = body.decode()
        message: object = json.loads(text, parse_constant=_refuse_constant)
        if "\\u" in text:
            # Half of a surrogate pair is no text, and would fail far from here.
            json.dumps(message, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise NotAMessage(PARSE_ERROR, "The body is not JSON in UTF-8.") from None
    return message


def check_message(message: object) -> dict[str, Any]:
    """Return a JSON-RPC message.

    Raises:
        Refused: it is none.
    """
    if not isinstance(message, dict) or not _is_jsonrpc(message):
        raise NotAMessage(INVALID_REQUEST, "The body is not one JSON-RPC message.")
    return message


def _is_jsonrpc(message: dict[str, Any]) -> bool:
    try:
        # Left to the SDK, what does not fit is written to the log, with its content.
        jsonrpc_message_adapter.validate_python(message, by_name=False)
    except ValidationError:
        return False
    # It takes a request with another kind of id for a notification, and never answers it.
    return type(message.get("id", "")) in (int, str)


def _too_large() -> Refused:
    return Refused(413, "content_too_large", f"A body holds at most {LARGEST} bytes.")


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
