"""What inputs and outputs share: ids, and long lists a page at a time, newest first."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Generic, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    field_validator,
)
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Table,
    bindparam,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core import patterns
from app.core.errors import NotFound
from app.core.policy import RowPolicy
from app.core.procedure import LARGEST_KEY
from app.core.statement import Statement
from app.core.text_search import check_query
from app.core.ways import Kind, asking, ways
from app.extensions import Model
from app.models import ROW_POLICIES

Item = TypeVar("Item", bound=BaseModel)

LARGEST_PAGE = 100
_MOST = bindparam("most", type_=Integer)

# Beyond it a number loses digits in JavaScript (RFC 8259 §6): such an id has to be a string.
_LARGEST_JSON_INTEGER = 2**53 - 1


def _id_text(value: object) -> object:
    """Return an id that came as a number as a string; a boolean is no number.

    Raises:
        NotFound: it is 1.0, which JSON Schema takes for an integer, and no id is written so.
    """
    if isinstance(value, float) and value.is_integer():
        raise NotFound(f"There is no row with the id {value}: an id has no decimal point.")
    is_id = type(value) is int and 0 < value <= _LARGEST_JSON_INTEGER
    return str(value) if is_id else value


def _id_schema(pattern: str) -> dict[str, Any]:
    return {
        "type": ["string", "integer"],
        "pattern": pattern,
        "minimum": 1,
        "maximum": _LARGEST_JSON_INTEGER,
        "examples": ["1"],
    }


# Ids are strings in every answer; models and programs that have parsed one send it as a number.
# On pages an id that cannot be one names no row: there it comes out of an address.
Id = Annotated[
    str,
    Field(coerce_numbers_to_str=True),
    WithJsonSchema({"type": "string", "pattern": patterns.ID, "examples": ["1"]}),
]
GivenId = Annotated[
    str,
    Field(min_length=1, max_length=64),
    BeforeValidator(_id_text),
    WithJsonSchema(_id_schema(patterns.ID)),
]
# For a field or a filter in which "none" is a value: no team, for example.
GivenIdOrNone = Annotated[
    str,
    Field(min_length=1, max_length=64),
    BeforeValidator(_id_text),
    WithJsonSchema(_id_schema(patterns.ID_OR_NONE)),
]
# Addresses in answers; inputs check theirs.
Email = Annotated[
    str, WithJsonSchema({"type": "string", "format": "email", "examples": ["ben@example.com"]})
]
ScopeName = Annotated[
    str, WithJsonSchema({"type": "string", "pattern": patterns.SCOPE, "examples": ["tasks:view"]})
]
EXAMPLE_CURSOR = "c000000000000001a"
# Words to search for, in any order.
SearchQuery = Annotated[str, AfterValidator(check_query)]


def _each_once(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


EachOnce = AfterValidator(_each_once)


class Given(BaseModel):
    """What every input shares: an argument that the procedure does not know is an error."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*")
    @classmethod
    def _can_be_kept(cls, value: object) -> object:
        # No text of PostgreSQL's holds it, and programs in C take it for the end.
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and "\0" in text for text in texts):
            raise ValueError("Leave the NUL character out.")
        return value


class Nothing(Given):
    """No arguments."""


class PageOf(Given):
    """Which page of a list."""

    cursor: str | None = Field(
        None,
        pattern=patterns.CURSOR,
        description="The next_cursor of the previous page; leave it out for the first.",
        examples=[EXAMPLE_CURSOR],
    )
    limit: int = Field(
        20, ge=1, le=LARGEST_PAGE, description="How many items at the most.", examples=[20]
    )


class Page(BaseModel, Generic[Item]):
    """Some items, and the cursor of the page after them."""

    items: list[Item]
    next_cursor: str | None = Field(
        None, description="Send it as cursor for the next page.", examples=[EXAMPLE_CURSOR]
    )


def slice_page(items: Sequence[Item], given: PageOf) -> dict[str, Any]:
    """Return what a `Page` is made of, for items that are few enough to be read at once.

    Their cursor is a position.
    """
    start = _key_of(given.cursor) if given.cursor else 0
    end = start + given.limit
    next_cursor = _cursor_of(end) if end < len(items) else None
    return {"items": items[start:end], "next_cursor": next_cursor}


class Listing:
    """Columns of a table's rows, a page at a time, newest first.

    It is made once, at import: building a statement anew costs more than running it. Columns of
    another table come from the row `beside` each, by the condition that joins them.
    """

    def __init__(
        self,
        key: InstrumentedAttribute[int],
        *columns: Any,
        beside: tuple[type[Model], ColumnElement[bool]] | None = None,
        policies: Mapping[str, RowPolicy] = ROW_POLICIES,
    ) -> None:
        self._table: Table = key.class_.__table__
        self._policy = policies[self._table.name]
        query = select(key, *columns)
        if beside is not None:
            query = query.join(*beside)
        self._names = tuple(query.selected_columns.keys())
        before = bindparam("before", type_=BigInteger)
        self._query, self._newest = query.where(key < before).limit(_MOST), key.desc()
        self._unfiltered = lru_cache(maxsize=64)(lambda kind: Statement(self._found(kind)))

    def page(
        self, session: Session, given: PageOf, *conditions: ColumnElement[bool]
    ) -> dict[str, Any]:
        """Give what a `Page` is made of: rows that meet the conditions, and the next cursor."""
        connection = session.connection()
        kind, values = asking(connection)
        before = _key_of(given.cursor) if given.cursor else LARGEST_KEY
        asked = {**values, "before": before, "most": given.limit + 1}
        # Columns by the connection, without the session's own handling of entities.
        rows = (
            connection.execute(self._found(kind, *conditions), asked).all()
            if conditions
            else self._unfiltered(kind).rows(connection, **asked)
        )
        next_cursor = _cursor_of(rows[given.limit - 1][0]) if len(rows) > given.limit else None
        items = [dict(zip(self._names, row, strict=True)) for row in rows[: given.limit]]
        return {"items": items, "next_cursor": next_cursor}

    def _found(
        self, kind: Kind | None, *conditions: ColumnElement[bool]
    ) -> Select[*tuple[Any, ...]]:
        """Give the statement; where it goes several ways, each is taken as far as the page."""
        query = self._query.where(*conditions)
        gone = ways(self._policy, self._table, kind)
        if not gone:
            return query.order_by(self._newest)
        if len(gone) == 1 and gone[0].keeps_order:
            return gone[0].rows(query, self._newest)
        found = union_all(*(way.rows(query, self._newest) for way in gone)).subquery()
        key = found.c[0]
        return select(found).ext(distinct_on(key)).order_by(key.desc()).limit(_MOST)


def _cursor_of(key: int) -> str:
    return f"c{key:016x}"


def _key_of(cursor: str) -> int:
    return int(cursor.removeprefix("c"), 16)
