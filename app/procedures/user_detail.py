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
from app.procedures.shapes import Id, ScopeName
from app.procedures.user_access import are_live
from app.procedures.users import FromRow, UserId, UserOut, shown

# Of the sessions and apps that are shown of one person.
_MOST = 100


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


class UserDetailOut(UserOut):
    """A person, and what belongs to them.

    `beyond_you` are scopes that they hold and you lack: while there are any, you cannot act on
    them.
    """

    organizations: list[UserOrganizationOut]
    connected_apps: list[ConnectedAppOut]
    sessions: list[SessionOut]
    is_you: bool
    beyond_you: list[ScopeName]


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
    """Show one person: roles, organizations, connected apps, and where they are signed in."""
    user = call.get(User, given.user_id)
    return UserDetailOut(
        **shown(call, user).model_dump(),
        organizations=_organizations(call, user),
        connected_apps=_connected_apps(call, user),
        sessions=_sessions(call, user),
        is_you=user.id == call.user_id,
        beyond_you=scopes.render(beyond(call, user.id)).split(),
    )


def _organizations(call: Call, user: User) -> list[UserOrganizationOut]:
    found = call.session.execute(
        select(Organization.id, Organization.name, Membership.standing)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.user_id == user.id)
        .order_by(Organization.name, Organization.id)
    )
    return [UserOrganizationOut.model_validate(row) for row in found]


def _connected_apps(call: Call, user: User) -> list[ConnectedAppOut]:
    # What a client does for itself is nobody's consent.
    granted_at = Grant.created_at.label("granted_at")
    live = (Grant.user_id == user.id, Grant.revoked_at.is_(None), ~Grant.is_service)
    found = call.session.execute(
        select(Client.client_id, Client.name, Grant.scopes, granted_at, Grant.last_used_at)
        .join(Client, Client.id == Grant.client_key)
        .where(*live)
        .order_by(Grant.id.desc())
        .limit(_MOST)
    )
    return [ConnectedAppOut.model_validate(row) for row in found]


def _sessions(call: Call, user: User) -> list[SessionOut]:
    found = call.session.execute(
        select(Login.user_agent, Login.address, Login.created_at, Login.expires_at)
        .where(are_live(call, user))
        .order_by(Login.created_at.desc())
        .limit(_MOST)
    )
    return [SessionOut.model_validate(row) for row in found]
