"""The person who calls."""

import pytest

from app.core.errors import InvalidInput, NotFound
from app.core.principal import Channel, Principal
from tests.world import World


def test_the_profile_is_the_callers_with_what_this_credential_may(world: World) -> None:
    scopes = frozenset({"profile:view", "tasks:view"})
    principal = Principal(Channel.API, world.ids["ben"], scopes)
    profile = world.pipeline().call("profile.get", principal, {})
    assert profile.model_dump() == {
        "id": str(world.ids["ben"]),
        "email": "ben@example.com",
        "name": "Ben",
        "scopes": ["profile:view", "tasks:view"],
    }


def test_a_person_who_was_deleted_meanwhile_has_none(world: World) -> None:
    principal = Principal(Channel.API, 999, frozenset({"profile:view"}))
    with pytest.raises(NotFound):
        world.pipeline().call("profile.get", principal, {})


def test_nobody_can_ask_for_anothers_profile(world: World) -> None:
    with pytest.raises(InvalidInput):
        world.call("ben", "profile.get", user_id="1")
