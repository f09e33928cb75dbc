"""Projects: what organizations work on."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement

from app.core import names
from app.core.errors import Conflict
from app.core.json_schema import Shown
from app.core.patterns import PROSE
from app.core.procedure import Call, procedure
from app.models.organization import DESCRIPTION_LENGTH, Organization, Project
from app.procedures.organizations import GivenName
from app.procedures.shapes import Given, GivenId, Id, Listing, Page, PageOf

Description = Annotated[
    str, Field(max_length=DESCRIPTION_LENGTH), AfterValidator(names.prose), Shown(pattern=PROSE)
]


class ProjectFilter(PageOf):
    """Which projects."""

    organization_id: GivenId | None = Field(
        None, description="Those of this organization; else of all of yours.", examples=["1"]
    )


class NewProject(Given):
    """A project to be made."""

    name: GivenName = Field(description="What people will see.", examples=["New website"])
    description: Description = Field(
        "", description="What it is about.", examples=["Faster, and with a face of our own."]
    )
    organization_id: GivenId | None = Field(
        None,
        description="Whose it is; who is in one organization alone may leave it out.",
        examples=["1"],
    )


class ProjectOut(BaseModel):
    """A project."""

    model_config = ConfigDict(from_attributes=True)

    id: Id
    organization_id: Id
    name: str = Field(examples=["New website"])
    description: str = Field(examples=["Faster, and with a face of our own."])
    created_at: datetime


class ProjectPage(Page[ProjectOut]):
    """Some projects, newest first."""


_LISTING = Listing(
    Project.id,
    Project.organization_id,
    Project.name,
    Project.description,
    Project.created_at,
)


@procedure("projects.list", scopes=["projects:view"], touches=("organization", "project"))
def list_(call: Call, given: ProjectFilter) -> ProjectPage:
    """List the projects of your organizations, or of one of them, newest first."""
    conditions: list[ColumnElement[bool]] = []
    if given.organization_id:
        organization = call.get(Organization, given.organization_id)
        conditions.append(Project.organization_id == organization.id)
    return ProjectPage.model_validate(_LISTING.page(call.session, given, *conditions))


@procedure(
    "projects.create",
    scopes=["projects:edit"],
    writes=True,
    destructive=False,
    touches=("organization", "project"),
)
def create(call: Call, given: NewProject) -> ProjectOut:
    """Create a project in one of your organizations."""
    organization = call.get(Organization, given.organization_id or _only(call))
    project = Project(
        organization_id=organization.id,
        name=given.name,
        description=given.description,
        created_at=call.now,
    )
    call.session.add(project)
    call.session.flush()
    return ProjectOut.model_validate(project)


def _only(call: Call) -> str:
    """Give the id of the organization that the caller is in, if there is but one."""
    if len(call.principal.organizations) != 1:
        text = "Name one of your organizations: you are not in exactly one."
        raise Conflict(text, fields={"organization_id": text})
    (only,) = call.principal.organizations
    return str(only)
