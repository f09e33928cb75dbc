"""How far a caller's power over others goes: nobody gives, or takes, what they do not hold."""

from collections.abc import Collection

from sqlalchemy import ColumnElement, select

from app.core import scopes
from app.core.errors import Conflict, Forbidden
from app.core.principal import Principal
from app.core.procedure import Call
from app.models.user import Role, RoleScope, User, UserRole


def passable(principal: Principal) -> frozenset[str]:
    """Give the scopes that a caller may hand on, or take away.

    They are those of the person's roles; but what rules the workspace has to be held by the
    credential itself, or an app that may give roles could make anybody an admin.
    """
    return principal.scopes | (principal.reach - frozenset(scopes.ADMIN))


def check_passable(call: Call, wanted: Collection[str]) -> None:
    """Refuse to hand on, or take away, what the caller does not hold.

    Raises:
        Forbidden: the caller lacks some of these scopes.
    """
    # What the code has dropped opens nothing, and could be in nobody's way.
    lacking = frozenset(wanted).intersection(scopes.SCOPES) - passable(call.principal)
    if lacking:
        raise Forbidden(f"It takes {scopes.render(lacking)}, which you do not hold.")


def check_over(call: Call, user_id: int) -> None:
    """Refuse to act on a person who may do more than the caller.

    Raises:
        Forbidden: they hold scopes that the caller lacks.
    """
    lacking = beyond(call, user_id)
    if lacking:
        raise Forbidden(f"This person holds {scopes.render(lacking)}, which you do not hold.")


def beyond(call: Call, user_id: int) -> frozenset[str]:
    """Give the scopes that a person holds and the caller lacks."""
    of_roles = (
        select(RoleScope.scope)
        .join(UserRole, UserRole.role_id == RoleScope.role_id)
        .where(UserRole.user_id == user_id)
    )
    held = frozenset(call.session.scalars(of_roles)).intersection(scopes.SCOPES)
    return held - passable(call.principal)


def check_admin_left(call: Call, user_id: int) -> None:
    """Refuse to do without a person whom nobody could replace.

    Raises:
        Conflict: they are the only one who is an admin, and not suspended.
    """
    admins = (
        select(UserRole.user_id)
        .join(Role, Role.id == UserRole.role_id)
        .join(User, User.id == UserRole.user_id)
        .where(Role.is_admin, User.suspended_at.is_(None))
    )

    def is_one(condition: ColumnElement[bool]) -> bool:
        return call.session.scalar(admins.where(condition).limit(1)) is not None

    if is_one(UserRole.user_id == user_id) and not is_one(UserRole.user_id != user_id):
        raise Conflict("Nobody else is an admin: make somebody one first.")
