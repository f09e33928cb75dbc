"""Hosts whose clients may not register themselves, nor act where they have."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import String, cast, or_, select

from app.core.errors import Conflict
from app.core.procedure import PAGES_ONLY, Call, procedure
from app.models.banned_host import (
    MAX_HOST_CHARS,
    BannedHost,
    candidates,
    checked_host,
    hosts_of,
)
from app.models.client import SELF_DESCRIBED, Client
from app.procedures.shapes import Given, GivenId, Id, Nothing


class NewBan(Given):
    """A host to be banned."""

    host: Annotated[str, AfterValidator(checked_host)] = Field(
        min_length=1,
        max_length=MAX_HOST_CHARS,
        description="The host of redirect URIs or metadata documents; subdomains included.",
    )


class BanId(Given):
    """Which ban."""

    ban_id: GivenId = Field(description="The ban's id.")


class BannedHostOut(BaseModel):
    """A banned host."""

    model_config = ConfigDict(from_attributes=True)

    id: Id
    host: str
    created_at: datetime


class BannedHostList(BaseModel):
    """The banned hosts, newest first."""

    items: list[BannedHostOut]


class BanChangeOut(BaseModel):
    """A ban that was added or removed, and how many clients that stopped or allowed again."""

    host: str
    clients: int


@procedure(
    "banned_hosts.list",
    scopes=["oauth-clients:viewAll"],
    channels=PAGES_ONLY,
    touches=("banned_host",),
)
def list_(call: Call, given: Nothing) -> BannedHostList:  # noqa: ARG001 - takes no arguments
    """List the banned hosts."""
    bans = call.session.scalars(select(BannedHost).order_by(BannedHost.id.desc()))
    return BannedHostList(items=[BannedHostOut.model_validate(ban) for ban in bans])


@procedure(
    "banned_hosts.add",
    scopes=["oauth-clients:edit"],
    channels=PAGES_ONLY,
    writes=True,
    destructive=True,
    touches=("banned_host", "client"),
)
def add(call: Call, given: NewBan) -> BanChangeOut:
    """Ban a host and its subdomains.

    Clients that registered themselves with a redirect URI or a metadata document there can't
    register, ask for access or use their tokens from the next request on.
    """
    taken = select(BannedHost.id).where(BannedHost.host == given.host)
    if call.session.scalar(taken) is not None:
        raise Conflict("This host is banned already.")
    call.session.add(BannedHost(host=given.host, created_at=call.now))
    clients = 0
    for client in _self_described(call, given.host):
        if client.banned_at is None:
            client.banned_at = call.now
            clients += 1
    return BanChangeOut(host=given.host, clients=clients)


@procedure(
    "banned_hosts.remove",
    scopes=["oauth-clients:edit"],
    channels=PAGES_ONLY,
    writes=True,
    touches=("banned_host", "client"),
)
def remove(call: Call, given: BanId) -> BanChangeOut:
    """Remove a ban; clients that no other ban applies to work again, with their tokens."""
    ban = call.get(BannedHost, given.ban_id)
    call.session.delete(ban)
    call.session.flush()
    others = frozenset(call.session.scalars(select(BannedHost.host)))
    clients = 0
    for client in _self_described(call, ban.host):
        own_hosts = candidates(hosts_of(client.client_id, client.redirect_uris))
        if client.banned_at is not None and others.isdisjoint(own_hosts):
            client.banned_at = None
            clients += 1
    return BanChangeOut(host=ban.host, clients=clients)


def _self_described(call: Call, host: str) -> Iterator[Client]:
    """Return the self-registered clients that a ban of the host applies to."""
    found = select(Client).where(Client.source.in_(SELF_DESCRIBED))
    if ":" not in host:  # an IPv6 address has several spellings
        uris = cast(Client.redirect_uris, String)
        columns = (uris, Client.client_id)
        found = found.where(or_(*(column.icontains(host, autoescape=True) for column in columns)))
    for client in call.session.scalars(found):
        if host in candidates(hosts_of(client.client_id, client.redirect_uris)):
            yield client
