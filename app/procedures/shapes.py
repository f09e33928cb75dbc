"""What inputs and outputs share: ids, and long lists a page at a time, newest first."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core.procedure import is_row_key

Item = TypeVar("Item", bound=BaseModel)

LARGEST_PAGE = 100

# Ids are strings to everyone outside, and an id that cannot be one names no row.
Id = Annotated[str, BeforeValidator(str)]
GivenId = Annotated[str, Field(min_length=1, max_length=64)]


class Given(BaseModel):
    """What every input shares: an argument that the procedure does not know is an error."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Nothing(Given):
    """No arguments."""


def _checked_cursor(cursor: str) -> str:
    _key_of(cursor)
    return cursor


class PageOf(Given):
    """Which page of a list."""

    cursor: Annotated[str, AfterValidator(_checked_cursor)] | None = Field(
        None, max_length=60, description="The next_cursor of the page before; none for the first."
    )
    limit: int = Field(20, ge=1, le=LARGEST_PAGE, description="How many items at the most.")


class Page(BaseModel, Generic[Item]):
    """Some items, and the cursor of the page after them."""

    items: list[Item]
    next_cursor: str | None = Field(None, description="Give it as cursor for the next page.")


def page_of(
    session: Session, query: Select[Any], key: InstrumentedAttribute[int], given: PageOf
) -> tuple[Sequence[Any], str | None]:
    """Give the rows of one page by descending key, and the cursor of the next.

    The first column of each row is the key.
    """
    if given.cursor:
        query = query.where(key < _key_of(given.cursor))
    query = query.order_by(key.desc()).limit(given.limit + 1)
    # Columns by the connection, without the session's own handling of entities.
    rows = session.connection().execute(query).all()
    if len(rows) <= given.limit:
        return rows, None
    rows = rows[: given.limit]
    return rows, _cursor_of(rows[-1][0])


def _cursor_of(key: int) -> str:
    return urlsafe_b64encode(str(key).encode()).decode().rstrip("=")


def _key_of(cursor: str) -> int:
    try:
        key = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except ValueError:
        key = ""
    if not is_row_key(key):
        raise ValueError("This cursor is not one of ours; leave it out for the first page.")
    return int(key)
