"""The people in a team: members of its organization."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import ColumnElement, and_, select

from app.core.errors import NotFound
from app.core.procedure import Call, is_row_key, procedure
from app.models.organization import Membership, Team, TeamMember
from app.models.user import User
from app.procedures import removal
from app.procedures.shapes import Email, GivenId, Id, Listing, Page, PageOf
from app.procedures.teams import TeamId


class TeamMemberFilter(TeamId, PageOf):
    """The members of which team."""


class OneOfTeam(TeamId):
    """Which person, for which team."""

    user_id: GivenId = Field(
        description="The person's user_id, as the list of members has it.", examples=["2"]
    )


class TeamMemberOut(BaseModel):
    """A person in a team."""

    model_config = ConfigDict(from_attributes=True)

    team_id: Id
    user_id: Id
    name: str = Field(examples=["Ben"])
    email: Email
    created_at: datetime


class TeamMemberPage(Page[TeamMemberOut]):
    """Some of a team's people, those who came last first."""


_COLUMNS = (
    TeamMember.team_id,
    TeamMember.user_id,
    User.name,
    User.email,
    TeamMember.created_at,
)
_PERSON = User.id == TeamMember.user_id
_LISTING = Listing(TeamMember.id, *_COLUMNS, beside=(User, _PERSON))


@procedure("teams.members", scopes=["teams:view"], touches=("team", "team_member", "user_account"))
def list_(call: Call, given: TeamMemberFilter) -> TeamMemberPage:
    """List the people in a team, those who came last first."""
    team = call.get(Team, given.team_id)
    page = _LISTING.page(call.session, given, TeamMember.team_id == team.id)
    return TeamMemberPage.model_validate(page)


@procedure(
    "teams.add_member",
    scopes=["teams:edit"],
    writes=True,
    destructive=False,
    idempotent=True,
    touches=("team", "team_member", "membership", "user_account"),
)
def add(call: Call, given: OneOfTeam) -> TeamMemberOut:
    """Add a person to a team: one who is in its organization, which you manage.

    Adding them again is not an error.
    """
    team = call.get(Team, given.team_id)
    user_id = _member_of(call, team, given.user_id)
    if _found(call, team, user_id) is None:
        made = TeamMember(
            team_id=team.id,
            organization_id=team.organization_id,
            user_id=user_id,
            created_at=call.now,
        )
        call.session.add(made)
        call.session.flush()
    return _shown(call, team, user_id)


@procedure(
    "teams.remove_member",
    scopes=["teams:edit"],
    writes=True,
    destructive=True,
    touches=("team", "team_member", "membership", "user_account"),
)
def remove(call: Call, given: OneOfTeam) -> TeamMemberOut:
    """Remove a person from a team of an organization that you manage.

    Tasks that they own and share with it stay in it until they take them out.
    """
    team = call.get(Team, given.team_id)
    user_id = _member_of(call, team, given.user_id)
    member = _found(call, team, user_id)
    if member is None:
        raise NotFound(f"The team has no member {given.user_id!r}.")
    gone = _shown(call, team, user_id)
    removal.delete(call, member)
    return gone


def _member_of(call: Call, team: Team, user_id: str) -> int:
    """Give the id of a person who is in the team's organization."""
    if is_row_key(user_id):
        here = Membership.organization_id == team.organization_id
        query = select(Membership.user_id).where(here, Membership.user_id == int(user_id))
        found = call.session.scalar(query)
        if found is not None:
            return found
    raise NotFound(f"The organization has no member {user_id!r}.")


def _found(call: Call, team: Team, user_id: int) -> TeamMember | None:
    return call.session.scalars(select(TeamMember).where(_is(team, user_id))).one_or_none()


def _shown(call: Call, team: Team, user_id: int) -> TeamMemberOut:
    query = select(*_COLUMNS).join(User, _PERSON).where(_is(team, user_id))
    return TeamMemberOut.model_validate(call.session.execute(query).one())


def _is(team: Team, user_id: int) -> ColumnElement[bool]:
    return and_(TeamMember.team_id == team.id, TeamMember.user_id == user_id)
