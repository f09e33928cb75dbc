"""Teams: some members of an organization, who share tasks."""

from collections.abc import Iterator
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, func, select

from app.core.errors import Conflict
from app.core.procedure import Call, procedure
from app.models.organization import Organization, Team, TeamMember
from app.procedures import removal
from app.procedures.organizations import GivenName, OrganizationId
from app.procedures.shapes import Given, GivenId, Id, Page, PageOf, slice_page


class TeamFilter(PageOf):
    """Which teams."""

    organization_id: GivenId | None = Field(
        None, description="Those of this organization; else of all of yours.", examples=["1"]
    )


class TeamId(Given):
    """Which team."""

    team_id: GivenId = Field(description="The team's id.", examples=["1"])


class NewTeam(OrganizationId):
    """A team to be made."""

    name: GivenName = Field(description="What people will see.", examples=["Design"])


class TeamChange(TeamId):
    """What is to change about a team."""

    name: GivenName = Field(description="What people will see.", examples=["Field work"])


class TeamOut(BaseModel):
    """A team; `is_mine` tells whether you are in it."""

    model_config = ConfigDict(from_attributes=True)

    id: Id
    organization_id: Id
    name: str = Field(examples=["Operations"])
    is_mine: bool
    members: int
    created_at: datetime


class TeamPage(Page[TeamOut]):
    """Some teams, by name."""


@procedure("teams.list", scopes=["teams:view"], touches=("organization", "team", "team_member"))
def list_(call: Call, given: TeamFilter) -> TeamPage:
    """List the teams of your organizations, or of one of them."""
    return TeamPage(**slice_page(_shown(call, *_conditions(call, given)), given))


@procedure(
    "teams.create",
    scopes=["teams:edit"],
    writes=True,
    destructive=False,
    touches=("organization", "team", "team_member"),
)
def create(call: Call, given: NewTeam) -> TeamOut:
    """Create a team in an organization that you manage; nobody is in it yet."""
    organization = call.get(Organization, given.organization_id)
    _refuse_taken(call, organization.id, given.name)
    team = Team(organization_id=organization.id, name=given.name, created_at=call.now)
    call.session.add(team)
    call.session.flush()
    return _one(call, team)


@procedure(
    "teams.update",
    scopes=["teams:edit"],
    writes=True,
    idempotent=True,
    touches=("team", "team_member"),
)
def update(call: Call, given: TeamChange) -> TeamOut:
    """Rename a team of an organization that you manage."""
    team = call.get(Team, given.team_id)
    if team.name != given.name:
        _refuse_taken(call, team.organization_id, given.name)
    team.name = given.name
    call.session.flush()
    return _one(call, team)


@procedure(
    "teams.delete",
    scopes=["teams:edit"],
    writes=True,
    destructive=True,
    touches=("team", "team_member"),
)
def delete(call: Call, given: TeamId) -> TeamOut:
    """Delete a team of an organization that you manage; its tasks stay with their owners."""
    team = call.get(Team, given.team_id)
    gone = _one(call, team)
    removal.delete(call, team)
    return gone


def _conditions(call: Call, given: TeamFilter) -> Iterator[ColumnElement[bool]]:
    if given.organization_id:
        yield Team.organization_id == call.get(Organization, given.organization_id).id


def _refuse_taken(call: Call, organization_id: int, name: str) -> None:
    same = select(Team.id).where(Team.organization_id == organization_id, Team.name == name)
    if call.session.scalar(same) is not None:
        raise Conflict("The organization has a team of this name already.")


def _one(call: Call, team: Team) -> TeamOut:
    return _shown(call, Team.id == team.id)[0]


def _shown(call: Call, *conditions: ColumnElement[bool]) -> list[TeamOut]:
    counted = select(func.count()).where(TeamMember.team_id == Team.id)
    found = call.session.execute(
        select(
            Team.id,
            Team.organization_id,
            Team.name,
            Team.created_at,
            Team.id.in_(sorted(call.principal.teams)).label("is_mine"),
            counted.scalar_subquery().label("members"),
        )
        .where(*conditions)
        .order_by(Team.name, Team.id)
    )
    return [TeamOut.model_validate(row) for row in found]
