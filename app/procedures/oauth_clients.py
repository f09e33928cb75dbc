"""Every OAuth client, for admins."""

from collections import Counter
from collections.abc import Iterator

from pydantic import BaseModel, Field
from sqlalchemy import ColumnElement, String, cast, select

from app.core import scopes
from app.core.errors import Conflict
from app.core.procedure import PAGES_ONLY, Call, procedure
from app.core.text_search import holds_words
from app.models.banned_host import hosts_of, is_bannable
from app.models.client import SELF_DESCRIBED, Client, Source
from app.models.grant import Grant
from app.models.user import User
from app.procedures.clients import (
    ClientGoneOut,
    ClientId,
    ClientOut,
    NewClient,
    ScopeOut,
    known,
    register,
)
from app.procedures.shapes import Listing, Page, PageOf, SearchQuery


class ClientFilter(PageOf):
    """Which clients."""

    q: SearchQuery | None = Field(
        None, max_length=200, description="Words that name, id or redirect URI must hold."
    )


class AnyClientOut(ClientOut):
    """An OAuth client as an admin sees it: whose it is, and what people granted it."""

    owner: str | None
    bannable_hosts: list[str]
    granted: list["GrantedScopeOut"]
    users: int


class GrantedScopeOut(ScopeOut):
    """A scope that people granted a client, and how many of them did."""

    users: int


class ClientPage(Page[AnyClientOut]):
    """Some clients, newest first."""


_LISTING = Listing(Client.id)


class CreatedClientOut(BaseModel):
    """A client just created, and its secret for the only time."""

    client: AnyClientOut
    client_secret: str | None


@procedure(
    "oauth_clients.list",
    scopes=["oauth-clients:viewAll"],
    channels=PAGES_ONLY,
    touches=("client", "oauth_grant", "user_account"),
)
def list_(call: Call, given: ClientFilter) -> ClientPage:
    """List every OAuth client, newest first."""
    page = _LISTING.page(call.session, given, *_conditions(given))
    keys = [item["id"] for item in page["items"]]
    return ClientPage(items=_shown(call, keys), next_cursor=page["next_cursor"])


@procedure(
    "oauth_clients.get",
    scopes=["oauth-clients:viewAll"],
    channels=PAGES_ONLY,
    touches=("client", "oauth_grant", "user_account"),
)
def get(call: Call, given: ClientId) -> AnyClientOut:
    """Show one OAuth client."""
    return _one(call, known(call, given.client_id))


@procedure(
    "oauth_clients.create",
    scopes=["oauth-clients:edit"],
    channels=PAGES_ONLY,
    writes=True,
    destructive=False,
    touches=("client", "client_secret", "oauth_grant", "user_account"),
)
def create(call: Call, given: NewClient) -> CreatedClientOut:
    """Create an OAuth client of the workspace; its secret is in this answer and never again."""
    client, secret = register(
        call.session, given, source=Source.ADMIN, owner_id=call.user_id, now=call.now
    )
    return CreatedClientOut(client=_one(call, client), client_secret=secret)


@procedure(
    "oauth_clients.revoke",
    scopes=["oauth-clients:edit"],
    channels=PAGES_ONLY,
    writes=True,
    destructive=True,
    idempotent=True,
    touches=("client", "oauth_grant", "user_account"),
)
def revoke(call: Call, given: ClientId) -> AnyClientOut:
    """Revoke a client: from now on its tokens and its secret are refused."""
    client = known(call, given.client_id)
    client.revoked_at = client.revoked_at or call.now
    call.session.flush()
    return _one(call, client)


@procedure(
    "oauth_clients.delete",
    scopes=["oauth-clients:edit"],
    channels=PAGES_ONLY,
    writes=True,
    destructive=True,
    touches=("client",),
)
def delete(call: Call, given: ClientId) -> ClientGoneOut:
    """Delete a client, with everything that people allowed it."""
    client = known(call, given.client_id)
    if client.source == Source.BUILT_IN:
        raise Conflict("It is part of Latchkey, and the next start makes it again: revoke it.")
    call.session.delete(client)
    return ClientGoneOut(client_id=client.client_id, name=client.name)


def _conditions(given: ClientFilter) -> Iterator[ColumnElement[bool]]:
    if given.q:
        # The URIs are kept as JSON text, in which a search by words is as good as in a list.
        uris = cast(Client.redirect_uris, String)
        yield holds_words(given.q, Client.name, Client.client_id, uris)


def _one(call: Call, client: Client) -> AnyClientOut:
    return _shown(call, [client.id])[0]


def _shown(call: Call, keys: list[int]) -> list[AnyClientOut]:
    """Give clients with owners and grants: two queries, however many clients there are."""
    with_owners = call.session.execute(
        select(Client, User.email)
        .outerjoin(User, User.id == Client.owner_id)
        .where(Client.id.in_(keys))
        .order_by(Client.id.desc())
    ).all()
    grants = call.session.execute(
        select(Grant.client_key, Grant.scopes).where(
            Grant.client_key.in_(keys), Grant.revoked_at.is_(None), ~Grant.is_service
        )
    ).all()
    users = Counter(key for key, _ in grants)
    granted = Counter((key, scope) for key, held in grants for scope in held.split())
    return [
        AnyClientOut(
            **ClientOut.model_validate(client).model_dump(),
            owner=owner,
            bannable_hosts=_bannable_hosts(client),
            users=users[client.id],
            granted=_granted(client.id, granted),
        )
        for client, owner in with_owners
    ]


def _bannable_hosts(client: Client) -> list[str]:
    if client.source not in SELF_DESCRIBED:
        return []
    hosts = hosts_of(client.client_id, client.redirect_uris)
    return sorted(host for host in hosts if is_bannable(host))


def _granted(key: int, granted: Counter[tuple[int, str]]) -> list[GrantedScopeOut]:
    return [
        GrantedScopeOut(name=scope.name, sentence=scope.sentence, users=granted[key, scope.name])
        for scope in scopes.SCOPES.values()
        if granted[key, scope.name]
    ]
