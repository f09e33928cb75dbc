"""Finding what a question about a call is about; the session decides what is found."""

from collections import defaultdict

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import scopes
from app.core.case import Account, App, Case
from app.core.procedure import Catalogue
from app.core.rule import Circle
from app.models.client import CLIENT_ID_LENGTH, Client
from app.models.grant import Grant
from app.models.organization import MANAGER, Membership, Organization, Team, TeamMember
from app.models.user import EMAIL_LENGTH, Role, RoleScope, User, UserRole
from app.procedures.shapes import Given

_NAME_LENGTH = 80

# The tables that these look into.
TOUCHED = (
    *("user_account", "role", "role_scope", "user_role"),
    *("organization", "membership", "team", "team_member"),
    *("client", "oauth_grant"),
)


class Question(Given):
    """Which call of whom."""

    procedure: str = Field(
        min_length=1, max_length=_NAME_LENGTH, description="The procedure, such as tasks.list."
    )
    user: str = Field(
        min_length=1, max_length=EMAIL_LENGTH, description="The address of the account."
    )
    client_id: str | None = Field(
        None,
        min_length=1,
        max_length=CLIENT_ID_LENGTH,
        description="The OAuth client that calls; else the person does, from a page.",
    )


def found(session: Session, catalogue: Catalogue, given: Question) -> Case:
    """Give the procedure, the account and the client, as far as they are found."""
    email = given.user.lower()
    user = session.scalars(select(User).where(User.email == email)).one_or_none()
    client = None
    if given.client_id is not None:
        named = select(Client).where(Client.client_id == given.client_id)
        client = session.scalars(named).one_or_none()
    return Case(
        name=given.procedure,
        email=email,
        client_id=given.client_id,
        procedure=catalogue.get(given.procedure),
        account=_account(session, user) if user else None,
        app=_app(session, client, user) if client else None,
    )


def _account(session: Session, user: User) -> Account:
    return Account(
        user_id=user.id,
        email=user.email,
        is_suspended=user.suspended_at is not None,
        roles=_roles(session, user.id),
        circles=_circles(session, user.id),
    )


def _roles(session: Session, user_id: int) -> dict[str, frozenset[str]]:
    rows = session.execute(
        select(Role.name, RoleScope.scope)
        .join(UserRole, UserRole.role_id == Role.id)
        .outerjoin(RoleScope, RoleScope.role_id == Role.id)
        .where(UserRole.user_id == user_id)
        .order_by(Role.id)
    )
    given: defaultdict[str, set[str]] = defaultdict(set)
    for name, scope in rows:
        given[name].update([scope] if scope else [])
    return {name: frozenset(held) for name, held in given.items()}


def _circles(session: Session, user_id: int) -> dict[Circle, dict[int, str]]:
    memberships = session.execute(
        select(Organization.id, Organization.name, Membership.standing)
        .join(Membership, Membership.organization_id == Organization.id)
        .where(Membership.user_id == user_id)
    ).all()
    teams = session.execute(
        select(Team.id, Team.name)
        .join(TeamMember, TeamMember.team_id == Team.id)
        .where(TeamMember.user_id == user_id)
    )
    return {
        Circle.ORGANIZATIONS: {key: name for key, name, _ in memberships},
        Circle.MANAGED: {key: name for key, name, standing in memberships if standing == MANAGER},
        Circle.TEAMS: {key: name for key, name in teams},  # noqa: C416 - rows are no pairs to mypy
    }


def _app(session: Session, client: Client, user: User | None) -> App:
    grants = {}
    if user is not None:
        live = select(Grant.is_service, Grant.scopes).where(
            Grant.user_id == user.id,
            Grant.client_key == client.id,
            Grant.revoked_at.is_(None),
        )
        grants = {is_service: scopes.parse(held) for is_service, held in session.execute(live)}
    return App(
        client_id=client.client_id,
        name=client.name,
        is_revoked=client.revoked_at is not None or client.banned_at is not None,
        scopes=scopes.within_trust(scopes.parse(client.scopes), is_trusted=client.is_trusted),
        consent=grants.get(False),
        service=grants.get(True),
    )
