"""The OpenAPI document against the catalogue that it is made from."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate
from pydantic import BaseModel, Field

from app.core import patterns
from app.core.principal import Channel
from app.core.procedure import AnyProcedure, Call, Catalogue, procedure
from app.core.resource import Resources
from app.core.scopes import SCOPES
from app.procedures import catalogue
from app.surfaces.openapi import document
from app.surfaces.reference import reference

OFFERED = catalogue().on(Channel.API)


@pytest.fixture
def spec(app: Flask) -> dict[str, Any]:
    """Give the document of an app."""
    return document(app.extensions["pipeline"].catalogue, app.extensions["resources"])


def test_the_document_is_valid(spec: dict[str, Any]) -> None:
    validate(spec)
    assert spec["openapi"] == "3.1.0"


def test_the_document_holds_the_procedures_of_the_api_and_no_others(spec: dict[str, Any]) -> None:
    ids = [op["operationId"] for path in spec["paths"].values() for op in path.values()]
    assert ids == [item.name for item in OFFERED]
    assert "oauth_apps.create" not in ids


@pytest.mark.parametrize("item", OFFERED, ids=lambda item: item.name)
def test_an_operation_says_what_its_procedure_needs(
    item: AnyProcedure, spec: dict[str, Any]
) -> None:
    operation = spec["paths"][item.path][item.method.lower()]
    assert operation["tags"] == [item.noun]
    assert operation["summary"] == item.summary
    given = {scope for wanted in operation["security"] for scope in wanted.get("oauth2", [])}
    assert given == set(item.scopes)
    assert ({"bearer": []} in operation["security"]) is not item.public
    assert ("requestBody" in operation) is item.writes
    if not item.writes:
        names = {parameter["name"] for parameter in operation["parameters"]}
        assert names == set(item.input.model_fields)


def test_each_scope_of_an_operation_is_explained(spec: dict[str, Any]) -> None:
    flow = spec["components"]["securitySchemes"]["oauth2"]["flows"]["authorizationCode"]
    needed = {scope for item in OFFERED for scope in item.scopes}
    assert flow["scopes"] == {name: SCOPES[name].sentence for name in SCOPES if name in needed}
    assert flow["authorizationUrl"] == "http://127.0.0.1:8000/oauth/authorize"


def test_a_token_may_be_pasted_instead_of_authorizing(spec: dict[str, Any]) -> None:
    schemes = spec["components"]["securitySchemes"]
    assert list(schemes) == ["oauth2", "bearer"]
    assert (schemes["bearer"]["type"], schemes["bearer"]["scheme"]) == ("http", "bearer")
    # Generated clients apply the alternatives in turn: the last one writes the header.
    security = spec["paths"]["/api/tasks/list"]["get"]["security"]
    assert security == [{"oauth2": ["tasks:view"]}, {"bearer": []}]


def test_an_optional_parameter_is_never_null(spec: dict[str, Any]) -> None:
    parameters = spec["paths"]["/api/tasks/list"]["get"]["parameters"]
    status = next(each for each in parameters if each["name"] == "status")
    assert status["required"] is False
    assert status["schema"] == {"$ref": "#/components/schemas/Status"}
    # Empty stands for leaving it out, and so does not fit the schema.
    assert status["allowEmptyValue"] is True
    schema = spec["components"]["schemas"]["Status"]
    assert schema == {"type": "string", "enum": ["open", "done"]}


def test_every_refusal_is_a_problem(spec: dict[str, Any]) -> None:
    for response in spec["components"]["responses"].values():
        schema = response["content"]["application/problem+json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/Problem"}


class Labels(BaseModel):
    """Which labels."""

    label: list[str] | None = Field(None, description="Labels.")


@procedure("labels.find", public=True)
def find(call: Call, given: Labels) -> Labels:
    """Find labels."""
    return given


def test_a_list_in_a_query_is_a_parameter_that_may_be_repeated(app: Flask) -> None:
    spec = document(Catalogue([find]), app.extensions["resources"])
    validate(spec)
    [parameter] = spec["paths"]["/api/labels/find"]["get"]["parameters"]
    assert (parameter["style"], parameter["explode"]) == ("form", True)
    assert parameter["schema"]["type"] == "array"
    [[entry]] = reference(Catalogue([find]), app.extensions["resources"]).values()
    [field] = entry.arguments
    assert (field.type, field.notes) == (
        "list of string",
        "Labels. Repeat the parameter for each value.",
    )


def test_a_request_body_has_no_default_and_null_only_where_it_clears(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    bodies = {item.input.__name__ for item in OFFERED if item.writes}
    nullable = set()
    for name in bodies:
        for field, schema in schemas[name].get("properties", {}).items():
            assert "default" not in schema, (name, field)
            if "null" in json.dumps(schema):
                nullable.add((name, field))
    assert nullable == {
        ("TaskChange", "team_id"),
        ("AnyOrganizationChange", "domain"),
        ("UserExternalId", "external_id"),
    }


def test_an_answer_requires_each_of_its_fields(spec: dict[str, Any]) -> None:
    for item in OFFERED:
        schema = spec["components"]["schemas"][item.output.__name__]
        assert schema["required"] == list(schema["properties"]), item.name
    task = spec["components"]["schemas"]["TaskOut"]["properties"]
    assert task["completed_at"]["anyOf"] == [
        {"type": "string", "format": "date-time"},
        {"type": "null"},
    ]
    assert task["id"]["pattern"] == patterns.ID


def test_each_set_of_values_is_one_schema_with_a_name(spec: dict[str, Any]) -> None:
    named = {
        name: tuple(schema["enum"])
        for name, schema in spec["components"]["schemas"].items()
        if "enum" in schema
    }
    assert {"Status", "Standing", "UserStatus", "Access", "Risk", "HeldScope"} <= named.keys()
    assert len(set(named.values())) == len(named)
    assert list(_inline_enums(spec)) == []


def test_an_id_may_be_an_integer_in_a_body_and_is_text_elsewhere(spec: dict[str, Any]) -> None:
    body = spec["components"]["schemas"]["TaskId"]["properties"]["task_id"]
    assert body["type"] == ["string", "integer"]
    [parameter] = spec["paths"]["/api/tasks/get"]["get"]["parameters"]
    assert parameter["schema"] == {"type": "string", "pattern": patterns.ID}


def test_each_status_that_the_api_answers_with_is_documented(spec: dict[str, Any]) -> None:
    query = spec["paths"]["/api/tasks/list"]["get"]["responses"].keys()
    mutation = spec["paths"]["/api/tasks/create"]["post"]["responses"].keys()
    assert query == {"200", "400", "401", "403", "404", "422", "429", "503"}
    assert mutation == query | {"409", "413", "415"}
    responses = spec["components"]["responses"]
    assert "WWW-Authenticate" in responses["Unauthorized"]["headers"]
    assert "Retry-After" in responses["TooManyRequests"]["headers"]
    assert "Retry-After" in responses["Unavailable"]["headers"]


def test_a_model_in_inputs_and_outputs_has_a_schema_for_each() -> None:
    class Box(BaseModel):
        label: str = "none"

    class Shelf(BaseModel):
        box: Box

    def run(call: Call, given: Shelf) -> Shelf:
        """Return the shelf."""
        return given

    # As hints would resolve if the models stood in the module.
    run.__annotations__ = {"call": Call, "given": Shelf, "return": Shelf}
    item = procedure("shelves.move", scopes=["tasks:edit"], writes=True)(run)
    spec = document(Catalogue([item]), Resources("http://127.0.0.1:8000"))
    schemas = spec["components"]["schemas"]
    assert schemas["Box"]["required"] == ["label"]
    assert "required" not in schemas["BoxInput"]
    assert schemas["ShelfInput"]["properties"]["box"] == {"$ref": "#/components/schemas/BoxInput"}
    operation = spec["paths"]["/api/shelves/move"]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/ShelfInput"}


def _inline_enums(node: object, path: str = "") -> Iterator[str]:
    """Yield where a set of more than one value stands, other than in a schema of its own."""
    if isinstance(node, list):
        for place, part in enumerate(node):
            yield from _inline_enums(part, f"{path}/{place}")
    elif isinstance(node, dict):
        if len(node.get("enum", ())) > 1 and not _NAMED.fullmatch(path):
            yield path
        for name, part in node.items():
            yield from _inline_enums(part, f"{path}/{name}")


_NAMED = re.compile(r"/components/schemas/[A-Za-z]+")
