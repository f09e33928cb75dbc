"""The catalogue as MCP tools: what a person may be shown, and what running one gives back."""

from collections.abc import Mapping
from typing import Any

from mcp import MCPError
from mcp_types import INVALID_PARAMS, CallToolResult, TextContent, Tool, ToolAnnotations
from pydantic_core import from_json

from app.core.errors import CallError, Misdeclared
from app.core.pipeline import Pipeline
from app.core.principal import Channel, Principal
from app.core.procedure import AnyProcedure
from app.core.scopes import ADMIN
from app.surfaces import plain_schema
from app.surfaces.tool_texts import ToolTexts


class Tools:
    """The procedures that are offered over MCP, by the names of their tools.

    Raises:
        Misdeclared: two procedures would have the same name there, or a model holds itself.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._procedures: dict[str, AnyProcedure] = {}
        for item in sorted(pipeline.catalogue.on(Channel.MCP), key=_is_administration):
            if item.tool_name in self._procedures:
                raise Misdeclared(f"two procedures are called {item.tool_name!r} as tools")
            self._procedures[item.tool_name] = item
        self._texts = ToolTexts(self._procedures.values())
        self._tools = {name: self._tool(item) for name, item in self._procedures.items()}

    def open_to(self, principal: Principal) -> list[Tool]:
        """Give what this person could ever call, in the catalogue's order, and nothing else.

        A tool that a wider consent would open is there, so that a client can ask for it; those
        for administration only where the token has an admin scope, and they come last.
        """
        is_admin = not principal.scopes.isdisjoint(ADMIN)
        return [
            self._tools[name]
            for name, item in self._procedures.items()
            if self.find(name, principal) and (is_admin or not _is_administration(item))
        ]

    def find(self, name: str, principal: Principal) -> AnyProcedure | None:
        """Give the procedure behind a tool, if there is one that this person could ever call."""
        item = self._procedures.get(name)
        return item if item and (item.public or item.is_open_to(principal.openable)) else None

    def input_schema(self, name: str) -> dict[str, Any] | None:
        """Give the schema of a tool's arguments."""
        tool = self._tools.get(name)
        return tool.input_schema if tool else None

    def run(self, name: str, principal: Principal, arguments: Mapping[str, Any]) -> CallToolResult:
        """Run a tool: its result as text and as structured content, or what stood in the way.

        Raises:
            MCPError: there is no such tool, or none for this person.
        """
        procedure = self.find(name, principal)
        if procedure is None:
            raise MCPError(INVALID_PARAMS, f"Unknown tool: {name[:100]}")
        try:
            result = self._pipeline.call(procedure.name, principal, arguments)
        except CallError as refusal:
            return self._refused(refusal, procedure, principal, arguments)
        text = result.model_dump_json()
        return CallToolResult(
            content=[TextContent(type="text", text=text)], structured_content=from_json(text)
        )

    def _refused(
        self,
        refusal: CallError,
        procedure: AnyProcedure,
        principal: Principal,
        arguments: Mapping[str, Any],
    ) -> CallToolResult:
        """Return the result of a call that was refused: why, and what to do next."""

        def can_call(item: AnyProcedure) -> bool:
            return item.public or item.is_open_to(principal.scopes)

        return failed(self._texts.of_refusal(refusal, procedure, arguments, can_call))

    def _tool(self, item: AnyProcedure) -> Tool:
        texts = self._texts
        return Tool(
            name=item.tool_name,
            title=texts.of(item.summary),
            description=texts.of(item.description),
            input_schema=texts.of_schema(plain_schema.of_tool_input(item.input)),
            output_schema=texts.of_schema(plain_schema.of_tool_output(item.output)),
            annotations=ToolAnnotations(
                read_only_hint=not item.writes,
                destructive_hint=item.destructive,
                idempotent_hint=item.idempotent,
                open_world_hint=False,
            ),
        )


def failed(text: str) -> CallToolResult:
    """Give the result of a call that did not do what it was asked, in words for a model."""
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=True)


def _is_administration(item: AnyProcedure) -> bool:
    return not set(ADMIN).isdisjoint(item.scopes)
