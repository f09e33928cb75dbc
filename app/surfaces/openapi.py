"""The API as an OpenAPI 3.1 document, derived from the catalogue."""

from typing import Any

from apispec import APISpec
from pydantic import BaseModel, ConfigDict, Field

from app.core.json_schema import InputSchema, Schema, accepts_blank, resolved, type_names
from app.core.principal import Channel
from app.core.procedure import AnyProcedure, Catalogue
from app.core.resource import Resources
from app.core.scopes import SCOPES
from app.surfaces import problem
from app.surfaces.examples import input_example, output_example
from app.surfaces.http import MEDIA_TYPE
from app.surfaces.manifest import NAME, VERSION, scopes_of
from app.surfaces.openapi_models import REFERENCE, PydanticPlugin
from app.surfaces.plain_schema import text_alone

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
    "503": "Unavailable",
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
    "Unavailable": "The server is too busy, or its database is out of reach; try again later.",
}
_CHALLENGE = {
    "WWW-Authenticate": {
        "description": "Which token, or which scopes, the call needs (RFC 6750 §3).",
        "schema": {"type": "string"},
    }
}
_WAIT = {
    "Retry-After": {
        "description": "After how many seconds to try again.",
        "schema": {"type": "integer", "minimum": 0},
    }
}
_HEADERS = {
    "Unauthorized": _CHALLENGE,
    "InsufficientScope": _CHALLENGE,
    "TooManyRequests": _WAIT,
    "Unavailable": _WAIT,
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


def _errors_are_optional(schema: dict[str, Any]) -> None:
    schema["required"].remove("errors")


class Problem(BaseModel):
    """Why a call was refused (RFC 9457)."""

    model_config = ConfigDict(json_schema_extra=_errors_are_optional)

    type: str = Field(examples=["about:blank"])
    title: str
    status: int
    code: str = Field(
        description="What went wrong, in a word for programs.", examples=["not_found"]
    )
    detail: str = Field(description="What went wrong, and what to do next, for people.")
    errors: list[FieldProblem] = Field([], description="Only where fields need attention.")


def document(catalogue: Catalogue, resources: Resources) -> dict[str, Any]:
    """Give the document."""
    procedures = catalogue.on(Channel.API)
    plugin = PydanticPlugin(
        inputs=[item.input for item in procedures if item.writes],
        queries=[item.input for item in procedures if not item.writes],
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
        response = {
            "description": description,
            "content": {problem.MEDIA_TYPE: {"schema": Problem}},
            **({"headers": _HEADERS[name]} if name in _HEADERS else {}),
        }
        spec.components.response(name, response)
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
        content = {MEDIA_TYPE: {"schema": item.input, "example": input_example(item)}}
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
    content = {"schema": item.output, "example": output_example(item)}
    return {"description": description, "content": {MEDIA_TYPE: content}}


def _refusals(item: AnyProcedure) -> dict[str, str]:
    named = {
        **_FOR_ALL,
        **({} if item.public else _FOR_A_PERSON),
        **(_FOR_MUTATIONS if item.writes else {}),
    }
    return dict(sorted(named.items()))


def _parameters(item: AnyProcedure) -> list[dict[str, Any]]:
    schema = item.input.model_json_schema(ref_template=REFERENCE, schema_generator=InputSchema)
    required, definitions = schema.get("required", ()), schema.get("$defs", {})
    return [
        _parameter(name, field, definitions, is_required=name in required)
        # One parameter for each value: ?tag=a&tag=b.
        | ({"style": "form", "explode": True} if name in item.repeatable else {})
        for name, field in schema.get("properties", {}).items()
    ]


def _parameter(
    name: str, field: Schema, definitions: Schema, *, is_required: bool
) -> dict[str, Any]:
    about = ("description", "examples")
    schema = {key: value for key, value in field.items() if key not in about}
    parameter = {
        "name": name,
        "in": "query",
        "required": is_required,
        "description": field.get("description", name),
        "schema": text_alone(schema) if "string" in type_names(schema) else schema,
    }
    if not is_required and not accepts_blank(resolved(schema, definitions)):
        # Empty stands for leaving it out.
        parameter["allowEmptyValue"] = True
    if "examples" in field:
        parameter["example"] = field["examples"][0]
    return parameter
