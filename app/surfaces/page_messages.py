"""Messages for people: what pages say where the API answers with its exact text."""

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.core.errors import (
    CallError,
    ChannelRefused,
    Conflict,
    Forbidden,
    InvalidInput,
    Lost,
    NotFound,
    NotSignedIn,
    ScopeMissing,
    TooManyCalls,
)
from app.core.scopes import SCOPES

_HEADINGS = {
    403: "You don't have access",
    404: "Page not found",
    409: "Conflict",
    429: "Too many requests",
}
_DETAILS = {
    403: "You don't have access to this page. Ask an admin.",
    404: "Check the address. The page may have moved or been deleted.",
    405: "This page can't be opened that way. Go back and use its links and buttons.",
    408: "Your request took too long to arrive. Try again.",
    413: "You sent more than Latchkey accepts. Send at most 1 MB.",
    429: "Too many requests. Try again in a moment.",
    503: "Latchkey is busy. Try again in a moment.",
}
_BAD_REQUEST = "Latchkey can't read this request. Go back and try again."
_SERVER_ERROR = "Something went wrong on our side. Try again in a moment."
# Names of scopes, values in quotes, and the sentences of pydantic and of rows.
_MACHINE_TEXT = re.compile(
    r"(?<!\w)'[^']*'(?!\w)|\b[a-z][\w-]*:[a-z]\w*\b|Input should|Value error|\bno such row\b"
)
_SCOPES = re.compile(r"(?<![\w:])[a-z][a-z-]*:[a-z]\w*(?: [a-z][a-z-]*:[a-z]\w*)*")
_MISSING = {
    "access": "Choose who can sign up.",
    "body": "Enter a comment.",
    "domain": "Enter a domain.",
    "email": "Enter an email address.",
    "identifier": "Enter a URL.",
    "name": "Enter a name.",
    "organization_id": "Choose an organization.",
    "password": "Enter a password.",
    "procedure": "Choose a procedure.",
    "redirect_uris": "Add at least one redirect URI.",
    "role_ids": "Choose at least one role.",
    "scopes": "Choose at least one scope.",
    "standing": "Choose a role.",
    "team_id": "Choose a team.",
    "title": "Enter a title.",
    "user": "Enter an email address.",
    "user_id": "Choose a person.",
}
_PLURALS = {"redirect_uris": "redirect URIs", "post_logout_redirect_uris": "sign-out URIs"}
_UNITS = {"lasts_days": "day", "others_end_hours": "hour"}
_IN_SECONDS = ("_lasts", "_idles")
_OPTIONS = "Choose one of the options."
_UNAVAILABLE = {
    "client_id": "No OAuth client has this ID.",
    "user": "No one has an account with this email address.",
}
_SENTENCES = {
    "bool_parsing": "Choose yes or no.",
    "bool_type": "Choose yes or no.",
    "enum": _OPTIONS,
    "extra_forbidden": "This form has changed. Reload the page.",
    "int_from_float": "Enter a whole number.",
    "int_parsing": "Enter a whole number.",
    "int_parsing_size": "Enter a smaller number.",
    "int_type": "Enter a whole number.",
    "literal_error": _OPTIONS,
}


def heading(status: int) -> str:
    """Return the heading of an error page: the kind of error, in a few words."""
    if status >= 500:  # noqa: PLR2004 - server errors (RFC 9110 §15.6)
        return "Something went wrong"
    return _HEADINGS.get(status, "Bad request")


def detail(status: int) -> str:
    """Return what to say about an error of which only the HTTP status is for people."""
    fallback = _SERVER_ERROR if status >= 500 else _BAD_REQUEST  # noqa: PLR2004 - the same
    return _DETAILS.get(status, fallback)


def bug(reference: str) -> str:
    """Return what to say about a bug; the log has the reference, too."""
    return f"Something went wrong on our side. Reference: {reference}."


def refusal(error: CallError, *, is_reading: bool = True) -> str:
    """Return a refusal's message without machine text; `is_reading` is false for forms."""
    if isinstance(error, ScopeMissing | ChannelRefused | NotSignedIn):
        return _no_access(is_reading=is_reading)
    if isinstance(error, TooManyCalls):
        return f"Too many requests. Try again in {wait(error.retry_after or 1)}."
    message = _SCOPES.sub(_in_words, error.message)
    if isinstance(error, Lost) or has_machine_text(message):
        return _generic(error, is_reading=is_reading)
    return message


def fields(error: CallError) -> dict[str, str]:
    """Return what is wrong with each field; our own validators' words stay as they are."""
    cause = error.__cause__
    if isinstance(error, InvalidInput) and isinstance(cause, ValidationError):
        return {".".join(map(str, e["loc"])): _sentence(e) for e in cause.errors()}
    texts = {name: _SCOPES.sub(_in_words, text) for name, text in error.fields.items()}
    return {
        name: _UNAVAILABLE.get(name, _OPTIONS) if has_machine_text(text) else text
        for name, text in texts.items()
    }


def has_machine_text(text: str) -> bool:
    """Whether a message holds names or sentences that are for programs."""
    return _MACHINE_TEXT.search(text) is not None


def wait(seconds: int) -> str:
    """Return a time to wait in the largest unit that says it in few words."""
    if seconds < 120:  # noqa: PLR2004 - two minutes: below, seconds are the better unit
        return _count(seconds, "second")
    return _count(-(-seconds // 60), "minute")


def _generic(error: CallError, *, is_reading: bool) -> str:
    if isinstance(error, Forbidden):
        return "This needs permissions that you don't have. Ask an admin who has them."
    if isinstance(error, NotFound) and not is_reading:
        return "It was deleted, or you don't have access to it. Reload the page."
    if isinstance(error, NotFound):
        return "This page doesn't exist, or you don't have access to it."
    if isinstance(error, Conflict):
        return "Something changed in the meantime. Reload the page and try again."
    return detail(error.status)


def _in_words(names: re.Match[str]) -> str:
    """Replace the names of scopes by the sentences that people know them by."""
    known = [SCOPES[name].sentence if name in SCOPES else name for name in names[0].split()]
    return ", ".join(f"“{text}”" for text in known)


def _no_access(*, is_reading: bool) -> str:
    return _DETAILS[403] if is_reading else "You don't have permission to do this. Ask an admin."


def _sentence(error: ErrorDetails) -> str:
    kind, context, name = error["type"], error.get("ctx", {}), str(error["loc"][0])
    if name == "cursor":
        return "This link no longer works."
    if kind == "value_error":
        message = error["msg"].removeprefix("Value error, ")
        return message if message.endswith(".") else f"{message}."
    if kind in _SENTENCES:
        return _SENTENCES[kind]
    if kind in ("greater_than_equal", "less_than_equal"):
        return _bound(kind, name, context)
    if kind in ("string_too_long", "too_long") or context.get("min_length", 1) > 1:
        return _length(error, name)
    # Absent, empty, null, or of another shape than any form sends.
    return _MISSING.get(name, "Enter a value.")


def _bound(kind: str, name: str, context: Mapping[str, Any]) -> str:
    most, number = ("least", context["ge"]) if "greater" in kind else ("most", context["le"])
    unit = "second" if name.endswith(_IN_SECONDS) else _UNITS.get(name)
    return f"Enter at {most} {_count(number, unit) if unit else number}."


def _length(error: ErrorDetails, name: str) -> str:
    context, is_short = error.get("ctx", {}), "short" in error["type"]
    bound = f"least {context['min_length']}" if is_short else f"most {context['max_length']}"
    if isinstance(error["input"], str):
        return f"Use at {bound} characters."
    return f"Add at {bound} {_PLURALS.get(name, 'entries')}."


def _count(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
