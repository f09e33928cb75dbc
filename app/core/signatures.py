"""What the signature of a procedure's function must be, so that all surfaces can be derived."""

import inspect
from collections.abc import Callable, Iterator, Sequence
from typing import Any, get_type_hints

from pydantic import BaseModel

from app.core.json_schema import type_names

INPUT_PARAMETER = "given"
_PARAMETER_COUNT = 2
_SCALARS = frozenset({"string", "integer", "number", "boolean", "null"})

_Schema = dict[str, Any]


class Signature:
    """The models of a function, and what is wrong with it; without a fault both can be used."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self.faults = tuple(self._faults_of(run))

    def _faults_of(self, run: Callable[..., Any]) -> Iterator[str]:
        self.input: type[BaseModel] = BaseModel
        self.output: type[BaseModel] = BaseModel
        names = list(inspect.signature(run).parameters)
        if inspect.iscoroutinefunction(run) or inspect.isasyncgenfunction(run):
            yield "is an async def: write def, for each call has a thread of its own"
        if len(names) != _PARAMETER_COUNT:
            yield f"must take two parameters: call and {INPUT_PARAMETER}"
        elif names[1] != INPUT_PARAMETER:
            yield f"calls its second parameter {names[1]!r}: call it {INPUT_PARAMETER!r}"
        try:
            hints = get_type_hints(run)
        except NameError as error:
            yield f"names an unknown type: {error}"
            return
        if not {INPUT_PARAMETER, "return"} <= hints.keys():
            yield "does not say what it is given and returns: annotate both"
            return
        self.input = hints[INPUT_PARAMETER]
        self.output = hints["return"]
        if not _is_model(self.input):
            yield f"is given {_name(self.input)}: take a model with the arguments as its fields"
        if not _is_model(self.output):
            yield f"returns {_name(self.output)}: return a model; one with a list is Page[…]"


def faults_of_sequences(**sequences: object) -> Iterator[str]:
    """Yield which of the keywords holds one string where several belong."""
    for name, value in sequences.items():
        if isinstance(value, str):
            yield f"has a string as {name}: write {name}=[{str(value)!r}]"


def query_lists(model: type[BaseModel]) -> tuple[frozenset[str], Sequence[str]]:
    """Return the fields that a query repeats, and what a query string cannot express."""
    if not _is_model(model):
        return frozenset(), ()
    schema = model.model_json_schema()
    lists, faults = set(), []
    for name, field in schema.get("properties", {}).items():
        options = [_resolved(option, schema) for option in field.get("anyOf", [field])]
        arrays = [option for option in options if option.get("type") == "array"]
        items = [_resolved(array.get("items", {}), schema) for array in arrays]
        if not all(_is_scalar(option, schema) for option in options if option not in arrays):
            faults.append(f"is a query, and its field {name!r} is nested: make it a mutation")
        elif not all(_is_scalar(item, schema) and item.get("type") != "null" for item in items):
            faults.append(f"is a query, and its field {name!r} is a list of no plain values")
        elif arrays and any(option.get("type") not in ("array", "null") for option in options):
            faults.append(f"is a query, and its field {name!r} is a list or none: choose one")
        elif arrays:
            lists.add(name)
    return frozenset(lists), faults


def _is_scalar(schema: _Schema, document: _Schema) -> bool:
    if "anyOf" in schema or "oneOf" in schema:
        options = schema.get("anyOf") or schema["oneOf"]
        parts = [_resolved(option, document) for option in options]
        return all(_is_scalar(part, document) and part.get("type") != "null" for part in parts)
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    return bool(values) or (bool(names := type_names(schema)) and _SCALARS.issuperset(names))


def _resolved(schema: _Schema, document: _Schema) -> _Schema:
    name = schema.get("$ref", "").removeprefix("#/$defs/")
    return document["$defs"][name] if name else schema


def _is_model(annotation: object) -> bool:
    if not isinstance(annotation, type) or annotation is BaseModel:
        return False
    return issubclass(annotation, BaseModel)


def _name(annotation: object) -> str:
    if annotation is type(None):
        return "None"
    is_plain = isinstance(annotation, type) and not getattr(annotation, "__args__", ())
    return annotation.__name__ if isinstance(annotation, type) and is_plain else str(annotation)
