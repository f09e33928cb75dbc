"""JSON-RPC error bodies for refusals at `/mcp`: the only ones whose reason MCP clients show."""

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from mcp_types import INTERNAL_ERROR, INVALID_REQUEST

from app.mcp.answers import NotAMessage, Refused
from app.mcp.batch import MAX_MESSAGES

MEDIA_TYPE = "application/json"
# Many are refused before anyone is known to have sent them, and parsing holds the event loop.
_MAX_PARSED_BYTES = 256 * 1024


def with_error_body(refusal: Refused, content: bytes) -> Refused:
    """Return the refusal with a JSON-RPC error as its body; status and headers stay.

    `content` is the request's body. A batch gets an error for each of its requests.
    """
    messages, is_batch = _messages_in(content)
    ids: list[int | str | None] = [*_ids_of(messages)] or [None]
    errors = [_error(refusal, request_id) for request_id in ids]
    refusal.body = errors if is_batch else errors[0]
    refusal.media_type = MEDIA_TYPE
    return refusal


def _error(refusal: Refused, request_id: int | str | None) -> dict[str, Any]:
    if isinstance(refusal, NotAMessage):
        return {**refusal.body, "id": request_id}
    is_ours = refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR
    code = INTERNAL_ERROR if is_ours else INVALID_REQUEST
    data = {name: refusal.body[name] for name in ("status", "code")}
    error = {"code": code, "message": str(refusal), "data": data}
    return {"jsonrpc": "2.0", "id": request_id, "error": error}


def _messages_in(content: bytes) -> tuple[list[Any], bool]:
    if len(content) > _MAX_PARSED_BYTES:
        return [], False
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return [], False
    is_batch = isinstance(document, list)
    if is_batch and len(document) > MAX_MESSAGES:
        # An error for each would be much more than was sent.
        return [], False
    return document if is_batch else [document], is_batch


def _ids_of(messages: list[Any]) -> Iterator[int | str]:
    for message in messages:
        request_id = message.get("id") if isinstance(message, dict) else None
        # JSON-RPC 2.0 §4: a string or a number; `true` is an int to Python only.
        if isinstance(request_id, int | str) and not isinstance(request_id, bool):
            yield request_id
