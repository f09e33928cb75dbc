"""Each procedure: not without its scopes, not over another channel, not on another's rows."""

from operator import attrgetter
from typing import Any

import pytest

from app.core.errors import CallError, ChannelRefused, NotFound, NotSignedIn, ScopeMissing
from app.core.principal import Channel, Principal, nobody
from app.core.procedure import AnyProcedure, Procedure
from app.core.scopes import ADMIN, SCOPES, grantable
from app.procedures import catalogue
from tests.world import HERS, World

PROCEDURES = list(catalogue())
GUARDED = [item for item in PROCEDURES if not item.public]
WITHOUT_ONE = [(item, scope) for item in GUARDED for scope in item.scopes]
NOT_OFFERED = [(item, ch) for item in PROCEDURES for ch in Channel if ch not in item.channels]
# What names a row, with the table it is in and where there is one that is Ada's and not Ben's.
OF_ADA = {
    "task_id": ("task", "owner_id = 1"),
    "client_id": ("client", "owner_id = 1"),
    "organization_id": ("organization", f"name = '{HERS}'"),
    "member_id": ("membership", "user_id = 1"),
    "team_id": ("team", f"name = '{HERS}'"),
    "invitation_id": ("invitation", "created_by = 1"),
}
WITHOUT_POWER = frozenset(SCOPES) - frozenset(ADMIN)
ON_A_ROW = [
    (item, key)
    for item in PROCEDURES
    for key in OF_ADA
    # What rules the workspace finds everybody's.
    if key in item.input.model_fields
    and item.input.model_fields[key].is_required()
    and item.is_open_to(WITHOUT_POWER)
]
FILLED: dict[str, Any] = {
    "body": "x",
    "secret_id": "x",
    "name": "x",
    "redirect_uris": ["https://app.example/"],
    "scopes": ["tasks:view"],
    "standing": "member",
    "user_id": "2",
    "email": "new@example.org",
}


def named(value: Any) -> str:
    return value.name if isinstance(value, Procedure) else str(value)


each = pytest.mark.parametrize("item", PROCEDURES, ids=attrgetter("name"))


def a_channel(item: AnyProcedure) -> Channel:
    return min(item.channels)


def refusal(world: World, item: AnyProcedure, principal: Principal, **given: Any) -> CallError:
    with pytest.raises(CallError) as refused:
        world.pipeline().call(item.name, principal, given)
    return refused.value


@pytest.mark.parametrize(("item", "scope"), WITHOUT_ONE, ids=named)
def test_no_procedure_runs_without_its_scopes(
    world: World, item: AnyProcedure, scope: str
) -> None:
    before = world.everything()
    without = item.scopes if item.any_scope else (scope,)
    principal = world.principal("grace", *without, channel=a_channel(item))
    refused = refusal(world, item, principal)
    after = world.everything()
    assert isinstance(refused, ScopeMissing)
    assert scope in refused.needed
    before.pop("audit_event")
    events = after.pop("audit_event")
    assert after == before
    assert (events[-1]["action"], events[-1]["outcome"]) == (item.name, "insufficient_scope")


def test_no_procedure_runs_for_a_credential_without_scopes(world: World) -> None:
    for item in GUARDED:
        within = frozenset(item.scopes)
        principal = Principal(a_channel(item), world.ids["grace"], frozenset(), within)
        assert isinstance(refusal(world, item, principal), ScopeMissing), item.name


def test_no_procedure_but_a_public_one_runs_for_nobody(world: World) -> None:
    before = world.everything()
    for item in GUARDED:
        assert isinstance(refusal(world, item, nobody(a_channel(item))), NotSignedIn), item.name
    assert world.everything() == before


@pytest.mark.parametrize(("item", "channel"), NOT_OFFERED, ids=named)
def test_no_procedure_runs_over_a_channel_that_it_does_not_offer(
    world: World, item: AnyProcedure, channel: Channel
) -> None:
    principal = world.principal("grace", channel=channel)
    assert isinstance(refusal(world, item, principal), ChannelRefused)
    assert isinstance(refusal(world, item, nobody(channel)), ChannelRefused)


@pytest.mark.parametrize(("item", "key"), ON_A_ROW, ids=named)
def test_anothers_row_and_no_row_are_the_same_answer(
    world: World, item: AnyProcedure, key: str
) -> None:
    table, where = OF_ADA[key]
    theirs = world.found(table, where)[0]
    foreign, none = str(theirs["id"]), "999999"
    if key == "client_id":
        foreign, none = theirs["client_id"], "f" * 32
    needed = {name: FILLED[name] for name in item.input.model_fields if name in FILLED}
    power = [scope for scope in item.scopes if scope in ADMIN]
    principal, before = world.principal("ben", *power), world.everything()
    answers = [refusal(world, item, principal, **{key: id_}, **needed) for id_ in (foreign, none)]
    assert all(isinstance(answer, NotFound) for answer in answers)
    assert answers[0].message.replace(foreign, none) == answers[1].message
    after = world.everything()
    before.pop("audit_event")
    after.pop("audit_event")
    assert after == before


@each
def test_a_power_that_no_app_may_have_is_offered_to_pages_alone(item: AnyProcedure) -> None:
    clients = {"oauth_apps", "client_secrets", "oauth_clients", "client_rules", "connections"}
    server = {"registration", "resource_servers", "banned_hosts", "explanations"}
    is_for_no_client = not set(item.scopes) <= set(grantable(is_trusted=True))
    is_of_pages = item.noun in clients | server or is_for_no_client
    assert is_of_pages == (item.channels == {Channel.BROWSER})
