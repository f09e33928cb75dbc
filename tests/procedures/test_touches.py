"""The tables that a procedure is declared to touch are those that its statements name."""

from operator import attrgetter

import pytest

from app.core.procedure import AnyProcedure
from app.models import ROW_POLICIES
from app.procedures import catalogue
from tests.databases import on_both_engines
from tests.procedures import story
from tests.world import World

# As many are in the story: none that was told of is forgotten again.
TOLD = 89


@on_both_engines
def test_each_procedure_touches_the_tables_that_it_is_declared_to(world: World) -> None:
    touched = dict(story.told(world).touched)
    declared = {item.name: set(item.touches) for item in catalogue()}
    # One that is new need not be in the story yet: the README promises nothing breaks.
    assert touched == {name: declared[name] for name in touched}
    assert len(touched) >= TOLD


@pytest.mark.parametrize("item", list(catalogue()), ids=attrgetter("name"))
def test_what_a_procedure_touches_has_a_policy_and_is_named_once(item: AnyProcedure) -> None:
    assert set(item.touches) <= ROW_POLICIES.keys()
    assert len(set(item.touches)) == len(item.touches)
