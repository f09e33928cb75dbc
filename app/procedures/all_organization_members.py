"""The people in any organization, and whom it invites, for admins."""

from pydantic import Field
from sqlalchemy import select

from app.core.errors import Conflict, NotFound
from app.core.procedure import Call, procedure
from app.models.organization import Membership, Organization
from app.models.user import User
from app.procedures import invitations, members
from app.procedures.invitations import InvitationFilter, NewMember
from app.procedures.inviting import (
    EmailAddress,
    InvitationId,
    InvitationOut,
    InvitationPage,
    InvitedOut,
)
from app.procedures.members import (
    GivenStanding,
    MemberChange,
    MemberFilter,
    MemberId,
    MemberOut,
    MemberPage,
)
from app.procedures.organizations import OrganizationId


class AddedMember(OrganizationId):
    """Who is to be in which organization, and as what."""

    email: EmailAddress = Field(
        description="The address of their account.", examples=["grace@example.com"]
    )
    standing: GivenStanding = "member"


@procedure(
    "all_organizations.members",
    scopes=["orgs:viewAll"],
    touches=("organization", "membership", "user_account"),
)
def list_(call: Call, given: MemberFilter) -> MemberPage:
    """List the people in any organization, those who came last first."""
    return members.listed(call, given)


@procedure(
    "all_organizations.add_member",
    scopes=["orgs:manageMembers"],
    writes=True,
    destructive=False,
    touches=("organization", "membership", "user_account"),
)
def add(call: Call, given: AddedMember) -> MemberOut:
    """Put a person who has an account into an organization."""
    organization = call.get(Organization, given.organization_id)
    user_id = call.session.scalar(select(User.id).where(User.email == given.email))
    if user_id is None:
        text = "Nobody has an account with this address: invite it instead."
        raise NotFound(text, fields={"email": text})
    here = {"organization_id": organization.id, "user_id": user_id}
    if call.session.scalar(select(Membership.id).filter_by(**here)) is not None:
        raise Conflict(f"{given.email} is a member already.")
    added = Membership(**here, standing=given.standing, created_at=call.now)
    call.session.add(added)
    call.session.flush()
    return members.shown(call, added.id)


@procedure(
    "all_organizations.update_member",
    scopes=["orgs:manageMembers"],
    writes=True,
    idempotent=True,
    touches=("membership", "user_account"),
)
def update(call: Call, given: MemberChange) -> MemberOut:
    """Make a person a manager of any organization, or a plain member."""
    return members.changed(call, given)


@procedure(
    "all_organizations.remove_member",
    scopes=["orgs:manageMembers"],
    writes=True,
    destructive=True,
    touches=("membership", "user_account"),
)
def remove(call: Call, given: MemberId) -> MemberOut:
    """Remove a person from any organization, and so from its teams; their tasks stay theirs."""
    return members.removed(call, given)


@procedure(
    "all_organizations.invite",
    scopes=["orgs:manageMembers"],
    writes=True,
    touches=("organization", "invitation", "membership", "user_account"),
)
def invite(call: Call, given: NewMember) -> InvitedOut:
    """Invite somebody to any organization.

    The link goes to them by mail; where no mail can be sent it is in the answer, once, for you to
    pass on. It counts for seven days. An earlier one for the same address counts no more.
    """
    return invitations.invited(call, given)


@procedure(
    "all_organizations.invitations",
    scopes=["orgs:viewAll"],
    touches=("organization", "invitation", "user_account"),
)
def invited(call: Call, given: InvitationFilter) -> InvitationPage:
    """List the invitations to any organization, newest first."""
    return invitations.listed(call, given)


@procedure(
    "all_organizations.revoke_invitation",
    scopes=["orgs:manageMembers"],
    writes=True,
    destructive=True,
    idempotent=True,
    touches=("invitation", "user_account"),
)
def revoke(call: Call, given: InvitationId) -> InvitationOut:
    """Revoke an invitation to any organization: its link is refused from now on."""
    return invitations.revoked(call, given)
