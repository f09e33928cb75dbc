"""The MCP server that both transports speak for."""

from functools import partial
from typing import Any, cast

import anyio.to_thread
from anyio import CapacityLimiter
from mcp import MCPError
from mcp.server import Server, ServerRequestContext
from mcp_types import (
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    Icon,
    ListToolsResult,
    PaginatedRequestParams,
)
from starlette.types import Scope

from app.core.outages import outage_of
from app.core.principal import Principal
from app.core.resource import Resources
from app.mcp.gate import PRINCIPAL, REFUSAL
from app.surfaces import page_messages
from app.surfaces.bug_report import log_bug
from app.surfaces.manifest import NAME, VERSION
from app.surfaces.mcp import Tools, failed

_LISTED_FOR = 60_000  # milliseconds
# More would only wait for one another, and Flask's threads want the interpreter too.
_AT_ONCE = 4
_ICON = "/static/mark.svg"
_INSTRUCTIONS = (
    "Tools of a task tracker. They act for the person who connected you, on that person's rows "
    "only. A list comes a page at a time: give its next_cursor as cursor for the page after it."
)

Context = ServerRequestContext[Any, Any]


def server_of(tools: Tools, resources: Resources) -> Server[Any]:
    """Give a server that lists each caller's tools and runs them."""
    threads = CapacityLimiter(_AT_ONCE)

    async def list_tools(
        context: Context, params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        if params is not None and params.cursor is not None:
            raise MCPError(INVALID_PARAMS, "The list of tools has one page.")
        mine = tools.open_to(_principal(context))
        return ListToolsResult(tools=mine, ttl_ms=_LISTED_FOR, cache_scope="private")

    async def call_tool(context: Context, params: CallToolRequestParams) -> CallToolResult:
        refusal = _scope(context).get(REFUSAL)
        if refusal is not None:
            return failed(refusal.message)
        run = partial(tools.run, params.name, _principal(context), params.arguments or {})
        try:
            return await anyio.to_thread.run_sync(run, limiter=threads)
        except MCPError:
            raise
        except Exception as bug:  # noqa: BLE001 - the edge of MCP: it is logged, with its reference
            if outage := outage_of(bug):
                return failed(outage.message)
            return failed(page_messages.bug(log_bug(bug, f"in tool {params.name}")))

    server: Server[Any] = Server(
        "latchkey",
        version=VERSION,
        title=NAME,
        website_url=resources.url("/"),
        icons=[Icon(src=resources.url(_ICON), mime_type="image/svg+xml", sizes=["any"])],
        instructions=_INSTRUCTIONS,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
        # Without it the SDK lists all tools before each call.
        get_tool_input_schema=tools.input_schema,
    )
    # Spans that nobody exports cost a twentieth of a call.
    server.middleware.clear()
    return server


def _principal(context: Context) -> Principal:
    """Give who sent this very message: on a stream, not who opened it."""
    return cast("Principal", _scope(context)[PRINCIPAL])


def _scope(context: Context) -> Scope:
    return cast("Scope", cast("Any", context.request).scope)
