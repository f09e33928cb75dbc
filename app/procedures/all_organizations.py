"""Every organization, for admins."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from sqlalchemy import ColumnElement, ScalarSelect, func, select

from app.core import mailbox
from app.core.errors import Conflict
from app.core.json_schema import NullClears
from app.core.patterns import HOST_NAME, HOST_NAME_OR_NONE, NONE
from app.core.procedure import Call, procedure
from app.core.text_search import holds_words
from app.models.organization import (
    DOMAIN_LENGTH,
    MANAGER,
    NAME_LENGTH,
    Invitation,
    Membership,
    Organization,
    Project,
    Team,
)
from app.procedures import inviting, removal
from app.procedures.organizations import GivenName, OrganizationId
from app.procedures.shapes import Given, Id, Listing, Page, PageOf, SearchQuery


def _host_name_or_none(text: str) -> str:
    return text if text == NONE else mailbox.host_name(text)


# Of a host name that mail can go to.
_LONGEST = DOMAIN_LENGTH - len("a@")
Domain = Annotated[
    str,
    Field(max_length=_LONGEST),
    AfterValidator(mailbox.host_name),
    WithJsonSchema({"type": "string", "maxLength": _LONGEST, "pattern": HOST_NAME}),
]
DomainOrNone = Annotated[
    str,
    Field(max_length=_LONGEST),
    AfterValidator(_host_name_or_none),
    WithJsonSchema({"type": "string", "maxLength": _LONGEST, "pattern": HOST_NAME_OR_NONE}),
]
_DOMAIN = "Who has an address at it may join, where access is set to organization."


class OrganizationFilter(PageOf):
    """Which organizations."""

    q: SearchQuery | None = Field(
        None,
        max_length=NAME_LENGTH,
        description="Words that name or domain must hold.",
        examples=["acme"],
    )


class NewOrganization(Given):
    """An organization to be made."""

    name: GivenName = Field(description="What people will see.", examples=["Initech"])
    domain: Domain | None = Field(None, description=_DOMAIN, examples=["initech.example"])


class AnyOrganizationChange(OrganizationId):
    """What is to change about an organization; what is left out stays as it is."""

    name: GivenName | None = Field(None, description="A new name.", examples=["Acme Ltd"])
    domain: Annotated[DomainOrNone | None, NullClears()] = Field(
        None,
        description=f'{_DOMAIN} "{NONE}": it has no domain any more.',
        examples=["acme.example"],
    )


class AnyOrganizationOut(BaseModel):
    """An organization as an admin sees it."""

    model_config = ConfigDict(from_attributes=True)

    id: Id
    name: str = Field(examples=["Acme"])
    domain: str | None = Field(examples=["acme.example"])
    members: int
    created_at: datetime


class WholeOrganizationOut(AnyOrganizationOut):
    """An organization, and how much there is in it."""

    managers: int
    teams: int
    projects: int
    invitations: int


class AnyOrganizationPage(Page[AnyOrganizationOut]):
    """Some organizations, newest first."""


def _count(
    table: type[Membership | Team | Project | Invitation], *conditions: ColumnElement[bool]
) -> ScalarSelect[int]:
    within = table.organization_id == Organization.id
    return select(func.count()).select_from(table).where(within, *conditions).scalar_subquery()


_SHOWN = (
    Organization.name,
    Organization.domain,
    Organization.created_at,
    _count(Membership).label("members"),
)
_LISTING = Listing(Organization.id, *_SHOWN)
_WHOLE = select(
    Organization.id,
    *_SHOWN,
    _count(Membership, Membership.standing == MANAGER).label("managers"),
    _count(Team).label("teams"),
    _count(Project).label("projects"),
    _count(Invitation, *inviting.OPEN).label("invitations"),
)


@procedure(
    "all_organizations.list", scopes=["orgs:viewAll"], touches=("organization", "membership")
)
def list_(call: Call, given: OrganizationFilter) -> AnyOrganizationPage:
    """List every organization, newest first."""
    page = _LISTING.page(call.session, given, *_conditions(given))
    return AnyOrganizationPage.model_validate(page)


@procedure(
    "all_organizations.get",
    scopes=["orgs:viewAll"],
    touches=("organization", "membership", "team", "project", "invitation"),
)
def get(call: Call, given: OrganizationId) -> WholeOrganizationOut:
    """Show one organization, and how much there is in it."""
    key = call.get(Organization, given.organization_id).id
    found = call.session.execute(_WHOLE.where(Organization.id == key)).one()
    return WholeOrganizationOut.model_validate(found)


@procedure(
    "all_organizations.create",
    scopes=["orgs:edit"],
    writes=True,
    destructive=False,
    touches=("organization", "membership"),
)
def create(call: Call, given: NewOrganization) -> AnyOrganizationOut:
    """Create an organization; you manage it until you make others its managers and leave."""
    _refuse_taken(call, given.domain)
    made = Organization(name=given.name, domain=given.domain, created_at=call.now)
    call.session.add(made)
    call.session.flush()
    call.session.add(
        Membership(
            organization_id=made.id, user_id=call.user_id, standing=MANAGER, created_at=call.now
        )
    )
    call.session.flush()
    return _one(call, made)


@procedure(
    "all_organizations.update",
    scopes=["orgs:edit"],
    writes=True,
    idempotent=True,
    touches=("organization", "membership"),
)
def update(call: Call, given: AnyOrganizationChange) -> AnyOrganizationOut:
    """Rename an organization, or say at which domain its people have their addresses."""
    organization = call.get(Organization, given.organization_id)
    organization.name = given.name or organization.name
    domain = None if given.domain == NONE else given.domain
    if given.domain is not None and domain != organization.domain:
        _refuse_taken(call, domain)
        organization.domain = domain
    call.session.flush()
    return _one(call, organization)


@procedure(
    "all_organizations.delete",
    scopes=["orgs:edit"],
    writes=True,
    destructive=True,
    touches=("organization", "membership"),
)
def delete(call: Call, given: OrganizationId) -> AnyOrganizationOut:
    """Delete an organization with its teams, projects and invitations, for good.

    Its people keep their accounts and their tasks, those that a team shared too.
    """
    organization = call.get(Organization, given.organization_id)
    gone = _one(call, organization)
    removal.delete(call, organization)
    return gone


def _refuse_taken(call: Call, domain: str | None) -> None:
    same = select(Organization.id).where(Organization.domain == domain)
    if domain and call.session.scalar(same) is not None:
        raise Conflict("Another organization has this domain.")


def _one(call: Call, organization: Organization) -> AnyOrganizationOut:
    query = select(Organization.id, *_SHOWN).where(Organization.id == organization.id)
    return AnyOrganizationOut.model_validate(call.session.execute(query).one())


def _conditions(given: OrganizationFilter) -> Iterator[ColumnElement[bool]]:
    if given.q:
        yield holds_words(given.q, Organization.name, Organization.domain)
