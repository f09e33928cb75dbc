"""What pages say of errors: words for people, whatever the error was made of."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import ValidationError
from pydantic_core.core_schema import ErrorType

from app.core.errors import (
    Busy,
    CallError,
    ChannelRefused,
    Conflict,
    Forbidden,
    InvalidInput,
    Lost,
    NotFound,
    NotReady,
    NotSignedIn,
    ScopeMissing,
    TooManyCalls,
    Unavailable,
)
from app.core.pipeline import parse
from app.core.procedure import AnyProcedure
from app.core.scopes import SCOPES
from app.procedures import catalogue
from app.surfaces import page_messages

ODD: list[Any] = [
    *(None, "", "\0", "x", "a b", "x" * 5000, "-1", "9" * 30, "1.5", "é\u202e"),
    *(-1, 10**12, 3.5, True, [], [""], ["x"], ["\0"], ["x" * 3000] * 30, {}, {"a": 1}),
]
NAMES = sorted(item.name for item in catalogue())
_SCOPES = [name for name in SCOPES if ":" in name]
_MACHINE = re.compile(
    r"Input should|Value error|valid (string|list|integer|boolean|dictionary)|[Ee]xtra inputs"
    r"|Field required|items? after validation|unable to parse|[a-z]_[a-z]|(?<!\w)[a-z-]+:[a-zA-Z]"
)


def machine_text(text: str) -> bool:
    """Whether a text has words of pydantic's, a procedure's or a scope's name, a field's name."""
    # A redirect URI is quoted as it was typed.
    plain = re.sub(r"https?://", "", text)
    return bool(_MACHINE.search(plain)) or any(name in plain for name in (*NAMES, *_SCOPES))


def refusals() -> Iterator[tuple[str, str, InvalidInput]]:
    """Yield what each procedure refuses of each odd value of each of its fields."""
    for procedure in catalogue():
        for name in (*procedure.input.model_fields, "unknown"):
            for value in ODD:
                if refusal := refused(procedure, {name: value}):
                    yield procedure.name, name, refusal


def refused(procedure: AnyProcedure, arguments: dict[str, Any]) -> InvalidInput | None:
    try:
        parse(procedure, arguments)
    except InvalidInput as refusal:
        return refusal
    return None


def test_no_input_of_any_procedure_is_refused_in_machine_text() -> None:
    kinds = set()
    for procedure, name, refusal in refusals():
        texts = page_messages.fields(refusal)
        assert texts.keys() == refusal.fields.keys()
        for text in texts.values():
            assert not machine_text(text), (procedure, name, text)
            assert re.fullmatch(r"[A-Z“'0-9].*[.?]", text), (procedure, name, text)
        assert isinstance(refusal.__cause__, ValidationError)
        kinds |= {error["type"] for error in refusal.__cause__.errors(include_url=False)}
    assert len(kinds) > 15, kinds


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_each_kind_of_pydantics_has_a_sentence_of_ours(kind: str) -> None:
    context = {"ge": 1, "le": 2, "gt": 1, "lt": 2, "min_length": 2, "max_length": 3, "error": "x"}
    error: Any = {"type": kind, "loc": ("x",), "msg": "Bad.", "input": "x", "ctx": context}
    text = page_messages._sentence(error)
    assert not machine_text(text)
    assert text == "Bad." if kind == "value_error" else text != "Bad."


@pytest.mark.parametrize("is_reading", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        ScopeMissing("users.list", ["users:viewAll"]),
        ChannelRefused("users.delete is not offered over mcp."),
        NotSignedIn("tasks.list acts for a person: sign in, or send a token."),
        Forbidden("It takes users:viewAll users:editAll, which you do not hold."),
        NotFound("There is no task '17'."),
        NotFound("You have no OAuth app '4b3c977306a3510986d3bdaad10d95d6'."),
        NotFound("There is no such row."),
        Conflict("The role of admins keeps users:viewAll."),
        InvalidInput("Input should be a valid string", fields={"x": "Input should be 'a'"}),
        InvalidInput("No.", fields={"scopes": "Only a trusted client may ask for roles:view."}),
        TooManyCalls(30),
        Lost(),
        Busy("Too many changes at once. Try again in a moment."),
        Unavailable(),
        NotReady("The app is not set up yet: its operator finds why at /readyz."),
    ],
    ids=lambda error: str(error)[:30] if isinstance(error, CallError) else None,
)
def test_no_refusal_says_machine_text(error: CallError, *, is_reading: bool) -> None:
    texts = [page_messages.refusal(error, is_reading=is_reading)]
    texts += page_messages.fields(error).values()
    for text in texts:
        assert not machine_text(text)
        assert text.endswith(".")


def test_every_class_of_refusals_is_among_those_tried() -> None:
    tried = {
        ScopeMissing, ChannelRefused, NotSignedIn, Forbidden, NotFound, Conflict, InvalidInput,
        TooManyCalls, Lost, Busy, Unavailable, NotReady,
    }  # fmt: skip
    assert {
        each for each in subclasses(CallError) if each.__module__ == "app.core.errors"
    } == tried


def subclasses(kind: type[CallError]) -> set[type[CallError]]:
    """Return a class's subclasses, and theirs."""
    children = kind.__subclasses__()
    return {*children, *(each for child in children for each in subclasses(child))}


@pytest.mark.parametrize(
    ("name", "field", "value", "text"),
    [
        ("client_secrets.add", "lasts_days", "0", "Enter at least 1 day."),
        ("client_secrets.add", "lasts_days", "4000", "Enter at most 3650 days."),
        ("client_secrets.add", "lasts_days", "soon", "Enter a whole number."),
        ("client_rules.set", "access_token_lasts", "1", "Enter at least 300 seconds."),
        ("tasks.create", "title", "", "Enter a title."),
        ("tasks.create", "title", "x" * 201, "Use at most 200 characters."),
        ("comments.add", "body", "", "Enter a comment."),
        ("oauth_apps.create", "name", None, "Enter a name."),
        ("oauth_apps.create", "redirect_uris", [], "Add at least one redirect URI."),
        ("members.update", "standing", "boss", "Choose one of the options."),
        ("tasks.list", "cursor", "x", "This link no longer works."),
    ],
)
def test_a_message_says_what_to_do(name: str, field: str, value: Any, text: str) -> None:
    procedure = catalogue().get(name)
    assert procedure
    refusal = refused(procedure, {field: value})
    assert refusal
    assert page_messages.fields(refusal)[field] == text


def test_what_is_for_people_already_stays_as_it_is() -> None:
    for text in (
        "ada@example.com has an account already.",
        "You cannot suspend yourself: another admin can.",
        "Nobody else manages O'Neill, D'Arcy: make somebody a manager there first.",
    ):
        assert page_messages.refusal(Conflict(text)) == text


@pytest.mark.parametrize(
    ("status", "heading"),
    [
        (400, "Bad request"),
        (403, "You don't have access"),
        (404, "Page not found"),
        (405, "Bad request"),
        (409, "Conflict"),
        (413, "Bad request"),
        (422, "Bad request"),
        (429, "Too many requests"),
        (500, "Something went wrong"),
        (503, "Something went wrong"),
    ],
)
def test_a_heading_says_which_kind_of_error_it_is(status: int, heading: str) -> None:
    assert page_messages.heading(status) == heading
