"""What a procedure declares of its tables is what its statements do."""

from operator import attrgetter

import pytest

from app.core.procedure import AnyProcedure
from app.models import ROW_POLICIES
from app.procedures import catalogue
from tests.databases import on_both_engines
from tests.procedures import story
from tests.world import World

# As many are in the story: none that was told of is forgotten again.
TOLD = 95
# Overwrites no row, but stops clients that work.
_ENDS_ACCESS = {"banned_hosts.add"}


@on_both_engines
def test_each_procedure_does_to_its_tables_what_it_declares(world: World) -> None:
    told = story.told(world)
    declared = {item.name: set(item.touches) for item in catalogue()}
    # One that is new need not be in the story yet: the README promises nothing breaks.
    assert dict(told.touched) == {name: declared[name] for name in told.touched}
    assert len(told.touched) >= TOLD
    # MCP, ToolAnnotations: what is not destructive "performs only additive updates".
    destructive = {item.name for item in catalogue() if item.destructive}
    assert told.destructive | _ENDS_ACCESS == destructive & told.touched.keys()


@pytest.mark.parametrize("item", list(catalogue()), ids=attrgetter("name"))
def test_what_a_procedure_touches_has_a_policy_and_is_named_once(item: AnyProcedure) -> None:
    assert set(item.touches) <= ROW_POLICIES.keys()
    assert len(set(item.touches)) == len(item.touches)
