"""Invitations, from the side of those who follow their links."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NoReturn

from sqlalchemy import ColumnElement, Engine, and_, case, exists, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from app.core import credentials
from app.core.audit import ALLOWED, Event
from app.core.credentials import Prefix
from app.core.errors import CallError, Conflict, Forbidden, NotFound
from app.core.principal import Channel
from app.core.system import acting_as_system
from app.identity import accounts
from app.models.audit import record
from app.models.organization import MANAGER, Invitation, Membership, Organization
from app.models.user import RoleScope, User, UserRole
from app.procedures import inviting

_ACCEPT = "invitations.accept"


@dataclass(frozen=True, slots=True)
class Invited:
    """An invitation that stands: who invites whom to what, and who has the address so far."""

    id: int
    email: str
    standing: str
    organization_id: int | None
    organization: str | None
    invited_by: str | None
    account_id: int | None

    @property
    def what(self) -> str:
        """What the invitation is to."""
        return self.organization or "Latchkey"


class Invitations:
    """The invitations of one app."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, token: str, now: int) -> Invited:
        """Give the invitation of this token.

        Raises:
            NotFound: there is none that counts.
        """
        with acting_as_system(self._engine, "find an invitation", reads=True) as session:
            return _standing(session, token, now)

    def accept(self, token: str, user_id: int, now: int) -> Invited:
        """Let a person in who has an account, and is the one that was invited.

        Raises:
            NotFound: there is no such invitation that counts.
            Forbidden: it is another's.
            Conflict: something changed meanwhile.
        """
        try:
            with _changing(self._engine) as session:
                invited = _claimed(session, token, now)
                if invited.account_id != user_id:
                    raise Forbidden(
                        f"This invitation is for {invited.email}. Sign in with that address, and "
                        "follow the link again."
                    )
                _join(session, invited, user_id, now)
        except CallError as refusal:
            _note(self._engine, user_id, refusal, now)
            raise
        return invited

    def accept_anew(self, token: str, *, name: str, password: str, now: int) -> int:
        """Make an account of the address that was invited, and let it in; give its user id.

        Raises:
            NotFound: there is no such invitation that counts.
            InvalidInput: name or password will not do.
            Conflict: the address has an account already.
        """
        invited = self.find(token, now)
        account = accounts.prepared(email=invited.email, name=name, password=password)
        with _changing(self._engine) as session:
            invited = _claimed(session, token, now)
            user_id = accounts.add(session, account, now)
            _join(session, invited, user_id, now)
        return user_id


@contextmanager
def _changing(engine: Engine) -> Iterator[Session]:
    try:
        with acting_as_system(engine, "accept an invitation") as session:
            yield session
    except IntegrityError as error:
        raise Conflict("Something changed meanwhile. Follow the link again.") from error


def _standing(session: Session, token: str, now: int) -> Invited:
    if not credentials.is_well_formed(token, Prefix.INVITATION):
        _gone()
    inviter, account = aliased(User), aliased(User)
    query = (
        select(
            Invitation.id,
            Invitation.email,
            Invitation.standing,
            Invitation.organization_id,
            Organization.name,
            inviter.name,
            account.id,
        )
        .outerjoin(Organization, Organization.id == Invitation.organization_id)
        .outerjoin(inviter, inviter.id == Invitation.created_by)
        .outerjoin(account, account.email == Invitation.email)
        .where(
            Invitation.digest == credentials.digest(token),
            Invitation.expires_at > now,
            *inviting.OPEN,
            # Whoever is suspended comes back by no invitation.
            account.suspended_at.is_(None),
            _counts_still(inviter),
        )
    )
    found = session.execute(query).one_or_none()
    return Invited(*found) if found else _gone()


def _counts_still(inviter: type[User]) -> ColumnElement[bool]:
    """Tell whether who sent an invitation, if anybody did, could send it now."""
    manages = exists().where(
        Membership.organization_id == Invitation.organization_id,
        Membership.user_id == inviter.id,
        Membership.standing == MANAGER,
    )
    rules = exists().where(
        UserRole.user_id == inviter.id,
        RoleScope.role_id == UserRole.role_id,
        RoleScope.scope
        == case(
            (Invitation.organization_id.is_(None), "users:editAll"), else_="orgs:manageMembers"
        ),
    )
    could_send = and_(inviter.suspended_at.is_(None), or_(manages, rules))
    return or_(Invitation.created_by.is_(None), could_send)


def _claimed(session: Session, token: str, now: int) -> Invited:
    """Use an invitation up; of several who do at once one has it."""
    invited = _standing(session, token, now)
    # Before its invitation, as whoever deletes an organization does.
    kept = select(Organization.id).where(Organization.id == invited.organization_id)
    kept = kept.with_for_update(read=True, key_share=True)
    if invited.organization_id is not None and session.scalar(kept) is None:
        _gone()
    mine = update(Invitation).where(Invitation.id == invited.id, *inviting.OPEN)
    if not session.connection().execute(mine.values(accepted_at=now)).rowcount:
        _gone()
    return invited


def _join(session: Session, invited: Invited, user_id: int, now: int) -> None:
    if invited.organization_id is not None:
        here = {"organization_id": invited.organization_id, "user_id": user_id}
        member = session.scalars(select(Membership).filter_by(**here)).one_or_none()
        if member is None:
            session.add(Membership(**here, standing=invited.standing, created_at=now))
        elif invited.standing == MANAGER:
            member.standing = MANAGER
        session.flush()
    record(session, _event(user_id, ALLOWED, str(invited.id), now))


def _note(engine: Engine, user_id: int, refusal: CallError, now: int) -> None:
    with acting_as_system(engine, "note a refusal") as session:
        record(session, _event(user_id, refusal.code, None, now))


def _event(user_id: int, outcome: str, subject: str | None, now: int) -> Event:
    return Event(
        at=now,
        action=_ACCEPT,
        outcome=outcome,
        channel=Channel.BROWSER,
        user_id=user_id,
        client_id=None,
        subject=subject,
    )


def _gone() -> NoReturn:
    raise NotFound(
        "This invitation does not count any more: it was used, revoked or replaced, or it is "
        "older than seven days. Ask for a new one."
    )
