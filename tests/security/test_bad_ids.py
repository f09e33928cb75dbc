"""Cursors of others and ids that are none, on either engine: what is there stays, and hidden."""

from operator import attrgetter
from typing import Any

import pytest

from app.core.errors import CallError, InvalidInput
from app.core.procedure import AnyProcedure
from app.core.scopes import ADMIN
from app.procedures import catalogue
from tests.databases import on_both_engines
from tests.security.bad_statements import OPEN_TO_MEMBERS
from tests.world import World

pytestmark = on_both_engines

PROCEDURES = list(catalogue())
PAGED = [
    item
    for item in PROCEDURES
    if "cursor" in item.input.model_fields and item.is_open_to(OPEN_TO_MEMBERS)
]
WITH_AN_ID = [
    (item, field)
    for item in PROCEDURES
    for field in item.input.model_fields
    # One is of another system, and one is explained even where there is none.
    if field.endswith("_id") and field != "external_id" and item.name != "explanations.get"
]
ODD_IDS = ["x", "0", "1.0", "1e0", "-1", "+1", "NULL", "%", "1 OR 1=1", str(2**63), "9" * 64]
ODD_IDS += ["\N{ARABIC-INDIC DIGIT ONE}"]
NO_TEXTS = [2**63, 1.5, True, ["1"], {"id": "1"}]
FILLED: dict[str, Any] = {
    "access": "open",
    "body": "x",
    "email": "x@example.org",
    "identifier": "https://x.example",
    "is_open": True,
    "name": "x",
    "procedure": "tasks.list",
    "redirect_uris": ["https://app.example/"],
    "role_ids": ["1"],
    "scopes": ["tasks:view"],
    "standing": "member",
    "title": "x",
    "user": "ben@example.com",
    **dict.fromkeys(("organization_id", "team_id", "user_id", "client_id", "secret_id"), "2"),
}


@pytest.mark.parametrize("item", PAGED, ids=attrgetter("name"))
def test_a_cursor_of_anothers_list_opens_ones_own(world: World, item: AnyProcedure) -> None:
    ben, road = world.principal("ben", *ADMIN), world.pipeline()
    given = {
        name: "2" if name != "task_id" else str(world.found("task", "owner_id = 2")[0]["id"])
        for name, field in item.input.model_fields.items()
        if field.is_required()
    }
    whole = road.call(item.name, ben, {**given, "limit": 100}).model_dump()["items"]
    assert whole
    for key in range(1, 20):
        # What any page of anybody's ends with.
        page = road.call(item.name, ben, {**given, "cursor": _cursor_of(key)}).model_dump()
        assert page["items"] == whole[len(whole) - len(page["items"]) :]


@pytest.mark.parametrize("noun", sorted({item.noun for item, _ in WITH_AN_ID}))
def test_an_id_of_another_kind_names_no_row(world: World, noun: str) -> None:
    before = {**world.everything(), "audit_event": []}
    for item, field in WITH_AN_ID:
        if item.noun == noun:
            answers = {answer(world, item, field, odd) for odd in ODD_IDS}
            assert answers <= {"not_found", "nothing", field}, item.name
            assert {answer(world, item, field, odd) for odd in NO_TEXTS} == {field}, item.name
    assert {**world.everything(), "audit_event": []} == before


def answer(world: World, item: AnyProcedure, field: str, odd: object) -> str:
    """Give how a procedure answers an argument: a list may hold nothing, a field be at fault."""
    needed = [name for name, each in item.input.model_fields.items() if each.is_required()]
    given = {**{name: FILLED.get(name, "2") for name in needed}, field: odd}
    ben = world.principal("ben", channel=min(item.channels))
    try:
        found = world.pipeline().call(item.name, ben, given)
    except InvalidInput as refusal:
        return " ".join(refusal.fields)
    except CallError as refusal:
        return refusal.code
    return "something" if getattr(found, "items", True) else "nothing"


def _cursor_of(key: int) -> str:
    return f"c{key:016x}"
