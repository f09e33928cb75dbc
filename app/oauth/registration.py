"""Dynamic client registration: a client that registers itself (RFC 7591)."""

import time
from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy import Engine

from app.core import names, scopes
from app.core.system import acting_as_system
from app.models import redirect_uri
from app.models.client import CLIENT_NAME_LENGTH, Client, Kind, Source
from app.oauth.errors import InvalidClientMetadata, InvalidRedirectUri, RegistrationClosed
from app.oauth.sent import printable
from app.procedures.clients import GRANT_TYPES, NewClient, add_secret, new_client


class ClientMetadata(BaseModel):
    """What a client says about itself (RFC 7591 §2); members that we don't know are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    redirect_uris: list[str] = Field(min_length=1, max_length=redirect_uri.MOST)
    client_name: str = ""
    auth_method: Literal["none", "client_secret_basic", "client_secret_post"] = Field(
        "client_secret_basic", alias="token_endpoint_auth_method"
    )
    grant_types: list[str] = ["authorization_code"]
    response_types: list[str] = ["code"]
    scope: str = ""

    @field_validator("redirect_uris")
    @classmethod
    def _each_may_be_registered(cls, uris: list[str]) -> list[str]:
        return [redirect_uri.checked(uri) for uri in dict.fromkeys(uris)]

    @field_validator("grant_types")
    @classmethod
    def _what_is_supported(cls, asked: list[str]) -> list[str]:
        # RFC 7591 §2: the server may replace what it does not support.
        if "authorization_code" not in asked:
            raise ValueError("must hold authorization_code")
        return [name for name in GRANT_TYPES if name in asked]

    @field_validator("response_types")
    @classmethod
    def _code_is_among_them(cls, asked: list[str]) -> list[str]:
        if "code" not in asked:
            raise ValueError("must hold code")
        return ["code"]

    @field_validator("client_name")
    @classmethod
    def _can_be_seen(cls, name: str) -> str:
        name = name.strip()[:CLIENT_NAME_LENGTH].strip()
        return names.name(name) if name else name


class Registration:
    """The registration endpoint of one deployment."""

    def __init__(
        self, engine: Engine, *, is_open: bool, now: Callable[[], float] = time.time
    ) -> None:
        self.is_open = is_open
        self._engine = engine
        self._now = now

    def register(self, content_type: str, body: bytes) -> dict[str, Any]:
        """Register the client that a JSON body describes; give its information (RFC 7591 §3.2.1).

        Raises:
            OAuth2Error: registration is closed, or the metadata will not do.
        """
        if not self.is_open:
            raise RegistrationClosed("This server lets no client register itself. Ask an admin.")
        if content_type != "application/json":
            raise InvalidClientMetadata("Send the metadata as application/json.")
        metadata = _metadata(body)
        now = int(self._now())
        with acting_as_system(self._engine, "register a client") as session:
            client = new_client(
                session, _described(metadata), source=Source.REGISTRATION, owner_id=None, now=now
            )
            client.token_endpoint_auth_method = metadata.auth_method
            client.grant_types = metadata.grant_types
            client.scopes = _allowed(metadata.scope)
            secret = None if client.is_public else add_secret(session, client, now)
            return _information(client, secret)


def _metadata(body: bytes) -> ClientMetadata:
    try:
        return ClientMetadata.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        member = ".".join(map(str, first["loc"])) or "body"
        fault = printable(f"{member}: {first['msg'].removeprefix('Value error, ')}")
        if member.startswith("redirect_uris"):
            raise InvalidRedirectUri(fault) from error
        raise InvalidClientMetadata(fault) from error


def _described(metadata: ClientMetadata) -> NewClient:
    """Give the registration in the terms of every other way to make a client."""
    kind: Kind = "public" if metadata.auth_method == "none" else "confidential"
    name = metadata.client_name or redirect_uri.destination(metadata.redirect_uris[0])
    return NewClient(
        name=name[:CLIENT_NAME_LENGTH], redirect_uris=metadata.redirect_uris, kind=kind
    )


def _allowed(asked: str) -> str:
    """Give what the client may ask for: of what it wants, what a third party may have."""
    third_party = frozenset(scopes.THIRD_PARTY)
    return scopes.render(scopes.parse(asked) & third_party or third_party)


def _information(client: Client, secret: str | None) -> dict[str, Any]:
    information = {
        "client_id": client.client_id,
        "client_id_issued_at": client.created_at,
        "client_name": client.name,
        "redirect_uris": client.redirect_uris,
        "grant_types": client.grant_types,
        "response_types": ["code"],
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "scope": client.scopes,
    }
    if secret is not None:
        # 0: it does not expire. Never a null member: some clients refuse the whole answer.
        information |= {"client_secret": secret, "client_secret_expires_at": 0}
    return information
