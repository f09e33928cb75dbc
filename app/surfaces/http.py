"""A procedure over HTTP: arguments out of a request, bytes out of a result."""

import json
from collections.abc import Collection
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from pydantic import BaseModel

from app.core.errors import CallError

MEDIA_TYPE = "application/json"
_MOST_PARAMETERS = 100


class Malformed(CallError):
    """The request cannot be read; what it means to say stays unknown."""

    code = "malformed_request"
    status = 400


class NotJson(CallError):
    """The body of a mutation is not declared as JSON."""

    code = "unsupported_media_type"
    status = 415


def arguments_of_query(
    query: bytes, repeatable: Collection[str] = ()
) -> dict[str, str | list[str]]:
    """Give the arguments in a query string; numbers are still in words.

    Only what is `repeatable` may be given more than once, and is a list even if given once.

    Raises:
        Malformed: it is not UTF-8, or names a parameter twice.
    """
    if not query:
        return {}
    try:
        pairs = parse_qsl(
            query.decode(),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise Malformed(
            f"The query string must be percent-encoded UTF-8 of at most {_MOST_PARAMETERS} "
            "parameters."
        ) from None
    lists = {name: [value for key, value in pairs if key == name] for name in repeatable}
    scalars = _each_once([pair for pair in pairs if pair[0] not in lists])
    return scalars | {name: values for name, values in lists.items() if values}


def arguments_of_body(
    content_type: str | None, encoding: str | None, body: bytes
) -> dict[str, Any]:
    """Give the arguments in a JSON body.

    Raises:
        NotJson: it is declared to be something else.
        Malformed: it is not one JSON object in UTF-8, with each name once.
    """
    _check_declared(content_type, encoding)
    try:
        arguments = json.loads(
            body.decode(), object_pairs_hook=_each_once, parse_constant=_no_number
        )
    except UnicodeDecodeError:
        raise Malformed("The body is not UTF-8.") from None
    except json.JSONDecodeError as fault:
        raise Malformed(f"The body is not JSON: {fault.msg}.") from None
    except (ValueError, RecursionError):
        raise Malformed("The body is too deep, or holds a number of too many digits.") from None
    if not isinstance(arguments, dict):
        raise Malformed("The body must be a JSON object: the arguments by name.")
    return arguments


def rendered(result: BaseModel) -> bytes:
    """Give a result as JSON."""
    # Not model_dump_json: that decodes the bytes, only for the answer to encode them again.
    return result.__pydantic_serializer__.to_json(result)


def _check_declared(content_type: str | None, encoding: str | None) -> None:
    media_type, _, parameters = (content_type or "").lower().partition(";")
    charset = parameters.strip().removeprefix("charset=").strip('"')
    if media_type.strip() != MEDIA_TYPE or charset not in ("", "utf-8"):
        raise NotJson("Send the arguments with Content-Type: application/json, in UTF-8.")
    if encoding and encoding.lower() != "identity":
        raise NotJson("Send the body as it is, without a Content-Encoding.")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    # Of two values, this and whoever stands before it could each believe another one.
    named = dict(pairs)
    if len(named) != len(pairs):
        raise Malformed("An argument is given twice. Name each one once.")
    return named


def _no_number(constant: str) -> NoReturn:
    raise Malformed(f"The body is not JSON: it has no {constant}.")
