"""Examples of calls and answers, put together from the examples beside each field."""

from typing import Any

from app.core.json_schema import Schema
from app.core.procedure import AnyProcedure
from app.surfaces import plain_schema

_TIME = "2026-11-03T09:30:00Z"


def input_example(item: AnyProcedure) -> dict[str, Any]:
    """Return arguments with which the demo workspace answers.

    A mutation shows each argument; a query its filters by a closed set of values, since one by
    words or by ids leaves little of a list.
    """
    schema = plain_schema.of_input(item.input)
    required = schema.get("required", ())
    return {
        name: example(field)
        for name, field in schema["properties"].items()
        if item.writes or name in required or "enum" in field or field.get("type") != "string"
    }


def output_example(item: AnyProcedure) -> dict[str, Any]:
    """Return an answer of the procedure."""
    answer: dict[str, Any] = example(plain_schema.of_output(item.output))
    return answer


def example(schema: Schema) -> Any:  # noqa: ANN401 - of whatever the schema is of
    """Return the first example of a schema, or one that follows from its type."""
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema or "enum" in schema:
        return schema.get("const") or schema["enum"][0]
    named = schema.get("type")
    kind = named[0] if isinstance(named, list) else named
    if kind == "object":
        return {name: example(field) for name, field in schema.get("properties", {}).items()}
    if kind == "array":
        return [example(schema["items"])]
    return {"boolean": True, "integer": 1, "number": 1.5, "string": _TIME}.get(str(kind))
