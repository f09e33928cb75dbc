"""Models as JSON Schema that every MCP client reads: no references, no `anyOf` for None."""

from collections.abc import Callable
from typing import cast

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from app.core.errors import Misdeclared
from app.core.json_schema import InputSchema, OutputSchema, Schema, or_blank, type_names
from app.core.patterns import TEXT

_NULL = {"type": "null"}
_MADE: dict[tuple[type[BaseModel], type[GenerateJsonSchema]], Schema] = {}
# In characters: those of ids and cursors are shorter, those of names are not for people.
_LONGEST_PATTERN = 60


def of_input(model: type[BaseModel]) -> Schema:
    """Give the schema of arguments: what may be None may be left out, and is a plain type."""
    return _once(model, InputSchema, _left_out)


def of_output(model: type[BaseModel]) -> Schema:
    """Give the schema of a result: what may be None says so in its `type`."""
    return _once(model, OutputSchema, _nullable)


def of_tool_input(model: type[BaseModel]) -> Schema:
    """Give the schema of a tool's arguments, in which what may be left out may be empty, too."""
    schema = of_input(model)
    required = schema.get("required", ())
    fields = {
        name: field if name in required or "enum" in field else or_blank(field, {})
        for name, field in schema["properties"].items()
    }
    return cast("Schema", _short({**schema, "properties": fields}, _is_short))


def of_tool_output(model: type[BaseModel]) -> Schema:
    """Give the schema of a tool's result."""
    return cast("Schema", _short(of_output(model), lambda _: False))


def _once(
    model: type[BaseModel],
    generator: type[GenerateJsonSchema],
    without_any_of: Callable[[Schema], Schema],
) -> Schema:
    # Manifest, reference and tools ask for the same, and change none of it.
    made = _MADE.get((model, generator))
    if made is None:
        mode: JsonSchemaMode = "validation" if generator is InputSchema else "serialization"
        document = model.model_json_schema(mode=mode, schema_generator=generator)
        made = _MADE[model, generator] = _plain(document, without_any_of)
    return made


def _is_short(pattern: str) -> bool:
    return pattern != TEXT and len(pattern) <= _LONGEST_PATTERN


def _short(node: object, keeps_pattern: Callable[[str], bool]) -> object:
    """Leave out what costs a model more words than it is worth: examples, and some patterns."""
    if isinstance(node, list):
        return [_short(part, keeps_pattern) for part in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _short(value, keeps_pattern)
        for name, value in node.items()
        if not (name == "examples" and isinstance(value, list))
        and not (name == "pattern" and isinstance(value, str) and not keeps_pattern(value))
    }


def _plain(document: Schema, without_any_of: Callable[[Schema], Schema]) -> Schema:
    definitions = document.pop("$defs", {})
    inputs = without_any_of is _left_out

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
        if inputs and "string" in type_names(node):
            node = text_alone(node)
        options = node.get("anyOf")
        return without_any_of(node) if isinstance(options, list) and _NULL in options else node

    return cast("Schema", plain(document))


def text_alone(node: Schema) -> Schema:
    """Name no type beside text: MCP clients read one, and a query string has only text."""
    return {k: v for k, v in node.items() if k not in ("minimum", "maximum")} | {"type": "string"}


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
