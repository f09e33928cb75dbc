"""The scopes that there are, what they open, and who holds them."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from pydantic import BaseModel, Field
from sqlalchemy import and_, func, select

from app.core import scopes
from app.core.procedure import Call, procedure
from app.core.scopes import SCOPES, Risk
from app.models.client import Client
from app.models.grant import Grant
from app.models.user import Role, RoleScope, UserRole
from app.procedures.shapes import Id, Page, PageOf, ScopeName, slice_page

# Of the roles and clients that hold a scope; programs that register themselves are many.
_MOST = 20
_ALLOWED = (Client.chosen_scopes, Client.scope_bound, Client.is_trusted)
_COUNTS = and_(Client.revoked_at.is_(None), Client.banned_at.is_(None))


class HoldingRoleOut(BaseModel):
    """A role that holds a scope, and how many people have it."""

    id: Id
    name: str = Field(examples=["Member"])
    users: int


class HoldingClientOut(BaseModel):
    """A client that holds a scope, and how many people granted it."""

    client_id: str = Field(examples=["4b3c6a2f9d8e4f10a7b2c3d4e5f60718"])
    name: str = Field(examples=["Reporter"])
    users: int


class ScopeUseOut(BaseModel):
    """A scope, what it opens, and who holds it.

    Any app may ask for one that is for a `third_party`; of the others only an app that an admin
    trusts for one whose risk is `admin`. An `identity` scope opens no procedure, and needs no
    role. `roles` are the oldest that hold it, at most 20. `clients` are those that people granted
    it, most people first and at most 20, and those that are trusted with it. `asking` is how many
    clients may ask for it.
    """

    name: ScopeName
    sentence: str = Field(examples=["See your tasks and their comments"])
    risk: Risk
    third_party: bool
    identity: bool
    procedures: list[str] = Field(examples=[["tasks.list", "tasks.get"]])
    roles: list[HoldingRoleOut]
    clients: list[HoldingClientOut]
    asking: int


class ScopeUsePage(Page[ScopeUseOut]):
    """Some scopes, in the order of the declarations."""


@procedure(
    "scopes.list",
    scopes=["scopes:view"],
    touches=("role", "role_scope", "user_role", "client", "oauth_grant"),
)
def list_(call: Call, given: PageOf) -> ScopeUsePage:
    """List every scope: what it opens, which roles hold it, and which clients people gave it."""
    opened, roles, clients, asking = _opened(call), _roles(call), _clients(call), _asking(call)
    items = [
        ScopeUseOut(
            name=scope.name,
            sentence=scope.sentence,
            risk=scope.risk,
            third_party=scope.third_party,
            identity=scope.identity,
            procedures=opened.get(scope.name, []),
            roles=roles.get(scope.name, [])[:_MOST],
            clients=clients.get(scope.name, []),
            asking=asking[scope.name],
        )
        for scope in SCOPES.values()
    ]
    return ScopeUsePage(**slice_page(items, given))


def _opened(call: Call) -> Mapping[str, list[str]]:
    opened: defaultdict[str, list[str]] = defaultdict(list)
    for item in call.catalogue:
        for scope in item.scopes:
            opened[scope].append(item.name)
    return opened


def _roles(call: Call) -> Mapping[str, list[HoldingRoleOut]]:
    users = select(func.count()).where(UserRole.role_id == Role.id).scalar_subquery()
    rows = select(RoleScope.scope, Role.id, Role.name, users).join(
        Role, Role.id == RoleScope.role_id
    )
    roles: defaultdict[str, list[HoldingRoleOut]] = defaultdict(list)
    for scope, role_id, name, count in call.session.execute(rows.order_by(Role.id)):
        roles[scope].append(HoldingRoleOut(id=str(role_id), name=name, users=count))
    return roles


def _clients(call: Call) -> Mapping[str, list[HoldingClientOut]]:
    """Give the clients by scope: three queries, however many clients there are."""
    users = _granted(call)
    trusted = select(Client.id, *_ALLOWED).where(_COUNTS, Client.is_trusted)
    for key, chosen, limit, is_trusted in call.session.execute(trusted):
        allowed = scopes.allowed(chosen, limit, is_trusted=is_trusted)
        for scope in allowed.intersection(scopes.ADMIN):
            users[scope].setdefault(key, 0)
    most = {scope: counted.most_common(_MOST) for scope, counted in users.items()}
    known = _named(call, {key for some in most.values() for key, _ in some})
    return {
        scope: [HoldingClientOut(**known[key], users=count) for key, count in some]
        for scope, some in most.items()
    }


def _granted(call: Call) -> dict[str, Counter[int]]:
    """Give how many people granted each client a scope that it may still ask for."""
    rows = (
        select(Grant.client_key, Grant.scopes, *_ALLOWED, func.count())
        .join(Client, Client.id == Grant.client_key)
        .where(_COUNTS, Grant.revoked_at.is_(None), ~Grant.is_service)
        .group_by(Grant.client_key, Grant.scopes, *_ALLOWED)
        .order_by(Grant.client_key)
    )
    users: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for key, granted, chosen, limit, is_trusted, count in call.session.execute(rows):
        allowed = scopes.allowed(chosen, limit, is_trusted=is_trusted)
        for scope in scopes.parse(granted) & allowed:
            users[scope][key] += count
    return users


def _named(call: Call, keys: Iterable[int]) -> dict[int, dict[str, str]]:
    rows = select(Client.id, Client.client_id, Client.name).where(Client.id.in_(keys))
    return {
        key: {"client_id": client_id, "name": name}
        for key, client_id, name in call.session.execute(rows)
    }


def _asking(call: Call) -> Counter[str]:
    """Give how many clients may ask for each scope."""
    rows = select(*_ALLOWED, func.count()).where(_COUNTS).group_by(*_ALLOWED)
    asking: Counter[str] = Counter()
    for chosen, limit, is_trusted, count in call.session.execute(rows):
        allowed = scopes.allowed(chosen, limit, is_trusted=is_trusted)
        asking.update(dict.fromkeys(allowed, count))
    return asking
