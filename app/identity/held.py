"""What a person holds, as columns of a query about them: scopes, and what they belong to."""

from collections.abc import Sequence
from typing import TypedDict

from sqlalchemy import ColumnElement, ScalarSelect, String, case, cast, func, select

from app.core.principal import Channel, Principal
from app.core.statement import SPACE
from app.models.organization import MANAGER, Membership, TeamMember
from app.models.user import User
from app.oauth.lookup import OF_ROLES

_IS_MANAGED = "*"


def _listed(ids: ColumnElement[str], user_id: ColumnElement[int]) -> ScalarSelect[str]:
    return select(func.aggregate_strings(ids, SPACE)).where(user_id == User.id).scalar_subquery()


# The scopes of their roles; their organizations, marked where they look after one; their teams.
HELD = (
    OF_ROLES,
    _listed(
        cast(Membership.organization_id, String)
        + case((Membership.standing == MANAGER, _IS_MANAGED), else_=""),
        Membership.user_id.expression,
    ),
    _listed(cast(TeamMember.team_id, String), TeamMember.user_id.expression),
)


class Circles(TypedDict):
    """What a person belongs to."""

    organizations: frozenset[int]
    managed: frozenset[int]
    teams: frozenset[int]


def circles(found: Sequence[str | None]) -> Circles:
    """Give the last two of the columns as a principal has them."""
    organizations, teams = ((each or "").split() for each in found)
    return {
        "organizations": frozenset(int(each.rstrip(_IS_MANAGED)) for each in organizations),
        "managed": frozenset(int(each[:-1]) for each in organizations if each[-1] == _IS_MANAGED),
        "teams": frozenset(map(int, teams)),
    }


def person(user_id: int, held: Sequence[str | None]) -> Principal:
    """Give the principal of a person in front of a page, from the columns."""
    scopes = frozenset((held[0] or "").split())
    return Principal(Channel.BROWSER, user_id, scopes=scopes, reach=scopes, **circles(held[1:]))
