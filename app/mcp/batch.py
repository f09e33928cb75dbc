"""JSON-RPC batches, which servers of MCP 2025-03-26 must receive (Basic, Messages)."""

import json
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from mcp_types import INVALID_REQUEST
from starlette.types import Message, Receive, Scope, Send

from app.mcp import body
from app.mcp.answers import NotAMessage

VERSION = "2025-03-26"
# One request must not cost more than a client's minute of calls does.
MAX_MESSAGES = 50
BATCH = "latchkey.batch"

Handler = Callable[[Scope, Receive, Send], Awaitable[None]]


def messages_in(content: bytes, version: str | None) -> tuple[list[dict[str, Any]], bool]:
    """Return the JSON-RPC messages in a body, and whether they are a batch.

    `version` is the `MCP-Protocol-Version` header's. Without one the version is 2025-03-26
    (MCP 2025-06-18, Transports, Protocol Version Header).

    Raises:
        Refused: the body is neither one message nor a batch.
    """
    document = body.parse(content)
    if not isinstance(document, list) or (version or VERSION) != VERSION:
        return [body.check_message(document)], False
    if not 0 < len(document) <= MAX_MESSAGES:
        raise NotAMessage(INVALID_REQUEST, f"Send 1 to {MAX_MESSAGES} messages in a batch.")
    messages = [body.check_message(message) for message in document]
    if any(message.get("method") == "initialize" for message in messages):
        # MCP 2025-03-26, Lifecycle, Initialization: it MUST NOT be part of a batch.
        raise NotAMessage(INVALID_REQUEST, "Send initialize on its own, not in a batch.")
    return messages, True


async def serve(serve_one: Handler, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve each message of a batch in turn, and answer with what came back for them."""
    replies: list[bytes] = []
    for message in scope[BATCH]:
        reply = _Reply()
        content = json.dumps(message).encode()
        await serve_one(scope, body.replayed(content, receive), reply.receive)
        if reply.is_json:
            replies.append(bytes(reply.content))
        elif reply.status >= HTTPStatus.BAD_REQUEST:
            # No JSON-RPC: it is about the stream that the messages are for, and so about all.
            await _send(send, reply.status, reply.media_type, bytes(reply.content))
            return
    if replies:
        content = b"[" + b",".join(replies) + b"]"
        await _send(send, HTTPStatus.OK, b"application/json", content)
    else:
        await _send(send, HTTPStatus.ACCEPTED, b"text/plain", b"")


async def _send(send: Send, status: int, media_type: bytes, content: bytes) -> None:
    length = str(len(content)).encode()
    headers = [(b"content-type", media_type), (b"content-length", length)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})


class _Reply:
    """What came back for one message."""

    def __init__(self) -> None:
        self.status = 0
        self.media_type = b""
        self.content = bytearray()

    @property
    def is_json(self) -> bool:
        """Whether there is a JSON-RPC response; a notification gets none."""
        return self.media_type.startswith(b"application/json") and bool(self.content)

    async def receive(self, message: Message) -> None:
        """Keep a part of the response."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.media_type = dict(message["headers"]).get(b"content-type", b"")
        else:
            self.content += message.get("body", b"")
