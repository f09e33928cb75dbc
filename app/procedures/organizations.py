"""A person's own organizations: see them, rename those that they manage, leave them."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import aliased

from app.core import names
from app.core.errors import Conflict, NotFound
from app.core.json_schema import Shown
from app.core.patterns import NAME
from app.core.procedure import PAGES_ONLY, Call, procedure
from app.models.organization import MANAGER, NAME_LENGTH, Membership, Organization, Standing
from app.procedures import removal
from app.procedures.shapes import Given, GivenId, Id, Page, PageOf, slice_page

# Of an organization, and of what is in it.
GivenName = Annotated[
    str,
    Field(min_length=1, max_length=NAME_LENGTH),
    AfterValidator(names.name),
    Shown(pattern=NAME),
]


class OrganizationId(Given):
    """Which organization."""

    organization_id: GivenId = Field(description="The organization's id.", examples=["1"])


class OrganizationChange(OrganizationId):
    """What is to change about an organization."""

    name: GivenName = Field(description="What people will see.", examples=["Acme Ltd"])


class OrganizationOut(BaseModel):
    """An organization; `standing` is what you are in it, if anything."""

    model_config = ConfigDict(from_attributes=True)

    id: Id
    name: str = Field(examples=["Acme"])
    domain: str | None = Field(examples=["acme.example"])
    standing: Standing | None
    members: int
    created_at: datetime


class OrganizationPage(Page[OrganizationOut]):
    """Some organizations, by name."""


@procedure(
    "organizations.list", scopes=["organizations:view"], touches=("organization", "membership")
)
def list_(call: Call, given: PageOf) -> OrganizationPage:
    """List the organizations that you are in."""
    return OrganizationPage(**slice_page(_shown(call), given))


@procedure(
    "organizations.get", scopes=["organizations:view"], touches=("organization", "membership")
)
def get(call: Call, given: OrganizationId) -> OrganizationOut:
    """Show one of your organizations."""
    return _one(call, call.get(Organization, given.organization_id))


@procedure(
    "organizations.update",
    scopes=["organizations:edit"],
    channels=PAGES_ONLY,
    writes=True,
    idempotent=True,
    touches=("organization", "membership"),
)
def update(call: Call, given: OrganizationChange) -> OrganizationOut:
    """Rename an organization that you manage."""
    organization = call.get(Organization, given.organization_id)
    organization.name = given.name
    call.session.flush()
    return _one(call, organization)


@procedure(
    "organizations.leave",
    scopes=["organizations:edit"],
    channels=PAGES_ONLY,
    writes=True,
    destructive=True,
    touches=("organization", "membership"),
)
def leave(call: Call, given: OrganizationId) -> OrganizationOut:
    """Leave an organization: its teams and projects are closed to you from then on."""
    organization = call.get(Organization, given.organization_id)
    left = _one(call, organization)
    mine = select(Membership).where(
        Membership.organization_id == organization.id, Membership.user_id == call.user_id
    )
    membership = call.session.scalars(mine).one_or_none()
    if membership is None:
        raise NotFound("You are not in this organization.")
    let_go(call, membership)
    return left


def let_go(call: Call, membership: Membership) -> None:
    """Take a person out of an organization.

    Raises:
        Conflict: it has other people, and nobody else manages it.
    """
    removal.delete(call, membership)
    if membership.standing == MANAGER:
        check_managed(call, membership.organization_id)


def check_managed(call: Call, organization_id: int) -> None:
    """Refuse what has just left an organization with people in it and nobody who manages it.

    Raises:
        Conflict: so it did.
    """
    people = select(Membership.id).where(Membership.organization_id == organization_id).limit(1)
    managers = people.where(Membership.standing == MANAGER)
    if call.session.scalar(people) is not None and call.session.scalar(managers) is None:
        raise Conflict("Nobody else manages this organization: make another member its manager.")


def _one(call: Call, organization: Organization) -> OrganizationOut:
    return _shown(call, Organization.id == organization.id)[0]


def _shown(call: Call, *conditions: ColumnElement[bool]) -> list[OrganizationOut]:
    """Give the caller's organizations that meet the conditions, by name."""
    mine = aliased(Membership)
    counted = select(func.count()).where(Membership.organization_id == Organization.id)
    found = call.session.execute(
        select(
            Organization.id,
            Organization.name,
            Organization.domain,
            Organization.created_at,
            mine.standing,
            counted.scalar_subquery().label("members"),
        )
        .outerjoin(
            mine, and_(mine.organization_id == Organization.id, mine.user_id == call.user_id)
        )
        .where(*conditions)
        .order_by(Organization.name, Organization.id)
    )
    return [OrganizationOut.model_validate(row) for row in found]
