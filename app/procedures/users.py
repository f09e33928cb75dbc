"""Everyone who has an account, for admins."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, case, select
from typing_extensions import TypeAliasType

from app.core.errors import Conflict
from app.core.json_schema import NullClears
from app.core.patterns import NONE, VISIBLE_TEXT
from app.core.procedure import Call, is_row_key, procedure
from app.core.text_search import holds_words
from app.models.user import EXTERNAL_ID_LENGTH, Role, User, UserRole
from app.procedures.authority import check_over
from app.procedures.shapes import Email, Given, GivenId, Id, Listing, Page, PageOf, SearchQuery

UserStatus = TypeAliasType("UserStatus", Literal["active", "suspended"])


class UserFilter(PageOf):
    """Which people."""

    q: SearchQuery | None = Field(
        None,
        max_length=200,
        description="Words that name, address or external id must hold.",
        examples=["ben"],
    )
    status: UserStatus | None = Field(
        None, description="Only active ones, or suspended ones.", examples=["active"]
    )
    role_id: GivenId | None = Field(
        None, description="Only those who have this role.", examples=["1"]
    )


class UserId(Given):
    """Which person."""

    user_id: GivenId = Field(description="The person's id.", examples=["2"])


ExternalId = Annotated[
    str, Field(min_length=1, max_length=EXTERNAL_ID_LENGTH, pattern=VISIBLE_TEXT)
]


class UserExternalId(UserId):
    """What another system calls a person."""

    external_id: Annotated[ExternalId | None, NullClears()] = Field(
        description=f'Its name for them; "{NONE}": none any more.', examples=["hr-1042"]
    )


class FromRow(BaseModel):
    """What is shown of a row."""

    model_config = ConfigDict(from_attributes=True)


class RoleNameOut(FromRow):
    """A role, by name."""

    id: Id
    name: str = Field(examples=["Member"])


class UserOut(FromRow):
    """A person with an account."""

    id: Id
    email: Email
    name: str = Field(examples=["Ben"])
    external_id: str | None = Field(examples=["hr-1042"])
    status: UserStatus
    roles: list[RoleNameOut]
    created_at: datetime
    last_seen_at: datetime | None


class UserPage(Page[UserOut]):
    """Some people, newest first."""


_STATUS = case((User.suspended_at.is_(None), "active"), else_="suspended").label("status")
_COLUMNS = (User.email, User.name, User.external_id, _STATUS, User.created_at, User.last_seen_at)
_LISTING = Listing(User.id, *_COLUMNS)


@procedure("users.list", scopes=["users:viewAll"], touches=("user_account", "user_role", "role"))
def list_(call: Call, given: UserFilter) -> UserPage:
    """List everyone who has an account, newest first.

    Filter by words, by status, or by a role that they have.
    """
    page = _LISTING.page(call.session, given, *_conditions(given))
    return UserPage(items=_with_roles(call, page["items"]), next_cursor=page["next_cursor"])


@procedure(
    "users.set_external_id",
    scopes=["users:editAll"],
    writes=True,
    idempotent=True,
    touches=("user_account", "user_role", "role", "role_scope"),
)
def set_external_id(call: Call, given: UserExternalId) -> UserOut:
    """Note what another system calls a person, such as the directory that they come from."""
    user = call.get(User, given.user_id)
    check_over(call, user.id)
    external_id = None if given.external_id == NONE else given.external_id
    taken = select(User.id).where(User.external_id == external_id, User.id != user.id)
    if external_id and call.session.scalar(taken) is not None:
        raise Conflict("Somebody else has this external id.")
    user.external_id = external_id
    call.session.flush()
    return shown(call, user)


def shown(call: Call, user: User) -> UserOut:
    """Give a person as they are listed."""
    columns = ("id", "email", "name", "external_id", "created_at", "last_seen_at")
    status = "active" if user.suspended_at is None else "suspended"
    person = {name: getattr(user, name) for name in columns}
    return _with_roles(call, [{**person, "status": status}])[0]


def _conditions(given: UserFilter) -> Iterator[ColumnElement[bool]]:
    if given.q:
        yield holds_words(given.q, User.name, User.email, User.external_id)
    if given.status:
        is_none = User.suspended_at.is_(None)
        yield is_none if given.status == "active" else ~is_none
    if given.role_id:
        role_id = int(given.role_id) if is_row_key(given.role_id) else -1
        yield User.id.in_(select(UserRole.user_id).where(UserRole.role_id == role_id))


def _with_roles(call: Call, people: Sequence[dict[str, Any]]) -> list[UserOut]:
    """Give people with their roles: one query, however many there are."""
    held: dict[int, list[RoleNameOut]] = {person["id"]: [] for person in people}
    found = call.session.execute(
        select(UserRole.user_id, Role.id, Role.name)
        .join(Role, Role.id == UserRole.role_id)
        .where(UserRole.user_id.in_(held))
        .order_by(Role.id)
    )
    for user_id, key, name in found:
        held[user_id].append(RoleNameOut(id=str(key), name=name))
    return [UserOut(**person, roles=held[person["id"]]) for person in people]
