"""Arguments of the API and of MCP, held to what the schema says."""

import unicodedata
from typing import Annotated, Any

import pytest
from pydantic import Field

from app.core import names, patterns
from app.core.errors import CallError, InvalidInput
from app.core.json_schema import InputSchema, NullClears, OutputSchema
from app.core.pipeline import parse
from app.core.principal import Channel
from app.core.procedure import AnyProcedure, Call, procedure
from app.procedures.shapes import Given, GivenId, GivenIdOrNone, PageOf
from app.procedures.tasks import TaskOut


class Shelf(Given):
    """A shelf."""

    shelf_id: GivenId
    box_ids: list[GivenId] = Field(default=[])
    label: str | None = Field(None, min_length=1, max_length=5)
    notes: str = ""
    height: int = Field(1, ge=0, le=10)
    weight: float | None = None
    is_open: bool | None = None
    room_id: Annotated[GivenIdOrNone | None, NullClears()] = None


def run(call: Call, given: Shelf) -> Shelf:
    """Return what came in."""
    return given


QUERY = procedure("shelves.get", scopes=["tasks:view"])(run)
MUTATION = procedure("shelves.move", scopes=["tasks:edit"], writes=True)(run)
HTTP = (Channel.API, MUTATION)
TEXT = (Channel.API, QUERY)
TOOL = (Channel.MCP, MUTATION)
EVERYWHERE = [HTTP, TEXT, TOOL]

Way = tuple[Channel, AnyProcedure]


def read(way: Way, **arguments: Any) -> dict[str, Any]:
    channel, item = way
    return parse(item, {"shelf_id": "7", **arguments}, channel=channel).model_dump(
        exclude_unset=True
    )


def faults(way: Way, **arguments: Any) -> dict[str, str]:
    with pytest.raises(InvalidInput) as refused:
        read(way, **arguments)
    return refused.value.fields


@pytest.mark.parametrize("way", [HTTP, TOOL])
def test_an_id_may_come_as_an_integer_and_is_a_string_from_then_on(way: Way) -> None:
    assert read(way, shelf_id=1, box_ids=[99, "98"], room_id=5) == {
        "shelf_id": "1",
        "box_ids": ["99", "98"],
        "room_id": "5",
    }


@pytest.mark.parametrize("way", EVERYWHERE)
@pytest.mark.parametrize("odd", [True, False, 1.5, 0, -1, 2**53, [], {}])
def test_a_boolean_or_a_fraction_is_no_id(way: Way, odd: object) -> None:
    assert "shelf_id" in faults(way, shelf_id=odd)


@pytest.mark.parametrize("way", [HTTP, TOOL])
def test_an_id_with_a_decimal_point_names_no_row(way: Way) -> None:
    with pytest.raises(CallError) as refused:
        read(way, shelf_id=1.0)
    assert refused.value.status == 404


@pytest.mark.parametrize("way", EVERYWHERE)
@pytest.mark.parametrize("odd", ["01", " 1", "1 ", "+1", "1.0", "1e0", "x", "٣", "1\n", "9" * 20])
def test_an_id_has_one_spelling(way: Way, odd: str) -> None:
    assert faults(way, shelf_id=odd) == {"shelf_id": patterns.MESSAGES[patterns.ID]}


@pytest.mark.parametrize(
    ("field", "odd"),
    [
        ("height", "1"),
        ("height", 1.0),
        ("height", True),
        ("weight", "1"),
        ("weight", True),
        ("is_open", 0),
        ("is_open", "yes"),
        ("is_open", "true"),
        ("notes", 1),
        ("box_ids", "7"),
    ],
)
def test_a_json_body_is_not_converted(field: str, odd: object) -> None:
    assert list(faults(HTTP, **{field: odd})) == [field]


@pytest.mark.parametrize("odd", ["01", " 1", "1 ", "+1", "1.0", "1e0", "1_0", "", "one"])
def test_a_number_in_a_query_has_one_spelling(odd: str) -> None:
    if odd:
        assert list(faults(TEXT, height=odd)) == ["height"]
    else:
        assert read(TEXT, height=odd) == {"shelf_id": "7"}
    assert read(TEXT, height="10", weight="2.5", is_open="true") == {
        "shelf_id": "7",
        "height": 10,
        "weight": 2.5,
        "is_open": True,
    }


def test_a_model_may_put_numbers_and_booleans_into_quotes() -> None:
    assert read(TOOL, height="3", is_open="false") == {
        "shelf_id": "7",
        "height": 3,
        "is_open": False,
    }
    assert list(faults(TOOL, height="3.0")) == ["height"]
    assert list(faults(TOOL, is_open="no")) == ["is_open"]


@pytest.mark.parametrize("way", EVERYWHERE)
def test_an_empty_text_stands_for_what_is_left_out_unless_it_is_a_value(way: Way) -> None:
    assert read(way, label="", room_id="", notes="") == {"shelf_id": "7", "notes": ""}
    assert "shelf_id" in faults(way, shelf_id="")


def test_null_is_refused_over_http_where_it_has_no_meaning() -> None:
    for field in ("shelf_id", "label", "notes", "height", "is_open", "box_ids"):
        assert faults(HTTP, **{field: None}).keys() == {field}
    assert read(HTTP, room_id=None)["room_id"] == "none"


def test_null_from_a_model_stands_for_what_is_left_out() -> None:
    assert read(TOOL, label=None, room_id=None, height=None) == {"shelf_id": "7"}
    assert "shelf_id" in faults(TOOL, shelf_id=None)


def test_the_value_that_means_none_has_a_name_of_its_own() -> None:
    for way in EVERYWHERE:
        assert read(way, room_id="none")["room_id"] == "none"
        assert "shelf_id" in faults(way, shelf_id="none")


def test_text_is_measured_before_it_is_trimmed() -> None:
    assert read(HTTP, label=" ab ")["label"] == "ab"
    assert list(faults(HTTP, label="a     ")) == ["label"]
    assert list(faults(HTTP, label="   ")) == ["label"]
    assert list(faults(HTTP, label="a\0")) == ["label"]


def test_each_fault_is_named_at_once() -> None:
    assert faults(HTTP, height="1", is_open=1, label="toolong", lable="x").keys() == {
        "height",
        "is_open",
        "label",
        "lable",
    }


def test_pages_convert_what_their_forms_send() -> None:
    form = {"shelf_id": "7", "height": " 3", "is_open": "on"}
    assert parse(MUTATION, form).model_dump(exclude_unset=True) == {
        "shelf_id": "7",
        "height": 3,
        "is_open": True,
    }


def test_an_input_schema_has_null_only_where_it_clears() -> None:
    fields = Shelf.model_json_schema(schema_generator=InputSchema)["properties"]
    nullable = {name for name, field in fields.items() if "null" in str(field)}
    assert nullable == {"room_id"}


def test_an_output_schema_requires_each_field_and_has_no_default() -> None:
    schema = TaskOut.model_json_schema(mode="serialization", schema_generator=OutputSchema)
    assert schema["required"] == list(TaskOut.model_fields)
    assert all("default" not in field for field in schema["properties"].values())


def test_a_cursor_has_one_form() -> None:
    pattern = PageOf.model_json_schema(schema_generator=InputSchema)["properties"]["cursor"]
    assert pattern["pattern"] == patterns.CURSOR


def test_the_published_patterns_know_what_cannot_be_seen() -> None:
    for code in [*range(0xD800), *range(0xE000, 0x3134B), *range(0xE0000, 0xE1000)]:
        character = chr(code)
        if unicodedata.category(character) in ("Cn", "Cs"):
            continue
        is_visible = character.isprintable() and character not in "\u115f\u1160\u3164\uffa0"
        assert _accepts(f"a{character}b") is is_visible, hex(code)
        if is_visible and character.isalnum():
            assert _accepts(character), hex(code)


def _accepts(text: str) -> bool:
    try:
        names.name(text)
    except ValueError:
        return False
    return True
