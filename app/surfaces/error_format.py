"""Which words an error is reported in, by the request's path; and the page that needs nothing."""

import json
from collections.abc import Mapping
from enum import Enum
from html import escape
from http import HTTPStatus

from app.core.resource import MCP, MCP_SLASH, SSE
from app.surfaces import page_messages
from app.surfaces.cross_origin import MESSAGES, OAUTH_ENDPOINTS, WELL_KNOWN
from app.surfaces.problem import MEDIA_TYPE, problem

_OAUTH = (*OAUTH_ENDPOINTS, WELL_KNOWN)
_MCP = frozenset({MCP, MCP_SLASH, SSE, MESSAGES, MESSAGES.removesuffix("/")})
_COME_BACK = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <meta name="color-scheme" content="light dark">
  <title>{heading} · Latchkey</title>
  <link rel="icon" type="image/svg+xml" href="/static/mark.svg">
  <link rel="stylesheet" href="/static/app.css">
  <script src="/static/theme.js"></script>
</head>
<body class="min-h-screen bg-base-200 text-base-content">
  <main class="max-w-lg w-full mx-auto px-4 py-6">
    <div class="card bg-base-100 border border-base-300"><div class="card-body p-5 sm:p-7">
      <p class="text-sm opacity-80">Error {status}</p>
      <h1 class="text-2xl font-bold mb-2">{heading}</h1>
      <p class="mb-4">{detail}</p>
      <p><a class="btn btn-primary" href="/">Go home</a></p>
    </div></div>
  </main>
</body>
</html>
"""
# What HTMX puts above the page that the user is on; the page itself stays as it is.
_NOTICE = (
    '<hx-partial hx-target="#status" hx-swap="innerHTML">'
    '<div class="notice notice-error"><p class="grow min-w-0">{detail}</p></div></hx-partial>'
)


class ErrorFormat(Enum):
    """Who reads an error."""

    API = "RFC 9457"
    OAUTH = "RFC 6749 §5.2"
    MCP = "MCP"
    PAGE = "HTML"


def error_format(path: str) -> ErrorFormat:
    """Return the format of errors at a path."""
    if path == "/api" or path.startswith("/api/"):
        return ErrorFormat.API
    if path.startswith(_OAUTH):
        return ErrorFormat.OAUTH
    if path in _MCP:
        return ErrorFormat.MCP
    return ErrorFormat.PAGE


def static_error(
    path: str, status: int, detail: str, *, is_partial: bool = False
) -> tuple[dict[str, str], bytes]:
    """Return headers and body of an error, made without templates, session and database."""
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    form = error_format(path)
    if form is ErrorFormat.OAUTH:
        body = json.dumps({"error": oauth_error(status), "error_description": detail})
        return {**headers, "Content-Type": "application/json"}, body.encode()
    if form is not ErrorFormat.PAGE:
        body = json.dumps(problem(status, _code(status), detail))
        return {**headers, "Content-Type": MEDIA_TYPE}, body.encode()
    headers |= {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": _POLICY}
    if is_partial:
        return {**headers, "HX-Reswap": "none"}, _NOTICE.format(detail=escape(detail)).encode()
    values: Mapping[str, object] = {
        "status": status,
        "heading": escape(page_messages.heading(status)),
        "detail": escape(detail),
    }
    return headers, _PAGE.format(**values).encode()


def _code(status: int) -> str:
    return "server_error" if status >= 500 else "bad_request"  # noqa: PLR2004 - RFC 9110 §15.6


def oauth_error(status: int) -> str:
    """Return the error code of an HTTP status (RFC 6749 §4.1.2.1, §5.2)."""
    if status in _COME_BACK:
        return "temporarily_unavailable"
    return "server_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "invalid_request"
