"""Roles: named sets of scopes, which people have."""

from collections.abc import Collection
from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema
from sqlalchemy import ColumnElement, func, select
from typing_extensions import TypeAliasType

from app.core import names, scopes
from app.core.errors import Conflict
from app.core.json_schema import Shown
from app.core.patterns import NAME, PROSE
from app.core.procedure import Call, procedure
from app.models.user import ROLE_DESCRIPTION_LENGTH, ROLE_NAME_LENGTH, Role, RoleScope, UserRole
from app.procedures.authority import check_passable
from app.procedures.shapes import EachOnce, Given, GivenId, Id, Page, PageOf, ScopeName, slice_page


def _can_be_held(scope: str) -> str:
    if scope not in scopes.OF_ROLES:
        raise ValueError("No role can hold this scope.")
    return scope


RoleName = Annotated[
    str,
    Field(min_length=1, max_length=ROLE_NAME_LENGTH),
    AfterValidator(names.name),
    Shown(pattern=NAME),
]
RoleDescription = Annotated[
    str,
    Field(max_length=ROLE_DESCRIPTION_LENGTH),
    AfterValidator(names.prose),
    Shown(pattern=PROSE),
]
HeldScope = TypeAliasType(
    "HeldScope",
    Annotated[
        str,
        AfterValidator(_can_be_held),
        WithJsonSchema({"type": "string", "enum": list(scopes.OF_ROLES)}),
    ],
)
HeldScopes = Annotated[list[HeldScope], EachOnce]


class RoleId(Given):
    """Which role."""

    role_id: GivenId = Field(description="The role's id.", examples=["3"])


class NewRole(Given):
    """A role to be made."""

    name: RoleName = Field(description="What it is called.", examples=["Auditor"])
    description: RoleDescription = Field(
        "", description="Whom it is for.", examples=["Looks, and changes nothing."]
    )
    scopes: HeldScopes = Field(
        description="What people may do who have it.", examples=[["profile:view", "tasks:view"]]
    )


class RoleChanges(RoleId):
    """What a role is to be from now on; what is left out stays."""

    name: RoleName | None = Field(None, description="A new name.", examples=["Reviewer"])
    description: RoleDescription | None = Field(
        None, description="Whom it is for.", examples=["Looks, and changes nothing."]
    )
    scopes: HeldScopes | None = Field(
        None,
        description="All that it is to hold.",
        examples=[["profile:view", "tasks:view", "projects:view"]],
    )
    is_default: bool | None = Field(
        None,
        description="New accounts get it, in the place of the role that they get now.",
        examples=[False],
    )


class RoleOut(BaseModel):
    """A role, and how many people have it."""

    id: Id
    name: str = Field(examples=["Auditor"])
    description: str = Field(examples=["Looks, and changes nothing."])
    scopes: list[ScopeName]
    is_default: bool
    is_admin: bool
    users: int


class RolePage(Page[RoleOut]):
    """Some roles, oldest first."""


class RoleGoneOut(BaseModel):
    """Which role was deleted."""

    id: Id
    name: str = Field(examples=["Auditor"])


@procedure("roles.list", scopes=["roles:view"], touches=("role", "role_scope", "user_role"))
def list_(call: Call, given: PageOf) -> RolePage:
    """List every role with its scopes, and how many people have it."""
    return RolePage(**slice_page(_shown(call), given))


@procedure("roles.get", scopes=["roles:view"], touches=("role", "role_scope", "user_role"))
def get(call: Call, given: RoleId) -> RoleOut:
    """Show one role."""
    return _one(call, call.get(Role, given.role_id))


@procedure(
    "roles.create",
    scopes=["roles:edit"],
    writes=True,
    destructive=False,
    touches=("role", "role_scope", "user_role"),
)
def create(call: Call, given: NewRole) -> RoleOut:
    """Create a role. You can put into it what you hold yourself, and nothing beyond."""
    check_passable(call, given.scopes)
    _check_name(call, given.name)
    role = Role(name=given.name, description=given.description, is_default=False, is_admin=False)
    call.session.add(role)
    call.session.flush()
    _hold(call, role, given.scopes)
    return _one(call, role)


@procedure(
    "roles.update",
    scopes=["roles:edit"],
    writes=True,
    idempotent=True,
    touches=("role", "role_scope", "user_role"),
)
def update(call: Call, given: RoleChanges) -> RoleOut:
    """Change a role; it counts for everyone who has it, from their next request on.

    You can give and take what you hold yourself, and nothing beyond. The role of admins keeps
    every scope that rules the workspace.
    """
    role = call.get(Role, given.role_id)
    if given.name is not None and given.name != role.name:
        _check_name(call, given.name, role)
        role.name = given.name
    if given.description is not None:
        role.description = given.description
    if given.scopes is not None:
        _change_scopes(call, role, frozenset(given.scopes))
    if given.is_default is not None:
        _change_default(call, role, is_default=given.is_default)
    return _one(call, role)


@procedure(
    "roles.delete",
    scopes=["roles:edit"],
    writes=True,
    destructive=True,
    touches=("role", "role_scope", "user_role"),
)
def delete(call: Call, given: RoleId) -> RoleGoneOut:
    """Delete a role that nobody has."""
    role = call.get(Role, given.role_id)
    if role.is_admin:
        raise Conflict("Without this role nobody could rule the workspace.")
    if role.is_default:
        raise Conflict("New accounts get this role: let them get another first.")
    if users := _users(call, UserRole.role_id == role.id).get(role.id):
        raise Conflict(f"{_people(users)}: give them another first.")
    check_passable(call, _held(call, role))
    call.session.delete(role)
    return RoleGoneOut(id=str(role.id), name=role.name)


def _check_name(call: Call, name: str, role: Role | None = None) -> None:
    """Refuse a name that people could take for another role's."""
    same = select(Role.id).where(func.lower(Role.name) == func.lower(name))
    if role is not None:
        same = same.where(Role.id != role.id)
    if call.session.scalar(same.limit(1)) is not None:
        text = "There is a role of this name already."
        raise Conflict(text, fields={"name": text})


def _change_scopes(call: Call, role: Role, wanted: frozenset[str]) -> None:
    held = _held(call, role)
    check_passable(call, held ^ wanted)
    if role.is_admin and (missing := frozenset(scopes.ADMIN) - wanted):
        text = f"The role of admins keeps {scopes.render(missing)}."
        raise Conflict(text, fields={"scopes": text})
    for row in call.session.scalars(select(RoleScope).where(RoleScope.role_id == role.id)):
        if row.scope not in wanted:
            call.session.delete(row)
    _hold(call, role, wanted - held)


def _change_default(call: Call, role: Role, *, is_default: bool) -> None:
    if is_default == role.is_default:
        return
    if not is_default:
        raise Conflict("New accounts need a role: make another the default instead.")
    if role.is_admin:
        raise Conflict("Everybody who signs up would be an admin.")
    check_passable(call, _held(call, role))
    for other in call.session.scalars(select(Role).where(Role.is_default)):
        other.is_default = False
    role.is_default = True


def _held(call: Call, role: Role) -> frozenset[str]:
    held = select(RoleScope.scope).where(RoleScope.role_id == role.id)
    return frozenset(call.session.scalars(held))


def _hold(call: Call, role: Role, wanted: Collection[str]) -> None:
    call.session.add_all(RoleScope(role_id=role.id, scope=scope) for scope in sorted(wanted))
    call.session.flush()


def _one(call: Call, role: Role) -> RoleOut:
    call.session.flush()
    return _shown(call, Role.id == role.id)[0]


def _shown(call: Call, *conditions: ColumnElement[bool]) -> list[RoleOut]:
    roles = call.session.scalars(select(Role).where(*conditions).order_by(Role.id)).all()
    mine = [role.id for role in roles]
    users = _users(call, UserRole.role_id.in_(mine))
    held = scopes_of(call, mine)
    return [
        RoleOut(
            id=str(role.id),
            name=role.name,
            description=role.description,
            scopes=scopes.render(held[role.id]).split(),
            is_default=role.is_default,
            is_admin=role.is_admin,
            users=users.get(role.id, 0),
        )
        for role in roles
    ]


def scopes_of(call: Call, roles: Collection[int]) -> dict[int, list[str]]:
    """Give the scopes that each of some roles holds."""
    held: dict[int, list[str]] = {role: [] for role in roles}
    rows = select(RoleScope.role_id, RoleScope.scope).where(RoleScope.role_id.in_(roles))
    for role, scope in call.session.execute(rows):
        held[role].append(scope)
    return held


def _users(call: Call, *conditions: ColumnElement[bool]) -> dict[int, int]:
    """Give how many people have each role that anybody has."""
    counted = select(UserRole.role_id, func.count().label("users"))
    rows = call.session.execute(counted.where(*conditions).group_by(UserRole.role_id))
    return {row.role_id: row.users for row in rows}


def _people(users: int) -> str:
    return "One person has this role" if users == 1 else f"{users} people have this role"
