"""The API as a person reads it: each procedure with its fields and an example."""

import json
import shlex
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from app.core.principal import Channel
from app.core.procedure import AnyProcedure, Catalogue
from app.core.resource import Resources
from app.core.scopes import SCOPES, Scope
from app.surfaces import plain_schema
from app.surfaces.examples import input_example, output_example
from app.surfaces.http import MEDIA_TYPE

_LIMITS = {
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minimum": "at least {}",
    "maximum": "at most {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
}


@dataclass(frozen=True, slots=True)
class Field:
    """One argument, or one part of a result: `items[].title` is the title of each item.

    `is_wanted` tells whether a call must give it.
    """

    name: str
    type: str
    is_wanted: bool
    notes: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One procedure of the reference."""

    procedure: AnyProcedure
    scopes: tuple[Scope, ...]
    arguments: tuple[Field, ...]
    results: tuple[Field, ...]
    example: str
    answer: str


def reference(catalogue: Catalogue, resources: Resources) -> dict[str, list[Entry]]:
    """Give the entries of the API by noun, in catalogue order."""
    by_noun: dict[str, list[Entry]] = {}
    for item in catalogue.on(Channel.API):
        by_noun.setdefault(item.noun, []).append(_entry(item, resources))
    return by_noun


def _entry(item: AnyProcedure, resources: Resources) -> Entry:
    given, output = plain_schema.of_input(item.input), plain_schema.of_output(item.output)
    return Entry(
        procedure=item,
        scopes=tuple(SCOPES[name] for name in item.scopes),
        arguments=tuple(_arguments(item, given)),
        results=tuple(_fields(output)),
        example=_example(item, resources.url(item.path)),
        answer=json.dumps(output_example(item), indent=2, ensure_ascii=False),
    )


def _arguments(item: AnyProcedure, given: dict[str, Any]) -> Iterator[Field]:
    for field in _fields(given, wanted=given.get("required", ())):
        is_repeated = field.name in item.repeatable
        notes = f"{field.notes} Repeat the parameter for each value.".strip()
        yield replace(field, notes=notes) if is_repeated else field


def _fields(
    schema: dict[str, Any], inside: str = "", wanted: Collection[str] = ()
) -> Iterator[Field]:
    for name, field in schema.get("properties", {}).items():
        yield Field(inside + name, _type(field), name in wanted, _notes(field))
        yield from _fields(field.get("items", {}), f"{inside}{name}[].")


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(json.dumps(value) for value in schema["enum"])
    if "const" in schema:
        return json.dumps(schema["const"])
    named = schema.get("type", "any")
    names = named if isinstance(named, list) else [named]
    words = [_word(name, schema) for name in names]
    return " or ".join(words)


def _word(name: str, schema: dict[str, Any]) -> str:
    if name == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return "time" if name == "string" and schema.get("format") == "date-time" else name


def _notes(schema: dict[str, Any]) -> str:
    limits = [text.format(schema[key]) for key, text in _LIMITS.items() if key in schema]
    if schema.get("default") not in (None, ""):
        limits.append(f"default {schema['default']}")
    in_words = ", ".join(limits)
    return " ".join(
        part for part in (schema.get("description", ""), in_words and f"({in_words})") if part
    )


def _example(item: AnyProcedure, url: str) -> str:
    arguments = input_example(item)
    words = ["curl"] if item.public else ["curl", "-H", "Authorization: Bearer $TOKEN"]
    if item.writes:
        words += ["-H", f"Content-Type: {MEDIA_TYPE}", "-d", json.dumps(arguments), url]
    else:
        words.append(f"{url}?{urlencode(arguments, doseq=True)}" if arguments else url)
    # Only in double quotes does a shell put the token in.
    quoted = (f'"{word}"' if "$TOKEN" in word else shlex.quote(word) for word in words)
    return " ".join(quoted)
