"""Keeping people out, and letting them in again."""

from pydantic import BaseModel
from sqlalchemy import ColumnElement, CursorResult, and_, update

from app.core.errors import Conflict
from app.core.procedure import Call, procedure
from app.models.user import Login, User
from app.procedures.authority import check_admin_left, check_over
from app.procedures.shapes import Id
from app.procedures.users import UserId, UserOut, shown


class SignedOutOut(BaseModel):
    """Whose sessions were ended, and how many."""

    id: Id
    sessions: int


@procedure(
    "users.suspend",
    scopes=["users:editAll"],
    writes=True,
    idempotent=True,
    touches=("user_account", "user_role", "role", "role_scope", "login"),
)
def suspend(call: Call, given: UserId) -> UserOut:
    """Keep a person out: sessions end, and each app that acts for them is refused.

    It counts from the next request on, everywhere. Nothing of theirs is deleted, and what they
    allowed apps counts again once they are let in; they have to sign in anew. OAuth apps that
    they registered go on to work for others.
    """
    user = call.get(User, given.user_id)
    refuse_oneself(call, user, "suspend")
    check_over(call, user.id)
    check_admin_left(call, user.id)
    user.suspended_at = user.suspended_at or call.now
    _end_sessions(call, user)
    return shown(call, user)


@procedure(
    "users.resume",
    scopes=["users:editAll"],
    writes=True,
    idempotent=True,
    touches=("user_account", "user_role", "role", "role_scope"),
)
def resume(call: Call, given: UserId) -> UserOut:
    """Let a suspended person in again, and the apps that they have connected."""
    user = call.get(User, given.user_id)
    check_over(call, user.id)
    user.suspended_at = None
    call.session.flush()
    return shown(call, user)


@procedure(
    "users.sign_out",
    scopes=["users:editAll"],
    writes=True,
    idempotent=True,
    touches=("user_account", "user_role", "role_scope", "login"),
)
def sign_out(call: Call, given: UserId) -> SignedOutOut:
    """End a person's sessions in every browser.

    The apps that they have connected go on: they have tokens of their own. To stop those, too,
    suspend the person; to stop one, the person disconnects it, or an admin revokes the client.
    """
    user = call.get(User, given.user_id)
    check_over(call, user.id)
    return SignedOutOut(id=str(user.id), sessions=_end_sessions(call, user))


def refuse_oneself(call: Call, user: User, verb: str) -> None:
    """Refuse what nobody does to themself.

    Raises:
        Conflict: the person is the caller.
    """
    if user.id == call.user_id:
        raise Conflict(f"You cannot {verb} yourself: another admin can.")


def are_live(call: Call, user: User) -> ColumnElement[bool]:
    """Tell which are a person's sessions, and have not ended."""
    return and_(Login.user_id == user.id, Login.revoked_at.is_(None), Login.expires_at > call.now)


def _end_sessions(call: Call, user: User) -> int:
    """End a person's sessions; give how many there were."""
    call.session.flush()
    ended: CursorResult[object] = call.session.connection().execute(
        update(Login).where(are_live(call, user)).values(revoked_at=call.now)
    )
    return ended.rowcount
