"""Resources of others, for which this server issues JWT access tokens (RFC 9068)."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import Row, select

from app.core import names
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.procedure import PAGES_ONLY, Call, procedure
from app.models.client import CLIENT_ID_LENGTH, CLIENT_NAME_LENGTH, Client
from app.models.signing import IDENTIFIER_LENGTH, ResourceServer
from app.procedures.shapes import Given, GivenId, Id, Nothing


def _can_be_named(identifier: str) -> str:
    """Hold an identifier to RFC 8707 §2: an absolute URI without a fragment."""
    if "#" in names.https_address(identifier):
        raise ValueError("Leave the fragment out.")
    return identifier


class NewResourceServer(Given):
    """A resource to issue tokens for."""

    identifier: Annotated[str, AfterValidator(_can_be_named)] = Field(
        max_length=IDENTIFIER_LENGTH,
        description="Its URL, to the letter: what clients send as resource, and tokens as aud.",
    )
    name: Annotated[str, AfterValidator(names.name)] = Field(
        min_length=1, max_length=CLIENT_NAME_LENGTH, description="What people will see."
    )
    client_id: str | None = Field(
        None,
        max_length=CLIENT_ID_LENGTH,
        description="The confidential client with which it may introspect its tokens.",
    )


class ResourceServerId(Given):
    """Which resource."""

    resource_id: GivenId = Field(description="The resource's id.")


class ResourceServerOut(BaseModel):
    """A resource of others, and the client with which it may introspect."""

    model_config = ConfigDict(from_attributes=True)

    id: Id
    identifier: str
    name: str
    client_id: str | None
    created_at: datetime


class ResourceServerList(BaseModel):
    """The resources of others, oldest first."""

    items: list[ResourceServerOut]


_SHOWN = select(
    ResourceServer.id,
    ResourceServer.identifier,
    ResourceServer.name,
    ResourceServer.created_at,
    Client.client_id,
).outerjoin(Client, Client.id == ResourceServer.client_key)


@procedure(
    "resource_servers.list",
    scopes=["oauth-clients:viewAll"],
    channels=PAGES_ONLY,
    touches=("resource_server", "client"),
)
def list_(call: Call, given: Nothing) -> ResourceServerList:  # noqa: ARG001 - takes no arguments
    """List the resources of others that tokens are issued for."""
    found = call.session.execute(_SHOWN.order_by(ResourceServer.id))
    return ResourceServerList(items=[_out(row) for row in found])


@procedure(
    "resource_servers.add",
    scopes=["oauth-clients:edit"],
    channels=PAGES_ONLY,
    writes=True,
    destructive=False,
    touches=("resource_server", "client"),
)
def add(call: Call, given: NewResourceServer) -> ResourceServerOut:
    """Let clients ask for tokens that a resource of others verifies by itself."""
    taken = select(ResourceServer.id).where(ResourceServer.identifier == given.identifier)
    if call.session.scalar(taken) is not None:
        raise Conflict("Tokens are issued for this resource already.")
    made = ResourceServer(
        identifier=given.identifier,
        name=given.name,
        client_key=_introspects(call, given.client_id) if given.client_id else None,
        created_at=call.now,
    )
    call.session.add(made)
    call.session.flush()
    return _one(call, made.id)


@procedure(
    "resource_servers.remove",
    scopes=["oauth-clients:edit"],
    channels=PAGES_ONLY,
    writes=True,
    destructive=True,
    touches=("resource_server", "client"),
)
def remove(call: Call, given: ResourceServerId) -> ResourceServerOut:
    """Issue no more tokens for a resource; those that it has been shown last until they end."""
    resource = call.get(ResourceServer, given.resource_id)
    removed = _one(call, resource.id)
    call.session.delete(resource)
    return removed


def _introspects(call: Call, client_id: str) -> int:
    found = select(Client.id).where(Client.client_id == client_id, ~Client.is_public)
    key = call.session.scalar(found)
    if key is None:
        fields = {"client_id": "There is no confidential client with this id."}
        raise InvalidInput("Some fields need attention.", fields=fields)
    return key


def _one(call: Call, key: int) -> ResourceServerOut:
    row = call.session.execute(_SHOWN.where(ResourceServer.id == key)).one_or_none()
    if row is None:
        raise NotFound("There is no such resource.")
    return _out(row)


def _out(row: Row[int, str, str, int, str]) -> ResourceServerOut:
    return ResourceServerOut.model_validate(row)
