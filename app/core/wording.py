"""What is wrong with an argument, in words for the person who gave it."""

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from app.core.patterns import MESSAGES

_WORDS = {
    "string_too_short": "Use at least {min_length} characters.",
    "string_too_long": "Use at most {max_length} characters.",
    "too_short": "Give at least {min_length}.",
    "too_long": "Give at most {max_length}.",
}


def sentence(error: ErrorDetails) -> str:
    """Give what pydantic found as a sentence; what a validator of ours said stays as it is."""
    words, context = _WORDS.get(error["type"]), error.get("ctx", {})
    words = MESSAGES.get(context.get("pattern", ""), words)
    if words is None:
        message = error["msg"].removeprefix("Value error, ")
        return message if message.endswith(".") else message + "."
    if context.get("min_length") == 1:
        return "Fill this in." if error["type"] == "string_too_short" else "Give at least one."
    return words.format(**context)


def unknown_argument(error: ErrorDetails, model: type[BaseModel]) -> str | None:
    """Return what a call may say instead of an argument that its input does not have.

    None where this is not what is wrong. A model's own arguments come before inherited ones.
    """
    if error["type"] != "extra_forbidden" or len(error["loc"]) != 1:
        return None
    ordered = [name for base in model.__mro__ for name in getattr(base, "__annotations__", {})]
    allowed = [name for name in dict.fromkeys(ordered) if name in model.model_fields]
    return f"Unknown argument {error['loc'][0]}; allowed: {', '.join(allowed) or 'none'}."
