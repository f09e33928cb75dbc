"""The examples of the reference and of the document: each is run, and each fits its schema."""

import json
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from operator import attrgetter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.core.principal import Channel
from app.core.procedure import AnyProcedure
from app.procedures import catalogue
from app.surfaces import plain_schema
from app.surfaces.examples import input_example, output_example
from app.surfaces.reference import reference
from tests.surfaces.demo_site import demo_site, token_of

OFFERED = catalogue().on(Channel.API)
# What the later examples find beside the demo: a role, an organization, two invitations.
MAKING = [
    "roles.create",
    "all_organizations.create",
    "all_organizations.invite",
    "workspace_invitations.create",
]
by_name = pytest.mark.parametrize("item", OFFERED, ids=attrgetter("name"))

Run = Callable[[str], TestResponse]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Return an app on the demo workspace."""
    with demo_site(tmp_path_factory.mktemp("demo")) as app:
        yield app


@pytest.fixture(scope="module")
def run(site: Flask) -> Run:
    """Return a function that runs the example of a procedure, as the reference prints it."""
    nouns = reference(site.extensions["pipeline"].catalogue, site.extensions["resources"])
    examples = {entry.procedure.name: entry.example for noun in nouns.values() for entry in noun}
    tokens = {name: token_of(name) for name in ("ada", "grace")}

    def send(name: str) -> TestResponse:
        item = next(item for item in OFFERED if item.name == name)
        person = "ada" if _is_of_members(site, item) else "grace"
        return curl(site, examples[name].replace("$TOKEN", tokens[person]))

    return send


@pytest.fixture(scope="module")
def prepared(site: Flask, run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the database in which the demo and the examples that make rows are."""
    made = {name: run(name) for name in MAKING}
    assert {name: answer.status_code for name, answer in made.items()} == dict.fromkeys(
        MAKING, 200
    )
    copy = tmp_path_factory.mktemp("prepared") / "copy.sqlite3"
    _copy(Path(site.extensions["settings"].instance) / "latchkey.sqlite3", copy)
    return copy


def curl(site: Flask, command: str) -> TestResponse:
    """Send what a curl command sends, quoted as a shell reads it."""
    words = iter(shlex.split(command)[1:])
    headers, body, url = {}, None, ""
    for word in words:
        if word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        elif word == "-d":
            body = next(words)
        else:
            url = word
    program = site.test_client(use_cookies=False)
    return program.open(url, method="GET" if body is None else "POST", headers=headers, data=body)


@by_name
def test_the_example_of_the_reference_works_on_the_demo(
    item: AnyProcedure, site: Flask, run: Run, prepared: Path
) -> None:
    if item.name in MAKING:
        return
    _copy(prepared, Path(site.extensions["settings"].instance) / "latchkey.sqlite3")
    answer = run(item.name)
    assert answer.status_code == 200, answer.text
    jsonschema.validate(answer.get_json(), plain_schema.of_output(item.output))


@by_name
def test_the_examples_of_a_procedure_fit_its_schemas(item: AnyProcedure) -> None:
    validator = jsonschema.Draft202012Validator
    given, answer = plain_schema.of_input(item.input), plain_schema.of_output(item.output)
    validator(given).validate(input_example(item))
    validator(answer).validate(output_example(item))


@by_name
def test_each_text_of_a_procedure_has_an_example_of_its_own(item: AnyProcedure) -> None:
    assert list(_without_example(plain_schema.of_input(item.input), item.name)) == []
    assert list(_without_example(plain_schema.of_output(item.output), item.name)) == []


def test_manifest_document_and_reference_show_the_same_examples(site: Flask) -> None:
    program = site.test_client(use_cookies=False)
    spec = program.get("/api/openapi.json").get_json()
    entries = {each["name"]: each for each in program.get("/api").get_json()["procedures"]}
    page = program.get("/docs/api").text
    for item in OFFERED:
        given, answer = input_example(item), output_example(item)
        assert entries[item.name]["input_example"] == given
        assert entries[item.name]["output_example"] == answer
        operation = spec["paths"][item.path][item.method.lower()]
        shown = operation["responses"]["200"]["content"]["application/json"]["example"]
        assert shown == answer
        if item.writes:
            assert operation["requestBody"]["content"]["application/json"]["example"] == given
            assert json.dumps(given).replace('"', "&#34;").replace("'", "&#39;") in page


def _is_of_members(site: Flask, item: AnyProcedure) -> bool:
    """Whether members may call it; examples name rows of theirs."""
    return item.public or not set(item.scopes) & {
        scope for scope in item.scopes if scope.split(":")[0] in _RULING or "All" in scope
    }


_RULING = ("users", "roles", "scopes", "orgs", "access", "settings")


def _without_example(schema: dict[str, Any], path: str) -> Iterator[str]:
    if schema.get("examples") or "enum" in schema or "const" in schema:
        return
    names = schema.get("type", ())
    if "string" in ([names] if isinstance(names, str) else names) and "format" not in schema:
        yield path
    for name, field in schema.get("properties", {}).items():
        yield from _without_example(field, f"{path}.{name}")
    if "items" in schema:
        yield from _without_example(schema["items"], f"{path}[]")


def _copy(source: Path, target: Path) -> None:
    """Copy a database as a whole, also over one that connections are open to."""
    with sqlite3.connect(source) as read, sqlite3.connect(target) as written:
        read.backup(written)
    read.close()
    written.close()
