"""Pydantic models in an OpenAPI document: an apispec plugin."""

from collections.abc import Iterable
from typing import Any, Literal

from apispec import APISpec, BasePlugin
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

Model = type[BaseModel]
Mode = Literal["validation", "serialization"]
_REFERENCE = "#/components/schemas/{model}"


class PydanticPlugin(BasePlugin):
    """Writes a reference where an operation or a response names a model as its schema.

    Pydantic's JSON Schema is OpenAPI 3.1's own dialect; all models go through one call of it,
    so that no two of the same name clash.
    """

    def __init__(self, *, inputs: Iterable[Model], outputs: Iterable[Model]) -> None:
        wanted: dict[tuple[Model, Mode], None] = {}
        wanted.update(dict.fromkeys((model, "validation") for model in inputs))
        wanted.update(dict.fromkeys((model, "serialization") for model in outputs))
        references, document = models_json_schema(list(wanted), ref_template=_REFERENCE)
        self._references = references
        self._definitions = document["$defs"]

    def init_spec(self, spec: APISpec) -> None:
        """Add each model's schema to the document."""
        for name, schema in sorted(self._definitions.items()):
            spec.components.schema(name, schema)

    def operation_helper(
        self,
        path: str | None = None,  # noqa: ARG002 - apispec's signature
        operations: dict[str, Any] | None = None,
        **_: Any,
    ) -> None:
        """Resolve the models of a path's operations."""
        for operation in (operations or {}).values():
            self._resolve(operation.get("requestBody", {}), "validation")
            for response in operation["responses"].values():
                self._resolve(response, "serialization")

    def response_helper(self, response: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Resolve the model of a shared response."""
        self._resolve(response, "serialization")
        return response

    def _resolve(self, holder: object, mode: Mode) -> None:
        content = holder.get("content", {}) if isinstance(holder, dict) else {}
        for media in content.values():
            media["schema"] = self._references[media["schema"], mode]
