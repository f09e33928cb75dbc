"""A refusal as `application/problem+json` (RFC 9457)."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

MEDIA_TYPE = "application/problem+json"


def problem(
    status: int, code: str, detail: str, fields: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Give the problem document; `errors` names each field that needs attention."""
    document: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if fields:
        document["errors"] = [{"field": name, "message": text} for name, text in fields.items()]
    return document
