"""The people in an organization, and what they are there."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from app.core.errors import NotFound
from app.core.procedure import PAGES_ONLY, Call, procedure
from app.core.text_search import holds_words
from app.models.organization import MANAGER, Membership, Organization, Standing
from app.models.user import NAME_LENGTH, User
from app.procedures.organizations import OrganizationId, check_managed, let_go
from app.procedures.shapes import Email, Given, GivenId, Id, Listing, Page, PageOf, SearchQuery

GivenStanding = Annotated[
    Standing, Field(description="member; or manager, who looks after the organization.")
]


class MemberFilter(OrganizationId, PageOf):
    """Which members of which organization."""

    q: SearchQuery | None = Field(
        None,
        max_length=NAME_LENGTH,
        description="Words that name or email address must hold.",
        examples=["ben"],
    )


class MemberId(Given):
    """Which member."""

    member_id: GivenId = Field(
        description="The membership's id, as the list of members has it.", examples=["3"]
    )


class MemberChange(MemberId):
    """What a member is to be."""

    standing: GivenStanding


class MemberOut(BaseModel):
    """A person in an organization."""

    model_config = ConfigDict(from_attributes=True)

    id: Id
    organization_id: Id
    user_id: Id
    name: str = Field(examples=["Ben"])
    email: Email
    standing: Standing
    created_at: datetime


class MemberPage(Page[MemberOut]):
    """Some members, those who came last first."""


_COLUMNS = (
    Membership.organization_id,
    Membership.user_id,
    User.name,
    User.email,
    Membership.standing,
    Membership.created_at,
)
_PERSON = User.id == Membership.user_id
_LISTING = Listing(Membership.id, *_COLUMNS, beside=(User, _PERSON))


@procedure(
    "members.list",
    scopes=["organizations:view"],
    touches=("organization", "membership", "user_account"),
)
def list_(call: Call, given: MemberFilter) -> MemberPage:
    """List the people in one of your organizations, those who came last first."""
    return listed(call, given)


@procedure(
    "members.update",
    scopes=["organizations:edit"],
    channels=PAGES_ONLY,
    writes=True,
    idempotent=True,
    touches=("membership", "user_account"),
)
def update(call: Call, given: MemberChange) -> MemberOut:
    """Make a person a manager of an organization that you manage, or a plain member."""
    return changed(call, given)


@procedure(
    "members.remove",
    scopes=["organizations:edit"],
    channels=PAGES_ONLY,
    writes=True,
    destructive=True,
    touches=("membership", "user_account"),
)
def remove(call: Call, given: MemberId) -> MemberOut:
    """Remove a person from an organization that you manage, and so from its teams.

    Their tasks stay theirs.
    """
    return removed(call, given)


def listed(call: Call, given: MemberFilter) -> MemberPage:
    """Give the members of an organization that the caller may see."""
    organization = call.get(Organization, given.organization_id)
    conditions = [Membership.organization_id == organization.id]
    if given.q:
        conditions.append(holds_words(given.q, User.name, User.email))
    return MemberPage.model_validate(_LISTING.page(call.session, given, *conditions))


def changed(call: Call, given: MemberChange) -> MemberOut:
    """Give a member what they are from now on."""
    member = call.get(Membership, given.member_id)
    was = member.standing
    member.standing = given.standing
    call.session.flush()
    if was == MANAGER:
        check_managed(call, member.organization_id)
    return shown(call, member.id)


def removed(call: Call, given: MemberId) -> MemberOut:
    """Remove a member, and give who it was."""
    member = call.get(Membership, given.member_id)
    gone = shown(call, member.id)
    let_go(call, member)
    return gone


def shown(call: Call, key: int) -> MemberOut:
    """Give one member as they are shown.

    Raises:
        NotFound: the caller may not see them.
    """
    query = select(Membership.id, *_COLUMNS).join(User, _PERSON).where(Membership.id == key)
    row = call.session.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no membership '{key}'.")
    return MemberOut.model_validate(row)
