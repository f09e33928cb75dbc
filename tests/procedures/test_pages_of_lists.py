"""No result grows without bound: lists come a page at a time, and what is beside them is few."""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Any

import pytest
from sqlalchemy import text

from app.core.principal import Channel
from app.core.procedure import AnyProcedure
from app.procedures import catalogue
from app.procedures.shapes import LARGEST_PAGE, PageOf
from app.surfaces import plain_schema
from tests.world import World

OFFERED = [item for item in catalogue() if item.channels & {Channel.API, Channel.MCP}]
# Lists that are as long as the declarations of scopes, or are cut off: `[]` is one of many.
BOUNDED = {
    "scopes",
    "beyond_you",
    "items[].scopes",
    "items[].procedures",
    "items[].roles",
    "items[].clients",
    "unmanaged",
    "organizations",
    "connected_apps",
    "connected_apps[].scopes",
    "sessions",
    "roles",
}


def _lists(schema: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        if "items" in field:
            yield f"{path}{name}"
            yield from _lists(field["items"], f"{path}{name}[].")
        yield from _lists(field, f"{path}{name}.")


@pytest.mark.parametrize("item", OFFERED, ids=attrgetter("name"))
def test_a_list_in_a_result_has_pages_or_is_known_to_be_short(item: AnyProcedure) -> None:
    schema = plain_schema.of_output(item.output)
    lists = set(_lists(schema))
    if "items" in lists:
        assert "next_cursor" in schema["properties"]
        assert item.writes or issubclass(item.input, PageOf)
    assert lists - {"items"} <= BOUNDED


def _roles(world: World, count: int) -> None:
    statement = text(
        "INSERT INTO role (name, description, is_default, is_admin) VALUES (:name, '', :no, :no)"
    )
    rows = [{"name": f"Role {number:03}", "no": False} for number in range(count)]
    with world.system.begin() as connection:
        connection.execute(statement, rows)


def _everything(call: Callable[..., Any], name: str, **given: object) -> list[Any]:
    items, cursor = [], None
    while True:
        page = call("grace", name, **given, **({"cursor": cursor} if cursor else {}))
        items += page.items
        if page.next_cursor is None:
            return items
        cursor = page.next_cursor


def test_short_lists_have_pages_too_in_their_own_order(world: World) -> None:
    _roles(world, LARGEST_PAGE)
    ben = str(world.ids["ben"])
    for name, given in (
        ("roles.list", {}),
        ("scopes.list", {}),
        ("user_roles.get", {"user_id": ben}),
    ):
        first = world.call("grace", name, **given)
        assert len(first.items) == 20
        whole = world.call("grace", name, **given, limit=LARGEST_PAGE).items
        paged = _everything(world.call, name, **given, limit=7)
        assert paged[: len(whole)] == whole
    assert [role.name for role in _everything(world.call, "roles.list")][-1] == "Role 099"


def test_a_cursor_past_the_end_gives_an_empty_page(world: World) -> None:
    page = world.call("grace", "roles.list", cursor="c00000000000f423f")
    assert (page.items, page.next_cursor) == ([], None)


def test_a_person_comes_with_the_first_of_their_belongings_and_where_the_rest_is(
    world: World,
) -> None:
    ben = world.ids["ben"]
    with world.system.begin() as connection:
        for number in range(25):
            connection.execute(
                text(
                    "INSERT INTO login (user_id, digest, created_at, expires_at, user_agent, "
                    "address) VALUES (:ben, :digest, :at, 5000, :agent, '::1')"
                ),
                {"ben": ben, "digest": bytes([number]), "at": number, "agent": f"{number}"},
            )
    shown = world.call("grace", "users.get", user_id=str(ben))
    rest = world.call(
        "grace", "users.list_sessions", user_id=str(ben), cursor=shown.sessions_cursor
    )
    assert len(shown.sessions) == 20
    assert rest.next_cursor is None
    agents = [session.user_agent for session in (*shown.sessions, *rest.items)]
    assert agents[1:] == [f"{number}" for number in reversed(range(25))]
    for belongings in ("organizations", "connected_apps"):
        listed = world.call("grace", f"users.list_{belongings}", user_id=str(ben))
        assert listed.items == getattr(shown, belongings)
        assert listed.next_cursor == getattr(shown, f"{belongings}_cursor")
