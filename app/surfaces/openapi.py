"""The API as an OpenAPI 3.1 document, derived from the catalogue."""

from typing import Any

from apispec import APISpec
from pydantic import BaseModel, Field

from app.core.principal import Channel
from app.core.procedure import AnyProcedure, Catalogue
from app.core.resource import Resources
from app.core.scopes import SCOPES
from app.surfaces import plain_schema, problem
from app.surfaces.http import MEDIA_TYPE
from app.surfaces.manifest import NAME, VERSION, scopes_of
from app.surfaces.openapi_models import PydanticPlugin

_FLOW = "oauth2"
# Beside the flow: generators send the word `Bearer` for this one, and users can paste a token.
_BEARER = "bearer"
_INTRODUCTION = (
    "Each operation is a procedure: queries by GET, with arguments in the query string; "
    "mutations by POST, with arguments as JSON. Send an access token as `Authorization: Bearer`."
)
# What stands in the way of a call, by the names of the responses below `components`.
_FOR_ALL = {
    "400": "Malformed",
    "401": "Unauthorized",
    "422": "InvalidInput",
    "429": "TooManyRequests",
}
_FOR_A_PERSON = {"403": "InsufficientScope", "404": "NotFound"}
_FOR_MUTATIONS = {"409": "Conflict", "413": "ContentTooLarge", "415": "UnsupportedMediaType"}
_RESPONSES = {
    "Malformed": "The request cannot be read.",
    "Unauthorized": "No token, or one that is unknown, expired, revoked, or meant for elsewhere.",
    "InsufficientScope": "The token lacks a scope; `WWW-Authenticate` names those needed.",
    "NotFound": "There is no such row for you.",
    "Conflict": "This clashes with something that is there already.",
    "ContentTooLarge": "The body is larger than 1 MiB.",
    "UnsupportedMediaType": "The body is not declared as JSON.",
    "InvalidInput": "The arguments do not fit; `errors` says where and why.",
    "TooManyRequests": "Too many calls; `Retry-After` says how many seconds to wait.",
}


_PASTED_TOKEN = {
    "type": "http",
    "scheme": "bearer",
    "description": "An access token that you have already, without the word `Bearer`.",
}


class FieldProblem(BaseModel):
    """A field that needs attention."""

    field: str
    message: str


class Problem(BaseModel):
    """Why a call was refused (RFC 9457)."""

    type: str = Field(examples=["about:blank"])
    title: str
    status: int
    code: str = Field(description="What went wrong, in a word for programs.")
    detail: str = Field(description="What went wrong, and what to do next, for people.")
    errors: list[FieldProblem] | None = None


def document(catalogue: Catalogue, resources: Resources) -> dict[str, Any]:
    """Give the document."""
    procedures = catalogue.on(Channel.API)
    plugin = PydanticPlugin(
        inputs=[item.input for item in procedures if item.writes],
        outputs=[Problem, *(item.output for item in procedures)],
    )
    spec = APISpec(
        NAME,
        VERSION,
        "3.1.0",
        plugins=[plugin],
        info={"summary": "The procedures of Latchkey", "description": _INTRODUCTION},
        servers=[{"url": resources.public_url}],
        tags=[{"name": noun} for noun in dict.fromkeys(item.noun for item in procedures)],
    )
    spec.components.security_scheme(_FLOW, _security(procedures, resources))
    spec.components.security_scheme(_BEARER, _PASTED_TOKEN)
    for name, description in _RESPONSES.items():
        content = {problem.MEDIA_TYPE: {"schema": Problem}}
        spec.components.response(name, {"description": description, "content": content})
    for item in procedures:
        spec.path(item.path, operations={item.method.lower(): _operation(item)})
    return spec.to_dict()


def _security(procedures: list[AnyProcedure], resources: Resources) -> dict[str, Any]:
    flow = {
        "authorizationUrl": resources.url("/oauth/authorize"),
        "tokenUrl": resources.url("/oauth/token"),
        "refreshUrl": resources.url("/oauth/token"),
        "scopes": scopes_of(procedures),
    }
    return {"type": "oauth2", "flows": {"authorizationCode": flow}}


def _operation(item: AnyProcedure) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": item.name,
        "summary": item.summary,
        "description": _description(item),
        "tags": [item.noun],
        "security": _requirements(item),
        "responses": {"200": _success(item), **_refusals(item)},
    }
    if item.writes:
        content = {MEDIA_TYPE: {"schema": item.input}}
        operation["requestBody"] = {"required": True, "content": content}
    else:
        operation["parameters"] = _parameters(item)
    return operation


def _description(item: AnyProcedure) -> str:
    if item.public:
        return f"{item.description}\n\nNeeds no token."
    joined = " or " if item.any_scope else " and "
    needed = joined.join(f"`{name}` ({SCOPES[name].sentence})" for name in item.scopes)
    return f"{item.description}\n\nNeeds {needed}."


def _requirements(item: AnyProcedure) -> list[dict[str, list[str]]]:
    if item.public:
        return []
    alternatives = [[name] for name in item.scopes] if item.any_scope else [list(item.scopes)]
    return [*({_FLOW: scopes} for scopes in alternatives), {_BEARER: []}]


def _success(item: AnyProcedure) -> dict[str, Any]:
    description = (item.output.__doc__ or item.output.__name__).strip().splitlines()[0]
    return {"description": description, "content": {MEDIA_TYPE: {"schema": item.output}}}


def _refusals(item: AnyProcedure) -> dict[str, str]:
    named = {
        **_FOR_ALL,
        **({} if item.public else _FOR_A_PERSON),
        **(_FOR_MUTATIONS if item.writes else {}),
    }
    return dict(sorted(named.items()))


def _parameters(item: AnyProcedure) -> list[dict[str, Any]]:
    schema = plain_schema.of_input(item.input)
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": field.get("description", name),
            "schema": {key: value for key, value in field.items() if key != "description"},
            # One parameter for each value: ?tag=a&tag=b.
            **({"style": "form", "explode": True} if name in item.repeatable else {}),
        }
        for name, field in schema.get("properties", {}).items()
    ]
