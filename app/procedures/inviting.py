"""What inviting somebody takes, whoever does it: a row, a letter, and a link for who gets none."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from sqlalchemy import ColumnElement, func, select, update

from app.core import credentials, mailbox
from app.core.credentials import Prefix
from app.core.errors import Conflict, NotFound
from app.core.post import Letter, Post
from app.core.procedure import Call
from app.models.organization import Invitation, Organization, Standing
from app.models.user import EMAIL_LENGTH, User
from app.procedures.shapes import Email, Given, GivenId, Id, Listing, Page, PageOf

_DAY = 24 * 3600
# Seconds.
LASTS = 7 * _DAY
# Within a day: letters from us to strangers are not to be had by the thousand.
MOST_TO_ONE = 5
MOST = 500

EmailAddress = Annotated[
    str,
    Field(min_length=1, max_length=EMAIL_LENGTH),
    AfterValidator(mailbox.address),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": EMAIL_LENGTH}),
]


class NewInvitation(Given):
    """Whom to invite."""

    email: EmailAddress = Field(
        description="The address of who may accept it, and nobody else.",
        examples=["kim@example.com"],
    )


class InvitationId(Given):
    """Which invitation."""

    invitation_id: GivenId = Field(description="The invitation's id.", examples=["1"])


class InvitationOut(BaseModel):
    """An invitation that nobody has accepted yet."""

    model_config = ConfigDict(from_attributes=True)

    id: Id
    email: Email
    standing: Standing
    invited_by: str | None = Field(examples=["Grace"])
    created_at: datetime
    expires_at: datetime
    is_expired: bool = False


class InvitedOut(InvitationOut):
    """An invitation just made; `link` is there once, where no letter took it along."""

    is_mailed: bool = False
    link: str | None = Field(
        examples=["http://127.0.0.1:8000/invite/lk_inv_0123456789abcdefghijklmnopqrstuvwxyzABCDEF"]
    )


class InvitationPage(Page[InvitationOut]):
    """Some invitations, newest first."""


# Nobody where the caller does not see who it was, and where somebody asked for it by themselves.
_INVITED_BY = select(User.name).where(User.id == Invitation.created_by).scalar_subquery()
_SHOWN = (
    Invitation.email,
    Invitation.standing,
    Invitation.created_at,
    Invitation.expires_at,
    _INVITED_BY.label("invited_by"),
)
_LISTING = Listing(Invitation.id, *_SHOWN)
OPEN = (Invitation.accepted_at.is_(None), Invitation.revoked_at.is_(None))


def made(
    email: str, organization_id: int | None, standing: Standing, created_by: int | None, now: int
) -> tuple[Invitation, str]:
    """Give a new invitation, and its token, of which it keeps the digest alone."""
    token = credentials.issue(Prefix.INVITATION)
    invitation = Invitation(
        organization_id=organization_id,
        email=email,
        standing=standing,
        digest=credentials.digest(token),
        created_by=created_by,
        created_at=now,
        expires_at=now + LASTS,
    )
    return invitation, token


def link(post: Post, token: str) -> str:
    """Give the link at which an invitation is accepted."""
    return post.link(f"/invite/{token}")


def to_organization(organization_id: int | None) -> ColumnElement[bool]:
    """Tell which invitations are to an organization, or to none."""
    return Invitation.organization_id.is_not_distinct_from(organization_id)


def invite(
    call: Call, email: str, organization: Organization | None = None, standing: Standing = "member"
) -> InvitedOut:
    """Invite an address to an organization, or to the workspace alone; the last one counts.

    Raises:
        Conflict: there have been too many today.
    """
    organization_id = organization.id if organization else None
    here = to_organization(organization_id)
    _refuse_too_many(call, here, email)
    earlier = update(Invitation).where(here, Invitation.email == email, *OPEN)
    call.session.execute(earlier.values(revoked_at=call.now))
    invitation, token = made(email, organization_id, standing, call.user_id, call.now)
    call.session.add(invitation)
    call.session.flush()
    shown = InvitedOut(**_one(call, invitation).model_dump(), link=link(call.post, token))
    letter = _letter(call, invitation, organization.name if organization else None, shown.link)

    def deliver() -> None:
        shown.is_mailed = call.post.send(letter)
        shown.link = None if shown.is_mailed else shown.link

    call.afterwards.append(deliver)
    return shown


def listed(call: Call, given: PageOf, *conditions: ColumnElement[bool]) -> InvitationPage:
    """Give those invitations that still stand, and those that nobody accepted in time."""
    page = _LISTING.page(call.session, given, *OPEN, *conditions)
    items = [{**item, "is_expired": item["expires_at"] <= call.now} for item in page["items"]]
    return InvitationPage.model_validate({**page, "items": items})


def revoke(call: Call, key: str, condition: ColumnElement[bool]) -> InvitationOut:
    """Revoke an invitation that meets the condition: its link is refused from now on.

    Raises:
        NotFound: there is none.
        Conflict: it was accepted.
    """
    invitation = call.get(Invitation, key)
    if call.session.scalar(select(condition).where(Invitation.id == invitation.id)) is not True:
        raise NotFound(f"There is no invitation {key!r}.")
    if invitation.accepted_at is not None:
        raise Conflict("It was accepted already: remove the person instead.")
    invitation.revoked_at = invitation.revoked_at or call.now
    call.session.flush()
    return _one(call, invitation)


def _one(call: Call, invitation: Invitation) -> InvitationOut:
    query = select(Invitation.id, *_SHOWN).where(Invitation.id == invitation.id)
    return InvitationOut.model_validate(call.session.execute(query).one())


def _refuse_too_many(call: Call, here: ColumnElement[bool], email: str) -> None:
    today = select(func.count()).where(
        here, Invitation.created_by.is_not(None), Invitation.created_at > call.now - _DAY
    )
    if (call.session.scalar(today.where(Invitation.email == email)) or 0) >= MOST_TO_ONE:
        raise Conflict(f"{email} was invited {MOST_TO_ONE} times within a day. Wait a day.")
    if (call.session.scalar(today) or 0) >= MOST:
        raise Conflict(f"{MOST} invitations were sent within a day. Wait a day.")


def _letter(
    call: Call, invitation: Invitation, organization: str | None, address: str | None
) -> Letter:
    name, email = call.session.execute(
        select(User.name, User.email).where(User.id == call.user_id)
    ).one()
    what = f"{organization} on Latchkey" if organization else "Latchkey"
    return Letter(
        to=invitation.email,
        subject=f"{name} invites you to {what}",
        text=(
            f"{name} ({email}) invites you to {what}.\n\n"
            f"Accept here:\n{address}\n\n{terms(invitation)}"
        ),
    )


def terms(invitation: Invitation) -> str:
    """Give what a letter says of how far its link goes."""
    until = datetime.fromtimestamp(invitation.expires_at, UTC)
    return (
        f"The link is for {invitation.email} alone. It works once, until "
        f"{until:%Y-%m-%d %H:%M} UTC. If you did not expect it, do nothing.\n"
    )
