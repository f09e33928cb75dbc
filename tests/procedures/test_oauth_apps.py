"""The OAuth apps that a person registered."""

from typing import Any

import pytest

from app.core import credentials, scopes
from app.core.credentials import Prefix
from app.core.errors import InvalidInput, NotFound
from tests.requirements import requirement
from tests.world import World

CALLBACK = "http://127.0.0.1/cb"


def create(world: World, **given: object) -> Any:
    asked = {"name": "Reporter", "redirect_uris": [CALLBACK]} | given
    return world.call("ben", "oauth_apps.create", **asked)


def clients(world: World, **given: object) -> list[str]:
    return [app.name for app in world.call("ben", "oauth_apps.list", **given).items]


def test_a_new_app_is_confidential_and_may_ask_for_what_a_third_party_may(world: World) -> None:
    made = create(world, description="Sums up").app
    assert (made.name, made.description, made.kind, made.source) == (
        "Reporter",
        "Sums up",
        "confidential",
        "user",
    )
    assert made.redirect_uris == [CALLBACK]
    assert made.scopes == list(scopes.THIRD_PARTY)
    assert (made.last_used_at, made.revoked_at) == (None, None)
    assert world.call("ben", "oauth_apps.get", client_id=made.client_id) == made


def test_the_secret_is_in_the_answer_once_and_nowhere_in_clear(world: World) -> None:
    made = create(world)
    assert credentials.is_well_formed(made.client_secret, Prefix.CLIENT_SECRET)
    (kept,) = world.found("client_secret", "digest = :d", d=credentials.digest(made.client_secret))
    assert kept["last_four"] == made.client_secret[-4:]
    assert made.client_secret not in str(world.everything())
    listed = world.call("ben", "oauth_apps.list").model_dump_json()
    assert "secret" not in listed.replace("client_secret_", "")


@requirement("rfc6749:no-secret-for-public")
def test_a_public_app_gets_no_secret(world: World) -> None:
    secrets = len(world.found("client_secret"))
    made = create(world, kind="public")
    assert (made.client_secret, made.app.kind) == (None, "public")
    assert len(world.found("client_secret")) == secrets


def test_a_list_has_the_apps_that_one_registered_not_those_one_connected(world: World) -> None:
    create(world, name="newest")
    assert clients(world) == ["newest", "connected", "his: idle"]


def test_a_redirect_uri_that_is_given_twice_is_kept_once(world: World) -> None:
    made = create(world, redirect_uris=[CALLBACK, "https://a.example/", CALLBACK])
    assert made.app.redirect_uris == [CALLBACK, "https://a.example/"]


def test_revoking_is_for_good_and_again_is_no_error(world: World) -> None:
    app = create(world).app
    first = world.call("ben", "oauth_apps.revoke", client_id=app.client_id)
    road, ben = world.pipeline().at(2000), world.principal("ben")
    again: Any = road.call("oauth_apps.revoke", ben, {"client_id": app.client_id})
    assert first.revoked_at.timestamp() == again.revoked_at.timestamp() == 1000


def test_deleting_takes_secrets_grants_and_tokens_of_everyone_with_it(world: World) -> None:
    mine = world.client_id(4)
    assert world.found("oauth_grant", "client_key = 4")
    gone = world.call("ben", "oauth_apps.delete", client_id=mine)
    assert (gone.client_id, gone.name) == (mine, "connected")
    assert not world.found("client_secret", "client_key = 4")
    assert [row["client_key"] for row in world.found("oauth_grant")] == [2]
    (family,) = world.found("token_family")
    for table in ("access_token", "refresh_token", "authorization_code"):
        assert {row["family_id"] for row in world.found(table)} == {family["id"]}


@pytest.mark.parametrize("name", ["oauth_apps.get", "oauth_apps.revoke", "oauth_apps.delete"])
@pytest.mark.parametrize("key", [1, 2, 5])
def test_anothers_app_and_one_that_is_only_connected_are_not_ones_own(
    world: World, name: str, key: int
) -> None:
    before = world.found("client")
    with pytest.raises(NotFound):
        world.call("ben", name, client_id=world.client_id(key))
    assert world.found("client") == before


@requirement("rfc6749:redirect-uris-registered")
@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": "n" * 81}, "name"),
        ({"description": "d" * 501}, "description"),
        ({"kind": "native"}, "kind"),
        ({"redirect_uris": []}, "redirect_uris"),
        ({"redirect_uris": CALLBACK}, "redirect_uris"),
        ({"redirect_uris": [f"https://a.example/{n}" for n in range(11)]}, "redirect_uris"),
        ({"redirect_uris": [CALLBACK, "http://a.example/"]}, "redirect_uris.1"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "redirect_uris.0"),
        ({"redirect_uris": [None]}, "redirect_uris.0"),
        ({"scopes": "oauth-clients:edit"}, "scopes"),
        ({"owner_id": 1}, "owner_id"),
    ],
)
def test_what_does_not_fit_is_told_at_its_field(
    world: World, given: dict[str, object], field: str
) -> None:
    before = world.found("client")
    with pytest.raises(InvalidInput) as refusal:
        create(world, **given)
    assert list(refusal.value.fields) == [field]
    assert world.found("client") == before
