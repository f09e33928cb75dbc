"""Which roles people have."""

from typing import Annotated

from pydantic import BaseModel, Field
from sqlalchemy import delete, select

from app.core.errors import NotFound
from app.core.procedure import Call, is_row_key, procedure
from app.models.user import Role, RoleScope, User, UserRole
from app.procedures.authority import check_admin_left, check_over, check_passable, passable
from app.procedures.roles import scopes_of
from app.procedures.shapes import LARGEST_PAGE, EachOnce, GivenId, Id, Page, PageOf, slice_page
from app.procedures.users import UserId

_MOST = 100


class UserRoles(UserId):
    """Which roles a person has from now on."""

    role_ids: Annotated[list[GivenId], EachOnce] = Field(
        max_length=_MOST,
        description="Ids of all their roles; those left out are taken away.",
        examples=[["1"]],
    )


class UserRoleOut(BaseModel):
    """A role, whether the person has it, and whether you may give it or take it away."""

    id: Id
    name: str = Field(examples=["Member"])
    description: str = Field(examples=["Everyone who has an account."])
    is_held: bool
    is_yours_to_give: bool


class UserRoleFilter(UserId, PageOf):
    """The roles as they stand to which person."""


class UserRolePage(Page[UserRoleOut]):
    """Some roles, and how they stand to one person."""

    user_id: Id


@procedure(
    "user_roles.get",
    scopes=["users:viewRoles"],
    touches=("user_account", "user_role", "role", "role_scope"),
)
def get(call: Call, given: UserRoleFilter) -> UserRolePage:
    """Show which of the roles a person has."""
    return _shown(call, call.get(User, given.user_id), given)


@procedure(
    "user_roles.set",
    scopes=["users:editRoles"],
    writes=True,
    idempotent=True,
    touches=("user_account", "user_role", "role", "role_scope"),
)
def set_(call: Call, given: UserRoles) -> UserRolePage:
    """Set which roles a person has: it counts from their next request on.

    You can give and take away only roles whose scopes you hold yourself, and somebody always
    stays an admin.
    """
    user = call.get(User, given.user_id)
    wanted = _known(call, given.role_ids)
    check_over(call, user.id)
    held = _held(call, user)
    _check_passable(call, wanted ^ held)
    if _are_admins(call, held) and not _are_admins(call, wanted):
        check_admin_left(call, user.id)
    taken = UserRole.role_id.in_(held - wanted)
    call.session.execute(delete(UserRole).where(UserRole.user_id == user.id, taken))
    call.session.add_all(
        UserRole(user_id=user.id, role_id=role_id) for role_id in sorted(wanted - held)
    )
    call.session.flush()
    return _shown(call, user, PageOf(limit=LARGEST_PAGE))


def _known(call: Call, role_ids: list[str]) -> frozenset[int]:
    keys = frozenset(int(each) for each in role_ids if is_row_key(each))
    known = frozenset(call.session.scalars(select(Role.id).where(Role.id.in_(keys))))
    if len(known) < len(role_ids):
        text = "One of these is no role."
        raise NotFound(text, fields={"role_ids": text})
    return known


def _held(call: Call, user: User) -> frozenset[int]:
    roles = select(UserRole.role_id).where(UserRole.user_id == user.id)
    return frozenset(call.session.scalars(roles))


def _check_passable(call: Call, roles: frozenset[int]) -> None:
    opened = select(RoleScope.scope).where(RoleScope.role_id.in_(roles)).distinct()
    check_passable(call, call.session.scalars(opened).all())


def _are_admins(call: Call, roles: frozenset[int]) -> bool:
    admins = select(Role.id).where(Role.is_admin, Role.id.in_(roles))
    return call.session.scalar(admins.limit(1)) is not None


def _shown(call: Call, user: User, given: PageOf) -> UserRolePage:
    held, yours = _held(call, user), passable(call.principal)
    roles = call.session.scalars(select(Role).order_by(Role.id)).all()
    opened = scopes_of(call, [role.id for role in roles])
    items = [
        UserRoleOut(
            id=str(role.id),
            name=role.name,
            description=role.description,
            is_held=role.id in held,
            is_yours_to_give=yours.issuperset(opened[role.id]),
        )
        for role in roles
    ]
    return UserRolePage(user_id=str(user.id), **slice_page(items, given))
