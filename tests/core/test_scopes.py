"""The scopes, and lists of them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import scopes
from app.core.scopes import BASIC, SCOPES, THIRD_PARTY
from app.procedures import catalogue
from tests.world import World

# RFC 6749 §3.3
ANY_SCOPE = r"[\x21\x23-\x5b\x5d-\x7e]+"


@pytest.mark.parametrize("scope", SCOPES.values(), ids=lambda scope: scope.name)
def test_each_scope_is_noun_and_reach_with_a_sentence_for_people(scope: scopes.Scope) -> None:
    assert scope.identity or re.fullmatch(r"[a-z-]+:[a-z]+[A-Za-z]*", scope.name)
    assert scope.sentence[0].isupper()
    assert not scope.sentence.endswith(".")


def test_an_app_that_does_not_ask_gets_only_what_a_third_party_may_have() -> None:
    assert set(BASIC) < set(THIRD_PARTY)


def test_the_powers_over_clients_and_consents_are_for_no_third_party() -> None:
    guarded = ("oauth-", "connections:")
    assert not [name for name in THIRD_PARTY if name.startswith(guarded)]


def test_each_scope_that_a_procedure_names_is_held_by_a_role(world: World) -> None:
    held = {row["scope"] for row in world.found("role_scope")}
    assert {scope for item in catalogue() for scope in item.scopes} <= held
    assert held <= set(SCOPES)


@given(st.frozensets(st.sampled_from(sorted(SCOPES)) | st.from_regex(ANY_SCOPE, fullmatch=True)))
def test_a_list_that_is_rendered_reads_back_as_the_same_set(names: frozenset[str]) -> None:
    assert scopes.parse(scopes.render(names)) == names


@pytest.mark.parametrize("text", [None, "", "  "])
def test_no_list_is_no_scopes(text: str | None) -> None:
    assert scopes.parse(text) == frozenset()
