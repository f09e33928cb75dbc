"""JSON Schema of inputs and outputs: what the parser enforces, and what an answer holds."""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import CoreSchema, core_schema

from app.core.patterns import FILLED_TEXT, NONE, TEXT

Schema = dict[str, Any]
_NULL = {"type": "null"}


class OutputSchema(GenerateJsonSchema):
    """An output's schema: every field is always present, so every field is required."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - for no schema
        """Leave titles out: they repeat the names, and a model pays for each word it reads."""
        return False

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: ANN401, FBT001, ARG002 - pydantic's signature
        """Return True: serialization leaves no field out."""
        return True

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        """Return the schema alone: what is always present has no default."""
        return self.generate_inner(schema["schema"])


class InputSchema(GenerateJsonSchema):
    """An input's schema: what may be left out is not null, and no text holds a NUL."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - for no schema
        """Leave titles out: they repeat the names, and a model pays for each word it reads."""
        return False

    def str_schema(self, schema: core_schema.StringSchema) -> Schema:
        """Return the schema of a text, with the pattern that every text has."""
        result = super().str_schema(schema)
        # Inputs are trimmed before they are measured.
        result.setdefault("pattern", FILLED_TEXT if result.get("minLength") else TEXT)
        return result

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> Schema:
        """Return the schema, in which None as default stands for leaving the field out."""
        result = super().default_schema(schema)
        if result.get("default", ...) is not None:
            return result
        del result["default"]
        options = [option for option in result.get("anyOf", ()) if option != _NULL]
        if len(options) != 1:
            return {**result, "anyOf": options} if options else result
        return {**_without(result, "anyOf"), **options[0]}


@dataclass(frozen=True, slots=True)
class Shown:
    """Puts a pattern into a schema that a validator of the type enforces."""

    pattern: str

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> Schema:
        """Add the pattern."""
        return {**handler(schema), "pattern": self.pattern}


class NullClears:
    """Marks an optional field in which null means the same as "none": it clears the field."""

    def __get_pydantic_core_schema__(
        self, source: object, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Read null as "none"; a default is not validated, and stays None."""
        return core_schema.no_info_before_validator_function(_none_for_null, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> Schema:
        """Put null into the type, where an optional field has it not."""
        result = handler(schema)
        options = [option for option in result.pop("anyOf", ()) if option != _NULL]
        result = {**result, **(options[0] if options else {})}
        names = result["type"]
        result["type"] = [*([names] if isinstance(names, str) else names), "null"]
        return result


def request_body(schema: Schema, definitions: Schema) -> Schema:
    """Return an input's schema as a JSON body has it.

    It has no defaults: generators of typed clients take a field with a default for one that is
    always there. What may be left out may be empty text, too.
    """
    required = schema.get("required", ())
    fields = {
        name: field if name in required else or_blank(field, definitions)
        for name, field in schema.get("properties", {}).items()
    }
    plain = {name: _without(field, "default") for name, field in fields.items()}
    return {**schema, "properties": plain} if fields else schema


def or_blank(field: Schema, definitions: Schema) -> Schema:
    """Return the schema of an optional field whose empty text stands for leaving it out."""
    plain = resolved(field, definitions)
    if not has_text(plain) or accepts_blank(plain):
        return field
    if "pattern" in field and "enum" not in field:
        inner = field["pattern"].removeprefix("^").removesuffix("$")
        return {**_without(field, "minLength"), "pattern": f"^(?:|{inner})$"}
    about: Schema = {name: field[name] for name in ("description", "examples") if name in field}
    return {**about, "anyOf": [_without(field, *about), {"type": "string", "enum": [""]}]}


def resolved(schema: Schema, definitions: Schema) -> Schema:
    """Return the schema that a reference names, with what stands beside the reference."""
    if not isinstance(schema.get("$ref"), str):
        return schema
    return {**definitions[schema["$ref"].rpartition("/")[2]], **_without(schema, "$ref")}


def accepts_blank(schema: Schema) -> bool:
    """Whether the empty string is a value of its own."""
    return (
        "string" in type_names(schema)
        and "enum" not in schema
        and "format" not in schema
        and schema.get("minLength", 0) == 0
        and re.search(schema.get("pattern", ""), "") is not None
    )


def has_text(schema: Schema) -> bool:
    """Whether the schema is of text, so that an empty one may stand for leaving it out."""
    return "string" in type_names(schema) or "enum" in schema


def type_names(schema: Schema) -> tuple[str, ...]:
    """Return the names of the types that a schema accepts."""
    names = schema.get("type", ())
    # What looks like a schema may hold fields by name, and one of them may be called `type`.
    return (names,) if isinstance(names, str) else tuple(names)


def _without(schema: Schema, *names: str) -> Schema:
    return {name: value for name, value in schema.items() if name not in names}


def _none_for_null(value: object) -> object:
    return NONE if value is None else value
