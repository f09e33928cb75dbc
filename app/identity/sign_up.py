"""Who may sign up, and by what proof of their address."""

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from app.core import mailbox
from app.core.errors import InvalidInput
from app.core.post import Letter, Post
from app.core.system import acting_as_system
from app.models.organization import Invitation, Organization
from app.models.workspace import ONLY, Access, AccessSetting
from app.procedures import access, inviting

_HOUR = 3600
# Letters to one address in an hour: strangers have them sent.
_MOST_LETTERS = 3


class SignUp:
    """The sign-up of one app; `is_open` is what the operator says until an admin has chosen."""

    def __init__(self, engine: Engine, post: Post, *, is_open: bool) -> None:
        self._engine = engine
        self._post = post
        self._is_open = is_open

    def access(self) -> Access:
        """Tell who may sign up."""
        with acting_as_system(self._engine, "tell who may sign up", reads=True) as session:
            chosen = session.scalar(select(AccessSetting.access).where(AccessSetting.id == ONLY))
        return access.effective(chosen, is_open=self._is_open, is_mail_set=self._post.is_set)

    def ask(self, email: str, now: int) -> None:
        """Mail a link to an address that is at an organization's domain.

        The caller learns nothing about the address, and does not wait for the letter.

        Raises:
            InvalidInput: it is no address.
        """
        try:
            email = mailbox.address(email)
        except ValueError as fault:
            fields = {"email": str(fault)}
            raise InvalidInput("Some fields need attention.", fields=fields) from fault
        with acting_as_system(self._engine, "ask for an invitation") as session:
            letter = self._invitation(session, email, now)
        if letter:
            self._post.send_soon(letter)

    def _invitation(self, session: Session, email: str, now: int) -> Letter | None:
        at_domain = Organization.domain == mailbox.domain(email)
        organization = session.scalars(select(Organization).where(at_domain)).one_or_none()
        if organization is None or _has_had_enough(session, email, now):
            return None
        # As who asked for it is nobody that we know, nobody is said to have invited them.
        invitation, token = inviting.made(email, organization.id, "member", None, now)
        session.add(invitation)
        return Letter(
            to=email,
            subject=f"Join {organization.name} on Latchkey",
            text=(
                "Somebody, you we hope, asked to join "
                f"{organization.name} on Latchkey with this address.\n\n"
                f"Go on here:\n{inviting.link(self._post, token)}\n\n{inviting.terms(invitation)}"
            ),
        )


def _has_had_enough(session: Session, email: str, now: int) -> bool:
    letters = select(func.count()).where(
        Invitation.email == email,
        Invitation.created_by.is_(None),
        Invitation.created_at > now - _HOUR,
    )
    return session.scalars(letters).one() >= _MOST_LETTERS
