"""Access tokens that the operator issues in a person's name."""

from typing import Any

import pytest

from app.core import credentials
from app.core.credentials import Prefix
from app.core.errors import InvalidInput, NotFound
from app.oauth import operator
from tests.world import World

# Of the world: Ben's idle app.
CLIENT = 3
VIEW = frozenset({"tasks:view"})


def mint(world: World, **changes: object) -> dict[str, object]:
    client = world.found("client", "id = :id", id=CLIENT)[0]["client_id"]
    given: dict[str, Any] = {"client_id": client, "email": "ada@example.com"}
    return operator.mint_token(world.system, **({**given, "granted": VIEW, "now": 100} | changes))


def test_a_minted_token_is_answered_as_a_token_endpoint_would(world: World) -> None:
    answer = mint(world)
    token = answer.pop("access_token")
    assert credentials.is_well_formed(str(token), Prefix.ACCESS_TOKEN)
    assert answer == {"token_type": "Bearer", "expires_in": 3600, "scope": "tasks:view"}


@pytest.mark.parametrize(
    "changes", [{"client_id": "nothing"}, {"email": "nobody@example.com"}, {"email": ""}]
)
def test_no_token_is_minted_for_what_is_not_there(world: World, changes: dict[str, str]) -> None:
    before = world.everything()
    with pytest.raises(NotFound):
        mint(world, **changes)
    assert world.everything() == before


def test_no_token_is_minted_for_a_revoked_client(world: World) -> None:
    with world.system.begin() as connection:
        connection.exec_driver_sql("UPDATE client SET revoked_at = 1")
    with pytest.raises(NotFound):
        mint(world)


@pytest.mark.parametrize("scope", ["oauth-clients:edit", "tasks:fly"])
def test_no_token_is_minted_beyond_what_the_client_may_ask_for(world: World, scope: str) -> None:
    before = world.everything()
    with pytest.raises(InvalidInput):
        mint(world, granted=VIEW | {scope})
    assert world.everything() == before
