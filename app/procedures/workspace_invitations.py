"""Invitations to the workspace, and to no organization."""

from pydantic import Field
from sqlalchemy import select

from app.core.errors import Conflict
from app.core.procedure import Call, procedure
from app.models.user import User
from app.procedures import inviting
from app.procedures.inviting import (
    InvitationOut,
    InvitationPage,
    InvitedOut,
    NewInvitation,
)
from app.procedures.shapes import Given, GivenId, PageOf


class WorkspaceInvitationId(Given):
    """Which invitation to the workspace."""

    invitation_id: GivenId = Field(description="The invitation's id.", examples=["2"])


_TO_NONE = inviting.to_organization(None)


@procedure(
    "workspace_invitations.list", scopes=["users:editAll"], touches=("invitation", "user_account")
)
def list_(call: Call, given: PageOf) -> InvitationPage:
    """List the invitations to the workspace that are to no organization, newest first."""
    return inviting.listed(call, given, _TO_NONE)


@procedure(
    "workspace_invitations.create",
    scopes=["users:editAll"],
    writes=True,
    touches=("invitation", "user_account"),
)
def create(call: Call, given: NewInvitation) -> InvitedOut:
    """Invite somebody to the workspace: with the link they make an account of their own.

    The link goes to them by mail; where no mail can be sent it is in the answer, once, for you to
    pass on. It counts for seven days. An earlier one for the same address counts no more.
    """
    if call.session.scalar(select(User.id).where(User.email == given.email)) is not None:
        raise Conflict(f"{given.email} has an account already.")
    return inviting.invite(call, given.email)


@procedure(
    "workspace_invitations.revoke",
    scopes=["users:editAll"],
    writes=True,
    destructive=True,
    idempotent=True,
    touches=("invitation", "user_account"),
)
def revoke(call: Call, given: WorkspaceInvitationId) -> InvitationOut:
    """Revoke an invitation to the workspace: its link is refused from now on."""
    return inviting.revoke(call, given.invitation_id, _TO_NONE)
