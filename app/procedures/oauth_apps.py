"""The OAuth apps that a person registered: their own clients."""

from pydantic import BaseModel
from sqlalchemy import select

from app.core.errors import NotFound
from app.core.procedure import PAGES_ONLY, Call, procedure
from app.models.client import Client, Source
from app.procedures.clients import ClientGoneOut, ClientId, ClientOut, NewClient, register
from app.procedures.shapes import Nothing


class AppList(BaseModel):
    """A person's OAuth apps, newest first."""

    items: list[ClientOut]


class RegisteredAppOut(BaseModel):
    """An app just registered, and its secret for the only time."""

    app: ClientOut
    client_secret: str | None


@procedure("oauth_apps.list", scopes=["oauth-apps:view"], channels=PAGES_ONLY)
def list_(call: Call, given: Nothing) -> AppList:  # noqa: ARG001 - takes no arguments
    """List the OAuth apps that you registered."""
    mine = select(Client).where(Client.owner_id == call.user_id).order_by(Client.id.desc())
    return AppList(items=[ClientOut.model_validate(app) for app in call.session.scalars(mine)])


@procedure("oauth_apps.create", scopes=["oauth-apps:edit"], channels=PAGES_ONLY, writes=True)
def create(call: Call, given: NewClient) -> RegisteredAppOut:
    """Register an OAuth app; its secret is in this answer and never again."""
    app, secret = register(
        call.session, given, source=Source.USER, owner_id=call.user_id, now=call.now
    )
    return RegisteredAppOut(app=ClientOut.model_validate(app), client_secret=secret)


@procedure("oauth_apps.get", scopes=["oauth-apps:view"], channels=PAGES_ONLY)
def get(call: Call, given: ClientId) -> ClientOut:
    """Show one of your OAuth apps."""
    return ClientOut.model_validate(_mine(call, given.client_id))


@procedure(
    "oauth_apps.revoke",
    scopes=["oauth-apps:edit"],
    channels=PAGES_ONLY,
    writes=True,
    destructive=True,
    idempotent=True,
)
def revoke(call: Call, given: ClientId) -> ClientOut:
    """Revoke one of your OAuth apps: from now on its tokens and its secret are refused."""
    app = _mine(call, given.client_id)
    app.revoked_at = app.revoked_at or call.now
    return ClientOut.model_validate(app)


@procedure(
    "oauth_apps.delete",
    scopes=["oauth-apps:edit"],
    channels=PAGES_ONLY,
    writes=True,
    destructive=True,
)
def delete(call: Call, given: ClientId) -> ClientGoneOut:
    """Delete one of your OAuth apps, with everything that people allowed it."""
    app = _mine(call, given.client_id)
    call.session.delete(app)
    return ClientGoneOut(client_id=app.client_id, name=app.name)


def _mine(call: Call, client_id: str) -> Client:
    # The row policy also shows the clients that a person has connected; these are not their own.
    app = call.session.scalars(
        select(Client).where(Client.client_id == client_id, Client.owner_id == call.user_id)
    ).one_or_none()
    if app is None:
        raise NotFound(f"You have no OAuth app {client_id!r}.")
    return app
