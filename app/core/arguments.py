"""Arguments as a caller sends them, held to the types of a procedure's JSON Schema.

Pydantic converts: it takes "yes" for a boolean, 10.0 for an integer, and trims text before it
checks it. What the published schema refuses is refused here, before pydantic converts anything.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import Any

from pydantic import BaseModel

from app.core.json_schema import InputSchema, Schema, accepts_blank, has_text, resolved, type_names
from app.core.patterns import MESSAGES

_NULL = {"type": "null"}
# The only spelling of a number: no sign, no space, no leading zero.
_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_BOOLEANS = {"true": True, "false": False}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
_EXPECTED = {
    "string": "a string",
    "integer": "a whole number, such as 20",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}

_NULL_MESSAGE = "null has no meaning here: leave the field out."


class Notation(Enum):
    """How arguments were written down.

    In a query string everything is text. Models put numbers into quotes and send `null` or `""`
    for what they leave out, whatever a tool's schema says.
    """

    JSON = auto()
    QUERY = auto()
    TOOL = auto()


class Arguments:
    """The arguments that one input model accepts."""

    def __init__(self, model: type[BaseModel]) -> None:
        document = model.model_json_schema(schema_generator=InputSchema)
        required = document.get("required", ())
        self._fields = {
            name: _field(schema, document.get("$defs", {}), is_required=name in required)
            for name, schema in document.get("properties", {}).items()
        }

    def read(
        self, arguments: Mapping[str, Any], notation: Notation
    ) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the arguments that were meant, and what is wrong, by field."""
        values: dict[str, Any] = {}
        faults: dict[str, str] = {}
        for name, value in arguments.items():
            field = self._fields.get(name)
            if field is None:
                values[name] = value
            elif not field.is_left_out(value, notation):
                values[name] = field.value.typed(value, notation)
                faults.update(field.value.faults(values[name], name))
        return values, faults


@dataclass(frozen=True, slots=True)
class _Value:
    """One JSON value, as far as its schema says more than pydantic enforces."""

    names: tuple[str, ...] = ()
    types: tuple[type, ...] = ()
    pattern: re.Pattern[str] | None = None
    max_length: int | None = None
    items: "_Value | None" = None
    message: str = ""

    def typed(self, value: object, notation: Notation) -> object:
        """Return what a text stands for where the schema has no text."""
        if notation is Notation.JSON:
            return value
        if isinstance(value, list) and self.items:
            return [self.items.typed(item, notation) for item in value]
        if not isinstance(value, str) or str in self.types:
            return value
        if int in self.types and _INTEGER.fullmatch(value):
            return int(value)
        if float in self.types and _NUMBER.fullmatch(value):
            return float(value)
        return _BOOLEANS.get(value, value) if bool in self.types else value

    def faults(self, value: object, path: str) -> Iterator[tuple[str, str]]:
        """Yield where the value, or an item of it, is not what the schema says, and why."""
        if self.types and type(value) not in self.types:
            yield path, _NULL_MESSAGE if value is None else _type_message(self.names)
        elif isinstance(value, str):
            if self.max_length is not None and len(value) > self.max_length:
                yield path, f"Use at most {self.max_length} characters."
            elif self.pattern and not self.pattern.search(value):
                yield path, self.message
        elif isinstance(value, list) and self.items:
            for place, item in enumerate(value):
                yield from self.items.faults(item, f"{path}.{place}")


@dataclass(frozen=True, slots=True)
class _Field:
    """One argument: its value, and what stands for leaving it out."""

    value: _Value
    is_required: bool
    has_text: bool
    accepts_blank: bool

    def is_left_out(self, value: object, notation: Notation) -> bool:
        """Whether the value says no more than that the argument was left out."""
        if self.is_required:
            return False
        if value is None:
            return notation is Notation.TOOL
        if value == "":
            return not self.accepts_blank and (self.has_text or notation is not Notation.JSON)
        return False


@cache
def arguments_of(model: type[BaseModel]) -> Arguments:
    """Return the arguments that a model accepts."""
    return Arguments(model)


def _field(schema: Schema, definitions: Schema, *, is_required: bool) -> _Field:
    plain = _plain(schema, definitions)
    return _Field(_value(plain, definitions), is_required, has_text(plain), accepts_blank(plain))


def _value(schema: Schema, definitions: Schema) -> _Value:
    plain = _plain(schema, definitions)
    items, pattern = plain.get("items"), plain.get("pattern")
    names = (*type_names(plain), *(["null"] if _NULL in schema.get("anyOf", ()) else []))
    return _Value(
        names,
        tuple(type_ for name in names for type_ in _TYPES[name]),
        # A Python `$` also matches before a line end; a JSON Schema's does not.
        re.compile(re.sub(r"\$$", r"\\Z", pattern)) if pattern else None,
        plain.get("maxLength"),
        _value(items, definitions) if isinstance(items, dict) else None,
        MESSAGES.get(pattern or "", "Use the form that the documentation shows."),
    )


def _plain(schema: Schema, definitions: Schema) -> Schema:
    """Return a schema without its reference, and without the `null` of an optional field."""
    schema = resolved(schema, definitions)
    options = [option for option in schema.get("anyOf", ()) if option != _NULL]
    return _plain(options[0], definitions) if len(options) == 1 else schema


def _type_message(names: tuple[str, ...]) -> str:
    return f"Send {' or '.join(_EXPECTED[name] for name in names if name in _EXPECTED)}."
