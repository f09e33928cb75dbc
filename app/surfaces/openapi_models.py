"""Pydantic models in an OpenAPI document: an apispec plugin."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, cast

from apispec import APISpec, BasePlugin
from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from app.core.json_schema import InputSchema, OutputSchema, Schema, request_body

Model = type[BaseModel]
Mode = Literal["validation", "serialization"]
REFERENCE = "#/components/schemas/{model}"


class PydanticPlugin(BasePlugin):
    """Writes a reference where an operation or a response names a model as its schema.

    Pydantic's JSON Schema is OpenAPI 3.1's own dialect. All inputs go through one call of it, and
    all outputs through another, so that no two of the same name clash.
    """

    def __init__(
        self, *, inputs: Iterable[Model], queries: Iterable[Model], outputs: Iterable[Model]
    ) -> None:
        self._references: dict[tuple[Model, Mode], dict[str, Any]] = {}
        self._definitions = self._defined(outputs, "serialization", OutputSchema)
        bodies = self._defined(inputs, "validation", InputSchema)
        # Parameters are written one by one; what they name, such as an enum, is a component.
        queries = tuple(queries)
        named = self._defined(queries, "validation", InputSchema)
        bodies = {**{n: s for n, s in named.items() if "properties" not in s}, **bodies}
        renamed = _different(bodies, self._definitions)
        for name, schema in bodies.items():
            self._definitions[renamed.get(name, name)] = cast(
                "Schema", _renamed(request_body(schema, bodies), renamed)
            )
        for key, reference in self._references.items():
            if key[1] == "validation":
                self._references[key] = cast("Schema", _renamed(reference, renamed))

    def _defined(
        self, models: Iterable[Model], mode: Mode, generator: type[GenerateJsonSchema]
    ) -> dict[str, Schema]:
        """Return the definitions of these models, and keep the references to them."""
        wanted = dict.fromkeys((model, mode) for model in models)
        references, document = models_json_schema(
            list(wanted), ref_template=REFERENCE, schema_generator=generator
        )
        self._references.update(cast("dict[tuple[Model, Mode], dict[str, Any]]", references))
        definitions: dict[str, Schema] = document.get("$defs", {})
        return definitions

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


def _different(inputs: Mapping[str, Schema], outputs: Mapping[str, Schema]) -> dict[str, str]:
    """Return new names for the inputs that differ from an output of their name.

    An answer's fields are all required, and an input's are not. What refers to such an input
    differs from the output that looks the same, too.
    """
    names = {name for name, schema in inputs.items() if outputs.get(name, schema) != schema}
    while True:
        prefixes = tuple(f'"{REFERENCE.format(model=name)}"' for name in names)
        more = {
            name
            for name, schema in inputs.items()
            if name in outputs.keys() - names
            and any(prefix in json.dumps(schema) for prefix in prefixes)
        }
        if not more:
            return {name: f"{name}Input" for name in names}
        names |= more


def _renamed(node: object, names: Mapping[str, str]) -> object:
    """Return a schema whose references follow the definitions that have a new name."""
    if isinstance(node, list):
        return [_renamed(part, names) for part in node]
    if not isinstance(node, dict):
        return node
    result = {key: _renamed(value, names) for key, value in node.items()}
    if isinstance(reference := node.get("$ref"), str):
        prefix, _, name = reference.rpartition("/")
        result["$ref"] = f"{prefix}/{names.get(name, name)}"
    return result
