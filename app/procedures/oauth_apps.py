"""The OAuth apps that a person registered: their own clients."""

from pydantic import BaseModel, Field
from sqlalchemy import select

from app.core import scopes
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.procedure import PAGES_ONLY, Call, procedure
from app.models import client_name, redirect_uri
from app.models.client import CLIENT_NAME_LENGTH, DESCRIPTION_LENGTH, Client, Source
from app.procedures.clients import (
    SAID,
    AskedScopes,
    ClientGoneOut,
    ClientId,
    ClientName,
    ClientOut,
    Description,
    HomePage,
    IdTokenAlg,
    NewClient,
    RedirectUris,
    beyond_trust,
    register,
    say,
)
from app.procedures.shapes import Nothing


class AppList(BaseModel):
    """A person's OAuth apps, newest first."""

    items: list[ClientOut]


class RegisteredAppOut(BaseModel):
    """An app just registered, and its secret for the only time."""

    app: ClientOut
    client_secret: str | None


class AppChanges(ClientId):
    """What one of your OAuth apps is to be from now on."""

    name: ClientName = Field(min_length=1, max_length=CLIENT_NAME_LENGTH)
    redirect_uris: RedirectUris = Field(min_length=1, max_length=redirect_uri.MOST)
    description: Description = Field("", max_length=DESCRIPTION_LENGTH)
    client_uri: HomePage | None = Field(None, max_length=redirect_uri.LENGTH)
    post_logout_redirect_uris: RedirectUris = Field([], max_length=redirect_uri.MOST)
    scopes: AskedScopes = Field(min_length=1)
    required_scopes: AskedScopes = Field([])
    id_token_signed_response_alg: IdTokenAlg = "RS256"  # noqa: S105 - a name
    dpop_bound_access_tokens: bool = False


@procedure("oauth_apps.list", scopes=["oauth-apps:view"], channels=PAGES_ONLY, touches=("client",))
def list_(call: Call, given: Nothing) -> AppList:  # noqa: ARG001 - takes no arguments
    """List the OAuth apps that you registered."""
    mine = select(Client).where(Client.owner_id == call.user_id).order_by(Client.id.desc())
    return AppList(items=[ClientOut.model_validate(app) for app in call.session.scalars(mine)])


@procedure(
    "oauth_apps.create",
    scopes=["oauth-apps:edit"],
    channels=PAGES_ONLY,
    writes=True,
    destructive=False,
    touches=("client", "client_secret"),
)
def create(call: Call, given: NewClient) -> RegisteredAppOut:
    """Register an OAuth app; its secret is in this answer and never again."""
    _check_name(given.name)
    app, secret = register(
        call.session, given, source=Source.USER, owner_id=call.user_id, now=call.now
    )
    return RegisteredAppOut(app=ClientOut.model_validate(app), client_secret=secret)


@procedure(
    "oauth_apps.update",
    scopes=["oauth-apps:edit"],
    channels=PAGES_ONLY,
    writes=True,
    touches=("client",),
)
def update(call: Call, given: AppChanges) -> ClientOut:
    """Change what one of your OAuth apps says and may ask for.

    Its secrets and what people allowed it stay. An admin who has verified or trusted it has to do
    so again where it says something else of itself, or leads elsewhere.
    """
    app = _mine(call, given.client_id)
    if app.revoked_at is not None:
        raise Conflict("The app is revoked: nothing about it can be changed.")
    _check_scopes(app, given)
    if given.name != app.name:
        _check_name(given.name)
    say(app, **{name: getattr(given, name) for name in SAID})
    # What it says now may have cost it an admin's trust.
    allowed = frozenset(scopes.grantable(is_trusted=app.is_trusted))
    # What an admin removed is not the owner's to choose or to drop, and comes back as it was.
    withheld = scopes.parse(app.withheld_scopes)
    required = withheld & scopes.parse(app.required_scopes)
    app.chosen_scopes = scopes.render(allowed.intersection(given.scopes) | withheld)
    app.required_scopes = scopes.render(allowed.intersection(given.required_scopes) | required)
    app.id_token_signed_response_alg = given.id_token_signed_response_alg
    app.dpop_bound_access_tokens = given.dpop_bound_access_tokens
    return ClientOut.model_validate(app)


@procedure("oauth_apps.get", scopes=["oauth-apps:view"], channels=PAGES_ONLY, touches=("client",))
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
    touches=("client",),
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
    touches=("client",),
)
def delete(call: Call, given: ClientId) -> ClientGoneOut:
    """Delete one of your OAuth apps, with everything that people allowed it."""
    app = _mine(call, given.client_id)
    call.session.delete(app)
    return ClientGoneOut(client_id=app.client_id, name=app.name)


def _check_name(name: str) -> None:
    # A user can't see which apps are verified. The consent page warns of a name like theirs.
    try:
        client_name.check(name)
    except ValueError as fault:
        fields = {"name": str(fault)}
        raise InvalidInput("Some fields need attention.", fields=fields) from fault


def _check_scopes(app: Client, given: AppChanges) -> None:
    fields = {}
    if beyond := beyond_trust(given.scopes, is_trusted=app.is_trusted):
        fields["scopes"] = f"Only an app that an admin trusts may ask for {beyond}."
    elif app.scope_bound is not None and not scopes.parse(app.scope_bound).issuperset(
        given.scopes
    ):
        fields["scopes"] = f"An admin lets it ask for no more than {app.scope_bound}."
    if not set(given.required_scopes) <= set(given.scopes):
        fields["required_scopes"] = "It can only need what it may ask for."
    if fields:
        raise InvalidInput("Some fields need attention.", fields=fields)


def _mine(call: Call, client_id: str) -> Client:
    # The row policy also shows the clients that a person has connected; these are not their own.
    app = call.session.scalars(
        select(Client).where(Client.client_id == client_id, Client.owner_id == call.user_id)
    ).one_or_none()
    if app is None:
        raise NotFound(f"You have no OAuth app {client_id!r}.")
    return app
