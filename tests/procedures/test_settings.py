"""The workspace's settings."""

import pytest

from app.core.errors import InvalidInput, ScopeMissing
from tests.databases import on_both_engines
from tests.procedures.people import holding
from tests.world import World

pytestmark = on_both_engines


def test_a_new_workspace_is_called_latchkey_and_says_nothing(world: World) -> None:
    assert world.call("ben", "settings.get").model_dump() == {"name": "Latchkey", "welcome": ""}


def test_a_change_keeps_what_it_does_not_name(world: World) -> None:
    said = "Hello.\nMind the step."
    assert world.call("grace", "settings.update", welcome=said).name == "Latchkey"
    changed = world.call("grace", "settings.update", name=" Acme ")
    assert changed.model_dump() == {"name": "Acme", "welcome": said}
    assert world.call("ben", "settings.get") == changed
    assert world.call("grace", "settings.update", welcome="").welcome == ""


def test_who_may_see_the_settings_may_not_change_them(world: World) -> None:
    who = holding(world, "grace", "settings:view")
    with pytest.raises(ScopeMissing):
        world.pipeline().call("settings.update", who, {"name": "Mine"})
    assert world.call("ben", "settings.get").name == "Latchkey"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "n" * 81}, "name"),
        ({"name": "\u202e"}, "name"),
        ({"welcome": "w" * 501}, "welcome"),
        ({"welcome": "\u202e"}, "welcome"),
        ({"id": "2"}, "id"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(
    world: World, given: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        world.call("grace", "settings.update", **given)
    assert list(refusal.value.fields) == [field]
