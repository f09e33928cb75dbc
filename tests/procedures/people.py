"""People with less than every power, and the organizations and roles that they have."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import CallError
from app.core.pipeline import Pipeline
from app.core.principal import Principal
from app.models.organization import (
    Invitation,
    Membership,
    Organization,
    Project,
    Team,
    TeamMember,
)
from app.models.user import Role, RoleScope, UserRole
from tests.world import World


def holding(world: World, name: str, *scopes: str) -> Principal:
    """Give a person in front of a page who holds these scopes alone."""
    held = frozenset(scopes)
    return replace(world.principal(name), scopes=held, reach=held)


def lacking(world: World, name: str, *scopes: str) -> Principal:
    """Give a person in front of a page who holds every scope but these."""
    return world.principal(name, *scopes)


def role_id(world: World, name: str) -> str:
    """Give the id of a role."""
    return str(world.found("role", "name = :name", name=name)[0]["id"])


def roles_of(world: World, name: str) -> set[str]:
    """Give the names of the roles that a person really has."""
    mine = "id IN (SELECT role_id FROM user_role WHERE user_id = :user_id)"
    return {row["name"] for row in world.found("role", mine, user_id=world.ids[name])}


def make_role(world: World, name: str, *scopes: str, holders: tuple[str, ...] = ()) -> str:
    """Make a role that some people have; give its id."""
    with Session(world.system) as session, session.begin():
        role = Role(name=name)
        session.add(role)
        session.flush()
        session.add_all(RoleScope(role_id=role.id, scope=scope) for scope in scopes)
        session.add_all(UserRole(user_id=world.ids[who], role_id=role.id) for who in holders)
        return str(role.id)


def give(world: World, name: str, role: str) -> None:
    """Give a person a role, behind the back of the road."""
    with Session(world.system) as session, session.begin():
        session.add(UserRole(user_id=world.ids[name], role_id=int(role_id(world, role))))


def make_organization(world: World, name: str, **standings: str) -> int:
    """Make an organization of these people, with a project, and a team of all of them."""
    with Session(world.system) as session, session.begin():
        made = Organization(name=name, created_at=1)
        session.add(made)
        session.flush()
        here = {"organization_id": made.id, "created_at": 1}
        team = Team(name="Everyone", **here)
        session.add_all([team, Project(name="Plan", **here)])
        for who, standing in standings.items():
            session.add(Membership(user_id=world.ids[who], standing=standing, **here))
        session.flush()
        session.add_all(
            TeamMember(team_id=team.id, user_id=world.ids[who], **here) for who in standings
        )
        return made.id


def invite(world: World, organization_id: int, inviter: str, email: str) -> None:
    """Invite somebody, behind the back of the road."""
    with Session(world.system) as session, session.begin():
        session.add(
            Invitation(
                organization_id=organization_id,
                email=email,
                standing="member",
                digest=email.encode().ljust(32)[:32],
                created_by=world.ids[inviter],
                created_at=1,
                expires_at=9,
            )
        )


def at_once(world: World, *acts: tuple[str, str, str]) -> list[str]:
    """Let people do things to each other at the same moment; give how each fared."""
    road, start, member = world.pipeline(), Barrier(len(acts)), role_id(world, "Member")
    people = {name: world.principal(name) for name in world.ids}

    def act(who: str, verb: str, whom: str) -> str:
        given: dict[str, Any] = {"user_id": str(world.ids[whom])}
        if verb == "user_roles.set":
            given["role_ids"] = [member]
        start.wait()
        return _outcome(road, people[who], verb, given)

    with ThreadPoolExecutor(len(acts)) as pool:
        return [done.result() for done in [pool.submit(act, *each) for each in acts]]


def _outcome(road: Pipeline, who: Principal, verb: str, given: dict[str, Any]) -> str:
    try:
        road.call(verb, who, given)
    except CallError as refusal:
        return refusal.code
    return "done"
