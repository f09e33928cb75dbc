"""Invitations to an organization, by those who manage it."""

from sqlalchemy import exists

from app.core.errors import Conflict
from app.core.procedure import PAGES_ONLY, Call, procedure
from app.models.organization import Invitation, Membership, Organization
from app.models.user import User
from app.procedures import inviting
from app.procedures.inviting import InvitationId, InvitationOut, InvitationPage, InvitedOut
from app.procedures.members import GivenStanding
from app.procedures.organizations import OrganizationId
from app.procedures.shapes import PageOf


class InvitationFilter(OrganizationId, PageOf):
    """Which invitations, to which organization."""


class NewMember(OrganizationId, inviting.NewInvitation):
    """Whom to invite to which organization, and as what."""

    standing: GivenStanding = "member"


@procedure(
    "invitations.list",
    scopes=["organizations:edit"],
    channels=PAGES_ONLY,
    touches=("organization", "invitation", "user_account"),
)
def list_(call: Call, given: InvitationFilter) -> InvitationPage:
    """List the invitations to an organization that you manage, newest first."""
    return listed(call, given)


@procedure(
    "invitations.create",
    scopes=["organizations:edit"],
    channels=PAGES_ONLY,
    writes=True,
    touches=("organization", "invitation", "membership", "user_account"),
)
def create(call: Call, given: NewMember) -> InvitedOut:
    """Invite somebody to an organization that you manage.

    The link goes to them by mail; where no mail can be sent it is in the answer, once, for you to
    pass on. It counts for seven days. An earlier one for the same address counts no more.
    """
    return invited(call, given)


@procedure(
    "invitations.revoke",
    scopes=["organizations:edit"],
    channels=PAGES_ONLY,
    writes=True,
    destructive=True,
    idempotent=True,
    touches=("invitation", "user_account"),
)
def revoke(call: Call, given: InvitationId) -> InvitationOut:
    """Revoke an invitation to an organization that you manage: its link is refused from now on."""
    return revoked(call, given)


def listed(call: Call, given: InvitationFilter) -> InvitationPage:
    """Give the invitations to an organization that the caller may see."""
    organization = call.get(Organization, given.organization_id)
    return inviting.listed(call, given, inviting.to_organization(organization.id))


def invited(call: Call, given: NewMember) -> InvitedOut:
    """Invite somebody who is no member of the organization.

    Raises:
        Conflict: they are one, or there have been too many invitations today.
    """
    organization = call.get(Organization, given.organization_id)
    is_member = exists().where(
        Membership.organization_id == organization.id,
        Membership.user_id == User.id,
        User.email == given.email,
    )
    if call.session.query(is_member).scalar():
        raise Conflict(f"{given.email} is a member already.")
    return inviting.invite(call, given.email, organization, given.standing)


def revoked(call: Call, given: InvitationId) -> InvitationOut:
    """Revoke an invitation to an organization."""
    to_any = Invitation.organization_id.is_not(None)
    return inviting.revoke(call, given.invitation_id, to_any)
