"""Deleting a person, and what goes with them."""

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, Select, exists, func, or_, select
from sqlalchemy.orm import aliased

from app.core.errors import Conflict
from app.core.procedure import Call, procedure
from app.models.client import Client
from app.models.grant import Grant
from app.models.organization import MANAGER, Invitation, Membership, Organization
from app.models.task import Comment, Task
from app.models.user import User
from app.procedures import removal
from app.procedures.authority import check_admin_left, check_over
from app.procedures.shapes import Email, Id
from app.procedures.user_access import refuse_oneself
from app.procedures.users import UserId

# Of the organizations that stand in the way.
_MOST_NAMED = 20


class UserDeletionOut(BaseModel):
    """What would go with a person, in numbers.

    `comments` are theirs, and those of others on their tasks; `app_users` are the people who
    have connected one of their OAuth apps. `unmanaged` are organizations that would have people
    and nobody who manages them, at most 20: while there are any, the person cannot be deleted.
    """

    id: Id
    email: Email
    tasks: int
    comments: int
    memberships: int
    connected_apps: int
    oauth_apps: int
    app_users: int
    invitations: int
    unmanaged: list[str] = Field(examples=[["Globex"]])


class UserGoneOut(BaseModel):
    """Who was deleted."""

    id: Id
    email: Email


@procedure(
    "users.deletion",
    scopes=["users:editAll"],
    touches=(
        "user_account",
        "task",
        "comment",
        "client",
        "oauth_grant",
        "organization",
        "membership",
        "invitation",
    ),
)
def deletion(call: Call, given: UserId) -> UserDeletionOut:
    """Tell what deleting a person would take along; delete nothing."""
    user = call.get(User, given.user_id)
    theirs = Task.owner_id == user.id
    of_theirs = Comment.task_id.in_(select(Task.id).where(theirs))
    live = (Grant.revoked_at.is_(None), ~Grant.is_service)
    of_apps = select(func.count(Grant.user_id.distinct())).join(
        Client, Client.id == Grant.client_key
    )
    return UserDeletionOut(
        id=str(user.id),
        email=user.email,
        tasks=_count(call, theirs),
        comments=_count(call, or_(Comment.author_id == user.id, of_theirs)),
        memberships=_count(call, Membership.user_id == user.id),
        connected_apps=_count(call, Grant.user_id == user.id, *live),
        oauth_apps=_count(call, Client.owner_id == user.id),
        app_users=_number(
            call, of_apps.where(Client.owner_id == user.id, Grant.user_id != user.id, *live)
        ),
        invitations=_count(call, Invitation.created_by == user.id),
        unmanaged=_unmanaged_without(call, user),
    )


@procedure(
    "users.delete",
    scopes=["users:editAll"],
    writes=True,
    destructive=True,
    touches=("user_account", "user_role", "role", "role_scope", "organization", "membership"),
)
def delete(call: Call, given: UserId) -> UserGoneOut:
    """Delete a person, with everything of theirs, for good.

    Ask `users.deletion` first for what goes. The audit trail stays.
    """
    user = call.get(User, given.user_id)
    refuse_oneself(call, user, "delete")
    check_over(call, user.id)
    check_admin_left(call, user.id)
    unmanaged = _unmanaged_without(call, user)
    if unmanaged:
        raise Conflict(
            f"Nobody else manages {', '.join(unmanaged)}: make somebody a manager there first."
        )
    removal.delete(call, user)
    return UserGoneOut(id=str(user.id), email=user.email)


def _unmanaged_without(call: Call, user: User) -> list[str]:
    """Give the organizations with other people in them that only this person manages."""
    mine, others, managers = (aliased(Membership) for _ in range(3))
    here = Organization.id
    found = call.session.scalars(
        select(Organization.name)
        .join(mine, mine.organization_id == here)
        .where(
            mine.user_id == user.id,
            mine.standing == MANAGER,
            exists().where(others.organization_id == here, others.user_id != user.id),
            ~exists().where(
                managers.organization_id == here,
                managers.user_id != user.id,
                managers.standing == MANAGER,
            ),
        )
        .order_by(Organization.name, here)
        .limit(_MOST_NAMED)
    )
    return list(found)


def _count(call: Call, *conditions: ColumnElement[bool]) -> int:
    return _number(call, select(func.count()).where(*conditions))


def _number(call: Call, query: Select[int]) -> int:
    return call.session.scalar(query) or 0
