"""Models as JSON Schema that every MCP client reads: no references, no `anyOf` for None."""

from collections.abc import Callable
from typing import Any, cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from app.core.errors import Misdeclared

Schema = dict[str, Any]

_NULL = {"type": "null"}
_MADE: dict[tuple[type[BaseModel], JsonSchemaMode], Schema] = {}


class _Untitled(GenerateJsonSchema):
    """Titles repeat the names of the fields, and a model pays for each word it reads."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - for no schema
        return False


def of_input(model: type[BaseModel]) -> Schema:
    """Give the schema of arguments: what may be None may be left out, and is a plain type."""
    return _once(model, "validation", _left_out)


def of_output(model: type[BaseModel]) -> Schema:
    """Give the schema of a result: what may be None says so in its `type`."""
    return _once(model, "serialization", _nullable)


def _once(
    model: type[BaseModel], mode: JsonSchemaMode, without_any_of: Callable[[Schema], Schema]
) -> Schema:
    # Manifest, reference and tools ask for the same, and change none of it.
    made = _MADE.get((model, mode))
    if made is None:
        document = model.model_json_schema(mode=mode, schema_generator=_Untitled)
        made = _MADE[model, mode] = _plain(document, without_any_of)
    return made


def _plain(document: Schema, without_any_of: Callable[[Schema], Schema]) -> Schema:
    definitions = document.pop("$defs", {})

    def plain(node: object, inside: tuple[str, ...] = ()) -> object:
        if isinstance(node, list):
            return [plain(each, inside) for each in node]
        if not isinstance(node, dict):
            return node
        if isinstance(node.get("$ref"), str):
            name = node["$ref"].removeprefix("#/$defs/")
            if name in inside:
                raise Misdeclared(f"model {name!r} holds itself: MCP clients read no $ref")
            inside = (*inside, name)
            node = {**definitions[name], **node}
            del node["$ref"]
        # A field may be called `title`; then this is a schema, and no word about one.
        kept = {k: v for k, v in node.items() if not (k == "title" and isinstance(v, str))}
        node = {key: plain(value, inside) for key, value in kept.items()}
        options = node.get("anyOf")
        return without_any_of(node) if isinstance(options, list) and _NULL in options else node

    return cast("Schema", plain(document))


def _left_out(node: Schema) -> Schema:
    options = [option for option in node["anyOf"] if option != _NULL]
    rest = {k: v for k, v in node.items() if k != "anyOf" and (k, v) != ("default", None)}
    return {**options[0], **rest} if len(options) == 1 else {**rest, "anyOf": options}


def _nullable(node: Schema) -> Schema:
    options = [option for option in node["anyOf"] if option != _NULL]
    if len(options) != 1 or not isinstance(options[0].get("type"), str):
        return node
    rest = {k: v for k, v in node.items() if k != "anyOf"}
    merged = {**options[0], **rest, "type": [options[0]["type"], "null"]}
    return {**merged, "enum": [*merged["enum"], None]} if "enum" in merged else merged
