"""Declaring procedures, and collecting them."""

from typing import Any, Literal

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from pydantic import BaseModel, create_model

from app.core.errors import Misdeclared
from app.core.principal import Channel
from app.core.procedure import (
    LARGEST_KEY,
    AnyProcedure,
    Call,
    Catalogue,
    Procedure,
    is_row_key,
    procedure,
)
from app.procedures import catalogue


class Given(BaseModel):
    """Nothing."""


class Made(BaseModel):
    """Nothing."""


def run(call: Call, given: Given) -> Made:
    """Make nothing of it.

    With a second line.
    """
    return Made()


def declared(name: str = "things.make", **facts: object) -> AnyProcedure:
    return procedure(name, **({"scopes": ["tasks:view"]} | facts))(run)  # type: ignore[arg-type] # any facts


def test_what_is_public_of_it_stands_in_the_declaration() -> None:
    made = declared(writes=True)
    assert isinstance(made, Procedure)
    assert (made.noun, made.path, made.tool_name) == (
        "things",
        "/api/things/make",
        "things_make",
    )
    assert (made.method, declared().method) == ("POST", "GET")
    assert made.summary == "Make nothing of it"
    assert made.description == "Make nothing of it.\n\nWith a second line."
    assert (made.input, made.output) == (Given, Made)
    assert made.channels == set(Channel)


def test_a_query_is_idempotent_and_a_mutation_is_where_it_says_so() -> None:
    assert declared().idempotent
    assert not declared(writes=True).idempotent
    assert declared(writes=True, idempotent=True).idempotent


def test_what_writes_is_destructive_unless_it_says_that_it_only_adds() -> None:
    assert not declared().destructive
    assert declared(writes=True).destructive
    assert not declared(writes=True, destructive=False).destructive


@pytest.mark.parametrize("held", [{"tasks:view"}, {"tasks:edit"}, set()])
def test_all_scopes_are_needed_or_any_as_declared(held: set[str]) -> None:
    both = ["tasks:view", "tasks:edit"]
    assert not declared(scopes=both).is_open_to(frozenset(held))
    assert declared(scopes=both).is_open_to(frozenset(both))
    assert declared(scopes=(), any_scope=both).is_open_to(frozenset(held)) == bool(held)


@pytest.mark.parametrize(
    ("facts", "fault"),
    [
        ({"name": "make"}, "is not named noun.verb"),
        ({"name": "Things.make"}, "is not named noun.verb"),
        ({"name": "things.make.more"}, "is not named noun.verb"),
        ({"scopes": ["tasks:fly"]}, "unknown scope 'tasks:fly'"),
        ({"scopes": ()}, "must either name scopes or be public"),
        ({"public": True}, "must either name scopes or be public"),
        ({"destructive": True}, "is destructive but does not write"),
        ({"channels": frozenset()}, "is offered on no channel"),
        ({"scopes": "tasks:view"}, r"has a string as scopes: write scopes=\['tasks:view'\]"),
        ({"scopes": (), "any_scope": "tasks:view"}, "has a string as any_scope"),
        ({"touches": "task"}, r"has a string as touches: write touches=\['task'\]"),
        ({"channels": Channel.API}, "has a string as channels"),
    ],
)
def test_a_declaration_that_does_not_fit_stops_the_start(
    facts: dict[str, object], fault: str
) -> None:
    with pytest.raises(Misdeclared, match=fault):
        Catalogue([declared(**facts)])  # type: ignore[arg-type] # any facts


def test_a_procedure_without_a_description_stops_the_start() -> None:
    @procedure("things.make", public=True)
    def silent(call: Call, given: Given) -> Made:
        return Made()

    with pytest.raises(Misdeclared, match=r"'things\.make' has no description"):
        Catalogue([silent])


def test_a_procedure_that_is_declared_twice_stops_the_start() -> None:
    with pytest.raises(Misdeclared, match=r"'things\.make' is declared twice"):
        Catalogue([declared(), declared()])


def test_a_procedure_says_whether_all_scopes_are_needed_or_any() -> None:
    with pytest.raises(Misdeclared, match="names scopes and any_scope"):
        Catalogue([declared(any_scope=["tasks:edit"])])


def test_a_procedure_says_what_it_is_given_and_what_it_returns() -> None:
    def vague(call, given):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - that is the fault
        """Do something."""

    with pytest.raises(Misdeclared, match="does not say"):
        Catalogue([procedure("things.make", public=True)(vague)])


class Nested(BaseModel):
    """A field with fields of its own."""

    part: Given


class Listed(BaseModel):
    """Lists that a query can hold."""

    name: str | None = None
    kinds: list[Literal["a", "b"]] | None = None
    tags: list[str] = []
    numbers: set[int] = set()


def asynchronous() -> Any:
    async def run_later(call: Call, given: Given) -> Made:
        """Make it later."""
        return Made()

    return run_later


def giving(output: Any, parameter: str = "given", given: Any = Given) -> Any:
    def run_it(call: Any, given: Any) -> Any:
        """Make it."""

    run_it.__annotations__ = {"call": Call, "given": given, "return": output}
    if parameter != "given":

        def run_otherwise(call: Call, params: Given) -> Made:
            """Make it."""
            return Made()

        return run_otherwise
    return run_it


@pytest.mark.parametrize(
    ("run", "fault"),
    [
        (giving(list[Made]), r"returns list\[.*Made\]: return a model"),
        (giving(None), "returns None: return a model"),
        (giving(dict), "returns dict: return a model"),
        (giving(Made | None), "return a model"),
        (giving("Unknown"), "names an unknown type: name 'Unknown'"),
        (giving(Made, given=dict[str, str]), "is given dict.*: take a model"),
        (giving(Made, "params"), "calls its second parameter 'params': call it 'given'"),
        (asynchronous(), "is an async def: write def"),
        (lambda: None, "must take two parameters: call and given"),
    ],
)
def test_a_function_from_which_nothing_can_be_derived_stops_the_start(
    run: Any, fault: str
) -> None:
    with pytest.raises(Misdeclared, match=rf"^procedure 'things\.make' .*{fault}") as stopped:
        Catalogue([procedure("things.make", public=True)(run)])
    assert "\n" not in str(stopped.value)


@pytest.mark.parametrize(
    "field",
    [Given, dict[str, str], list[Given], list[list[str]], list[str | None], str | list[str]],
)
def test_a_query_with_what_its_url_cannot_hold_stops_the_start(field: Any) -> None:
    model = create_model("Odd", odd=(field, ...))
    query = procedure("things.find", public=True)(giving(Made, given=model))
    with pytest.raises(Misdeclared, match=r"'things\.find' is a query, and its field 'odd' is"):
        Catalogue([query])
    change = procedure("things.make", public=True, writes=True)(giving(Made, given=model))
    assert list(Catalogue([change])) == [change]


def test_a_query_knows_which_of_its_parameters_may_be_repeated() -> None:
    query = procedure("things.find", public=True)(giving(Made, given=Listed))
    assert list(Catalogue([query])) == [query]
    assert query.repeatable == {"kinds", "tags", "numbers"}


def test_the_catalogue_keeps_the_order_and_knows_what_is_offered_where() -> None:
    first, second = declared("a.b"), declared("a.c", channels=frozenset({Channel.MCP}))
    both = Catalogue([first, second])
    assert list(both) == [first, second]
    assert both.on(Channel.API) == [first]
    assert both.on(Channel.MCP) == [first, second]
    assert both.get("a.c") is second
    assert both.get("a.d") is None


def test_no_two_procedures_share_a_path_or_a_tools_name() -> None:
    ours = list(catalogue())
    assert len({item.path for item in ours}) == len({item.tool_name for item in ours}) == len(ours)


@drawn(st.text() | st.from_regex(r"[0-9]{1,70}", fullmatch=True))
def test_what_could_be_a_key_is_one_that_the_database_takes(key: str) -> None:
    if is_row_key(key):
        assert 0 <= int(key) <= LARGEST_KEY


@pytest.mark.parametrize(
    "key", ["", "-1", "1.0", " 1", "1e3", "²", "٣", "9" * 19, "0" * 20 + "9" * 30]
)
def test_what_is_no_key_is_told(key: str) -> None:
    assert not is_row_key(key)
