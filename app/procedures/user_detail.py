"""One person, for admins: who they are, and what belongs to them."""

from datetime import datetime

from pydantic import Field, field_validator
from sqlalchemy import select

from app.core import scopes
from app.core.procedure import Call, procedure
from app.models.client import Client
from app.models.grant import Grant
from app.models.organization import Membership, Organization, Standing
from app.models.user import Login, User
from app.procedures.authority import beyond
from app.procedures.shapes import EXAMPLE_CURSOR, Id, Listing, Page, PageOf, ScopeName, slice_page
from app.procedures.user_access import are_live
from app.procedures.users import FromRow, UserId, UserOut, shown

# Of the organizations, apps and sessions that are shown with a person.
_FIRST = PageOf(limit=20)


class UserOrganizationOut(FromRow):
    """An organization that a person is in, and what they are there."""

    id: Id
    name: str = Field(examples=["Acme"])
    standing: Standing


class ConnectedAppOut(FromRow):
    """An app that a person has connected."""

    client_id: str = Field(examples=["4b3c6a2f9d8e4f10a7b2c3d4e5f60718"])
    name: str = Field(examples=["Reporter"])
    scopes: list[ScopeName]
    granted_at: datetime
    last_used_at: datetime | None

    @field_validator("scopes", mode="before")
    @classmethod
    def _as_list(cls, value: str) -> list[str]:
        return value.split()


class SessionOut(FromRow):
    """A browser in which a person is signed in."""

    user_agent: str = Field(examples=["Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Firefox/146.0"])
    address: str = Field(examples=["192.0.2.1"])
    created_at: datetime
    expires_at: datetime


class UserBelongingsFilter(UserId, PageOf):
    """What belongs to which person."""


class UserOrganizationPage(Page[UserOrganizationOut]):
    """Some organizations that a person is in, those joined last first."""


class ConnectedAppPage(Page[ConnectedAppOut]):
    """Some apps that a person has connected, newest first."""


class SessionPage(Page[SessionOut]):
    """Some browsers in which a person is signed in, newest first."""


class UserDetailOut(UserOut):
    """A person, and the first 20 of each kind of what belongs to them.

    Where there are more, there is a cursor for the list of them. `beyond_you` are scopes that they
    hold and you lack: while there are any, you cannot act on them.
    """

    organizations: list[UserOrganizationOut]
    organizations_cursor: str | None = Field(examples=[EXAMPLE_CURSOR])
    connected_apps: list[ConnectedAppOut]
    connected_apps_cursor: str | None = Field(examples=[EXAMPLE_CURSOR])
    sessions: list[SessionOut]
    sessions_cursor: str | None = Field(examples=[EXAMPLE_CURSOR])
    is_you: bool
    beyond_you: list[ScopeName]


_ORGANIZATIONS = Listing(
    Membership.id,
    Membership.organization_id,
    Organization.name,
    Membership.standing,
    beside=(Organization, Organization.id == Membership.organization_id),
)
_APPS = Listing(
    Grant.id,
    Client.client_id,
    Client.name,
    Grant.scopes,
    Grant.created_at.label("granted_at"),
    Grant.last_used_at,
    beside=(Client, Client.id == Grant.client_key),
)


@procedure(
    "users.get",
    scopes=["users:viewAll"],
    touches=(
        "user_account",
        "user_role",
        "role",
        "role_scope",
        "organization",
        "membership",
        "client",
        "oauth_grant",
        "login",
    ),
)
def get(call: Call, given: UserId) -> UserDetailOut:
    """Show one person: roles, organizations, connected apps, and where they are signed in.

    `users.list_organizations`, `users.list_connected_apps` and `users.list_sessions` list the
    rest.
    """
    user = call.get(User, given.user_id)
    organizations = _organizations(call, user, _FIRST)
    apps, sessions = _connected_apps(call, user, _FIRST), _sessions(call, user, _FIRST)
    return UserDetailOut(
        **shown(call, user).model_dump(),
        organizations=organizations.items,
        organizations_cursor=organizations.next_cursor,
        connected_apps=apps.items,
        connected_apps_cursor=apps.next_cursor,
        sessions=sessions.items,
        sessions_cursor=sessions.next_cursor,
        is_you=user.id == call.user_id,
        beyond_you=scopes.render(beyond(call, user.id)).split(),
    )


@procedure(
    "users.list_organizations",
    scopes=["users:viewAll"],
    touches=("user_account", "organization", "membership"),
)
def list_organizations(call: Call, given: UserBelongingsFilter) -> UserOrganizationPage:
    """List the organizations that a person is in, those joined last first."""
    return _organizations(call, call.get(User, given.user_id), given)


@procedure(
    "users.list_connected_apps",
    scopes=["users:viewAll"],
    touches=("user_account", "client", "oauth_grant"),
)
def list_connected_apps(call: Call, given: UserBelongingsFilter) -> ConnectedAppPage:
    """List the apps that a person has connected, newest first."""
    return _connected_apps(call, call.get(User, given.user_id), given)


@procedure("users.list_sessions", scopes=["users:viewAll"], touches=("user_account", "login"))
def list_sessions(call: Call, given: UserBelongingsFilter) -> SessionPage:
    """List the browsers in which a person is signed in, newest first."""
    return _sessions(call, call.get(User, given.user_id), given)


def _organizations(call: Call, user: User, given: PageOf) -> UserOrganizationPage:
    page = _ORGANIZATIONS.page(call.session, given, Membership.user_id == user.id)
    items = [{**item, "id": item["organization_id"]} for item in page["items"]]
    return UserOrganizationPage.model_validate({**page, "items": items})


def _connected_apps(call: Call, user: User, given: PageOf) -> ConnectedAppPage:
    # What a client does for itself is nobody's consent.
    live = (Grant.user_id == user.id, Grant.revoked_at.is_(None), ~Grant.is_service)
    return ConnectedAppPage.model_validate(_APPS.page(call.session, given, *live))


def _sessions(call: Call, user: User, given: PageOf) -> SessionPage:
    found = call.session.execute(
        select(Login.user_agent, Login.address, Login.created_at, Login.expires_at)
        .where(are_live(call, user))
        .order_by(Login.created_at.desc(), Login.digest)
    )
    return SessionPage(**slice_page([SessionOut.model_validate(row) for row in found], given))
