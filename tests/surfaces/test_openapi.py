"""The OpenAPI document against the catalogue that it is made from."""

from typing import Any

import pytest
from flask import Flask
from openapi_spec_validator import validate
from pydantic import BaseModel, Field

from app.core.principal import Channel
from app.core.procedure import AnyProcedure, Call, Catalogue, procedure
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
    assert status["schema"] == {"type": "string", "enum": ["open", "done"]}


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
