"""The apps that a person has connected: what they have allowed."""

from datetime import UTC, datetime

from pydantic import BaseModel
from sqlalchemy import ColumnElement, select

from app.core.errors import NotFound
from app.core.procedure import PAGES_ONLY, Call, procedure
from app.models.client import Client, Source
from app.models.grant import Grant
from app.procedures.clients import ClientGoneOut, ClientId, ScopeOut, explained
from app.procedures.shapes import Nothing


class ConnectionOut(BaseModel):
    """An app that you have connected."""

    client_id: str
    name: str
    description: str
    source: Source
    is_client_revoked: bool
    scopes: list[ScopeOut]
    granted_at: datetime
    last_used_at: datetime | None


class ConnectionList(BaseModel):
    """The apps that a person has connected, newest first."""

    items: list[ConnectionOut]


@procedure(
    "connections.list",
    scopes=["connections:view"],
    channels=PAGES_ONLY,
    touches=("client", "oauth_grant"),
)
def list_(call: Call, given: Nothing) -> ConnectionList:  # noqa: ARG001 - takes no arguments
    """List the apps that you have connected."""
    live = select(Grant, Client).where(*_live(call)).order_by(Grant.id.desc())
    return ConnectionList(
        items=[_shown(grant, client) for grant, client in call.session.execute(live)]
    )


@procedure(
    "connections.revoke",
    scopes=["connections:edit"],
    channels=PAGES_ONLY,
    writes=True,
    destructive=True,
    touches=("client", "oauth_grant"),
)
def revoke(call: Call, given: ClientId) -> ClientGoneOut:
    """Disconnect an app: from now on what you allowed it is refused."""
    found = call.session.execute(
        select(Grant, Client).where(*_live(call), Client.client_id == given.client_id)
    ).one_or_none()
    if found is None:
        raise NotFound(f"You have not connected an app {given.client_id!r}.")
    grant, client = found
    grant.revoked_at = call.now
    return ClientGoneOut(client_id=client.client_id, name=client.name)


def _live(call: Call) -> tuple[ColumnElement[bool], ...]:
    return (
        Client.id == Grant.client_key,
        Grant.user_id == call.user_id,
        Grant.revoked_at.is_(None),
        # What a client does for itself is nobody's consent.
        ~Grant.is_service,
    )


def _shown(grant: Grant, client: Client) -> ConnectionOut:
    return ConnectionOut(
        client_id=client.client_id,
        name=client.name,
        description=client.description,
        source=Source(client.source),
        is_client_revoked=client.revoked_at is not None or client.banned_at is not None,
        scopes=explained(grant.scopes),
        granted_at=_time(grant.created_at),
        last_used_at=_time(grant.last_used_at) if grant.last_used_at else None,
    )


def _time(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
