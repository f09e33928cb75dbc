"""What registering an OAuth client takes, whoever does it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    computed_field,
    field_validator,
)
from sqlalchemy import select
from sqlalchemy.orm import Session
from typing_extensions import TypeAliasType

from app.core import credentials, names, scopes
from app.core.credentials import Prefix
from app.core.errors import NotFound
from app.core.procedure import Call
from app.models import redirect_uri
from app.models.client import (
    CLIENT_ID_LENGTH,
    CLIENT_NAME_LENGTH,
    DESCRIPTION_LENGTH,
    Client,
    ClientSecret,
    Kind,
    Source,
)
from app.models.uri_schemes import denylist_of
from app.procedures.shapes import EachOnce, Given

_FOR_ITSELF = "client_credentials"
GRANT_TYPES = [
    "authorization_code",
    "refresh_token",
    _FOR_ITSELF,
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:token-exchange",
]


# What a client that an admin trusts may be granted.
_AT_THE_MOST = frozenset(scopes.grantable(is_trusted=True))


def _may_be_asked_for(scope: str) -> str:
    if scope not in _AT_THE_MOST:
        raise ValueError("No app may ask for this scope.")
    return scope


def _may_be_registered(uri: str, info: ValidationInfo) -> str:
    return redirect_uri.checked(uri, denylist_of(info.context))


ClientName = Annotated[str, AfterValidator(names.name)]
Description = Annotated[str, AfterValidator(names.prose)]
HomePage = Annotated[str, AfterValidator(names.web_address)]
RedirectUri = Annotated[str, AfterValidator(_may_be_registered)]
RedirectUris = Annotated[list[RedirectUri], EachOnce]
AskedScope = Annotated[str, AfterValidator(_may_be_asked_for)]
AskedScopes = Annotated[list[AskedScope], EachOnce]
IdTokenAlg = TypeAliasType("IdTokenAlg", Literal["RS256", "ES256"])


class ClientId(Given):
    """Which client."""

    client_id: str = Field(
        min_length=1, max_length=CLIENT_ID_LENGTH, description="The client's id."
    )


class NewClient(Given):
    """An OAuth client to be registered."""

    name: ClientName = Field(
        min_length=1, max_length=CLIENT_NAME_LENGTH, description="What people will see."
    )
    redirect_uris: RedirectUris = Field(
        min_length=1,
        max_length=redirect_uri.MOST,
        description="Where the browser may be sent back to; compared character by character.",
    )
    description: Description = Field(
        "", max_length=DESCRIPTION_LENGTH, description="What it is for; the consent page shows it."
    )
    kind: Kind = Field(
        "confidential", description="public: it cannot keep a secret, and gets none."
    )


def known(call: Call, client_id: str) -> Client:
    """Give a client that the caller may see.

    Raises:
        NotFound: there is none of this id.
    """
    client = call.session.scalars(
        select(Client).where(Client.client_id == client_id)
    ).one_or_none()
    if client is None:
        raise NotFound(f"There is no client {client_id!r}.")
    return client


class ClientOut(BaseModel):
    """An OAuth client."""

    model_config = ConfigDict(from_attributes=True)

    client_id: str
    name: str
    description: str
    kind: Kind
    source: Source
    client_uri: str | None
    redirect_uris: list[str]
    post_logout_redirect_uris: list[str]
    scopes: list[str]
    required_scopes: list[str]
    withheld_scopes: list[str]
    is_verified: bool
    is_first_party: bool
    is_trusted: bool
    is_pkce_exempt: bool
    id_token_signed_response_alg: IdTokenAlg
    dpop_bound_access_tokens: bool
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None
    banned_at: datetime | None

    @computed_field  # type: ignore[prop-decorator] # pydantic's own shape
    @property
    def home_page(self) -> str | None:
        """The home page, if every redirect URI shows that its host is the app's own."""
        return redirect_uri.home_page(self.client_uri, self.redirect_uris)

    @field_validator("scopes", "required_scopes", "withheld_scopes", mode="before")
    @classmethod
    def _as_list(cls, value: str | list[str]) -> list[str]:
        return value.split() if isinstance(value, str) else value

    @field_validator("required_scopes")
    @classmethod
    def _are_allowed(cls, required: list[str], info: ValidationInfo) -> list[str]:
        # What an admin removed nobody is asked for, and so nobody has to allow.
        return [scope for scope in required if scope in info.data.get("scopes", ())]


class ClientGoneOut(BaseModel):
    """Which client was deleted, or disconnected."""

    client_id: str
    name: str


class ScopeOut(BaseModel):
    """A scope, and what it means."""

    name: str
    sentence: str


def explained(names: str) -> list[ScopeOut]:
    """Give the scopes of a space-delimited list with their sentences, in declaration order."""
    known = (scopes.SCOPES.get(name) for name in scopes.render(scopes.parse(names)).split())
    return [ScopeOut(name=scope.name, sentence=scope.sentence) for scope in known if scope]


def register(
    session: Session, given: NewClient, *, source: Source, owner_id: int | None, now: int
) -> tuple[Client, str | None]:
    """Add a client; give it with its secret, which nothing keeps in clear, or none if public."""
    client = new_client(session, given, source=source, owner_id=owner_id, now=now)
    return client, None if client.is_public else add_secret(session, client, now)


def grant_types_for(kind: Kind) -> list[str]:
    """Give the grant types that fit; who keeps no secret cannot act for itself (RFC 6749 §4.4)."""
    return [name for name in GRANT_TYPES if kind == "confidential" or name != _FOR_ITSELF]


def new_client(
    session: Session, given: NewClient, *, source: Source, owner_id: int | None, now: int
) -> Client:
    """Add a client that has no secret yet, and may ask for all that a third party may have."""
    client = Client(
        client_id=credentials.identifier(),
        name=given.name,
        description=given.description,
        source=source,
        owner_id=owner_id,
        is_public=given.kind == "public",
        token_endpoint_auth_method="none" if given.kind == "public" else "",
        redirect_uris=given.redirect_uris,
        grant_types=grant_types_for(given.kind),
        chosen_scopes=" ".join(scopes.grantable(is_trusted=False)),
        created_at=now,
    )
    session.add(client)
    session.flush()
    return client


# What people read of a client, and where it leads them: what an admin vouches for.
SAID = ("name", "description", "client_uri", "redirect_uris", "post_logout_redirect_uris")


def say(client: Client, **said: object) -> None:
    """Let a client say otherwise what it is; an admin vouched for what it said before."""
    for name, value in said.items():
        if getattr(client, name) != value:
            client.is_verified = client.is_first_party = False
            _distrust(client)
            setattr(client, name, value)


def _distrust(client: Client) -> None:
    """Let a client ask for nothing any more that takes an admin's trust."""
    if not client.is_trusted:
        return
    client.is_trusted = False
    for column in ("chosen_scopes", "scope_bound", "required_scopes"):
        held = scopes.parse(getattr(client, column))
        setattr(client, column, scopes.render(held.intersection(scopes.THIRD_PARTY)))


def beyond_trust(wanted: Iterable[str], *, is_trusted: bool) -> str:
    """Give the scopes that take an admin's trust; none for a client that has it."""
    return scopes.render(frozenset(wanted).difference(scopes.grantable(is_trusted=is_trusted)))


def add_secret(session: Session, client: Client, now: int) -> str:
    """Give a client a new secret, in clear for the only time."""
    secret = credentials.issue(Prefix.CLIENT_SECRET)
    session.add(
        ClientSecret(
            client_key=client.id,
            digest=credentials.digest(secret),
            last_four=secret[-4:],
            created_at=now,
        )
    )
    session.flush()
    return secret
