"""What a person holds, as columns of a query about them: scopes, and what they belong to."""

from collections.abc import Sequence
from typing import Any, TypedDict

from sqlalchemy import ColumnElement, ScalarSelect, String, cast, func, select

from app.core.principal import Channel, Principal
from app.core.statement import SPACE
from app.models.organization import MANAGER, Membership, TeamMember
from app.models.user import RoleScope, User, UserRole


def _of_person(column: Any, *conditions: ColumnElement[bool]) -> ScalarSelect[str]:  # noqa: ANN401 - a mapped column
    joined = func.aggregate_strings(cast(column, String), SPACE)
    return select(joined).where(*conditions).scalar_subquery()


ROLE_SCOPES = (
    select(func.aggregate_strings(RoleScope.scope, SPACE))
    .join(UserRole, UserRole.role_id == RoleScope.role_id)
    .where(UserRole.user_id == User.id)
    .scalar_subquery()
)
_MINE = Membership.user_id == User.id
# The scopes of their roles, their organizations, those that they look after, their teams.
HELD = (
    ROLE_SCOPES,
    _of_person(Membership.organization_id, _MINE),
    _of_person(Membership.organization_id, _MINE, Membership.standing == MANAGER),
    _of_person(TeamMember.team_id, TeamMember.user_id == User.id),
)


class Circles(TypedDict):
    """What a person belongs to."""

    organizations: frozenset[int]
    managed: frozenset[int]
    teams: frozenset[int]


def circles(found: Sequence[str | None]) -> Circles:
    """Give the last three of the columns as a principal has them."""
    organizations, managed, teams = (frozenset(map(int, (s or "").split())) for s in found)
    return {"organizations": organizations, "managed": managed, "teams": teams}


def person(user_id: int, held: Sequence[str | None]) -> Principal:
    """Give the principal of a person in front of a page, from the columns."""
    scopes = frozenset((held[0] or "").split())
    return Principal(Channel.BROWSER, user_id, scopes=scopes, reach=scopes, **circles(held[1:]))
