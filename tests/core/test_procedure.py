"""Declaring procedures, and collecting them."""

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from pydantic import BaseModel

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
        declared(any_scope=["tasks:edit"])


def test_a_procedure_says_what_it_is_given_and_what_it_returns() -> None:
    def vague(call, given):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202 - that is the fault
        """Do something."""

    with pytest.raises(Misdeclared, match="does not say"):
        procedure("things.make", public=True)(vague)


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
