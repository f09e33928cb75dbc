"""What a client says about itself when it registers without a person (RFC 7591 §2)."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from app.core import names, scopes
from app.models import redirect_uri
from app.models.client import CLIENT_NAME_LENGTH, Kind
from app.models.uri_schemes import denylist_of
from app.oauth.assertion import checked_keys
from app.oauth.client import PRIVATE_KEY_JWT, usable_scopes
from app.oauth.errors import InvalidClientMetadata, InvalidRedirectUri
from app.oauth.sent import printable
from app.procedures.clients import GRANT_TYPES

# It acts for itself, and belongs to nobody: there is nothing that it could see.
_FOR_OWNED = "client_credentials"
_LONGEST_URI = 2000
# Where the validation context holds the URL of the page on which users register an app.
APP_PAGE_KEY = "app_page"


class ClientMetadata(BaseModel):
    """The members that count here; members that we don't know are ignored."""

    model_config = ConfigDict(extra="ignore", strict=True)

    redirect_uris: list[str] = Field([], max_length=redirect_uri.MOST)
    client_name: str = ""
    auth_method: Literal[
        "none", "client_secret_basic", "client_secret_post", "private_key_jwt"
    ] = Field("client_secret_basic", alias="token_endpoint_auth_method")
    jwks: dict[str, Any] | None = None
    jwks_uri: str | None = Field(None, max_length=_LONGEST_URI)
    grant_types: list[str] = ["authorization_code"]
    response_types: list[str] = ["code"]
    scope: str = ""
    client_uri: str | None = Field(None, max_length=_LONGEST_URI)
    post_logout_redirect_uris: list[str] = Field([], max_length=redirect_uri.MOST)
    id_token_signed_response_alg: Literal["RS256", "ES256"] = "RS256"  # noqa: S105 - a name
    dpop_bound_access_tokens: bool = False

    @model_validator(mode="before")
    @classmethod
    def _without_omitted(cls, members: Any) -> Any:  # noqa: ANN401 - any JSON
        return without_omitted(members) if isinstance(members, dict) else members

    @field_validator("redirect_uris", "post_logout_redirect_uris")
    @classmethod
    def _drop_unacceptable(cls, uris: list[str], info: ValidationInfo) -> list[str]:
        # RFC 7591 §3.2.1: the server may replace what was requested, and returns what it
        # registered. Tools register all the URIs of their editions at once; one that this server
        # cannot take must not shut the tool out.
        faults: list[ValueError] = []
        accepted = []
        for uri in dict.fromkeys(uris):
            try:
                accepted.append(redirect_uri.checked(uri, denylist_of(info.context)))
            except ValueError as fault:
                faults.append(fault)
        if faults and not accepted:
            raise faults[0]
        return accepted

    @field_validator("grant_types")
    @classmethod
    def _what_is_supported(cls, asked: list[str], info: ValidationInfo) -> list[str]:
        # RFC 7591 §2: the server may replace what it does not support.
        kept = [name for name in GRANT_TYPES if name in asked and name != _FOR_OWNED]
        if not kept and _FOR_OWNED in asked:
            page = (info.context or {}).get(APP_PAGE_KEY, "Settings, OAuth apps")
            raise ValueError(
                f"client_credentials needs an app with an owner. Register one: {page}"
            )
        if not set(kept) - {"refresh_token"}:
            raise ValueError(f"must hold one of {', '.join(_ALONE)}")
        return kept

    @field_validator("jwks")
    @classmethod
    def _can_be_used(cls, jwks: dict[str, Any] | None) -> dict[str, Any] | None:
        return None if jwks is None else checked_keys(jwks)

    @field_validator("jwks_uri")
    @classmethod
    def _is_safe_to_read(cls, uri: str | None) -> str | None:
        return None if uri is None else names.https_address(uri)

    @field_validator("client_name")
    @classmethod
    def _can_be_seen(cls, name: str) -> str:
        name = name.strip()[:CLIENT_NAME_LENGTH].strip()
        return names.name(name) if name else name

    @field_validator("client_uri")
    @classmethod
    def _is_a_web_page(cls, uri: str | None) -> str | None:
        return None if uri is None else names.web_address(uri)

    @property
    def kind(self) -> Kind:
        """Whether it can keep a secret."""
        return "public" if self.auth_method == "none" else "confidential"

    @property
    def name(self) -> str:
        """What people will see: what it calls itself, or where it leads."""
        led_to = redirect_uri.destination(self.redirect_uris[0]) if self.redirect_uris else ""
        return (self.client_name or led_to or "An app without a name")[:CLIENT_NAME_LENGTH]

    @property
    def wanted(self) -> str:
        """What it asks for by itself: of what it names, what a third party may have."""
        allowed = usable_scopes(frozenset(scopes.grantable(is_trusted=False)), self.grant_types)
        return scopes.render(scopes.parse(self.scope) & allowed)

    def digest(self) -> bytes:
        """Give what two registrations have in common that say the same."""
        said = self.model_dump() | {"scope": self.wanted, "name": self.name}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()


_ALONE = [name for name in GRANT_TYPES if name not in (_FOR_OWNED, "refresh_token")]


def without_omitted(members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that a client has set.

    RFC 7592 §2.2: null stands for a member that is left out. Clients that are generated from a
    form send an empty string for it (`"client_uri": ""`), and no member has a use for one.
    """
    return {name: value for name, value in members.items() if value not in (None, "")}


def metadata_in(body: bytes, context: Mapping[str, Any] | None = None) -> ClientMetadata:
    """Give the metadata in a JSON body, by the rules in a validation context.

    Raises:
        InvalidRedirectUri: a redirect URI cannot be registered; the message names it.
        InvalidClientMetadata: another member will not do.
    """
    try:
        metadata = ClientMetadata.model_validate_json(body, context=context)
    except ValidationError as error:
        first = error.errors()[0]
        member = ".".join(map(str, first["loc"])) or "body"
        fault = printable(f"{member}: {first['msg'].removeprefix('Value error, ')}")
        if member.startswith("redirect_uris"):
            raise InvalidRedirectUri(fault) from error
        raise InvalidClientMetadata(fault) from error
    _check_together(metadata)
    return metadata


def _check_together(metadata: ClientMetadata) -> None:
    given = [kind for kind in (metadata.jwks, metadata.jwks_uri) if kind is not None]
    if len(given) != (1 if metadata.auth_method == PRIVATE_KEY_JWT else 0):
        # RFC 7591 §2: never both.
        raise InvalidClientMetadata(
            "jwks: private_key_jwt needs it or jwks_uri, and nothing else has either."
        )
    if "authorization_code" not in metadata.grant_types:
        return
    if not metadata.redirect_uris:
        raise InvalidRedirectUri("redirect_uris: the grant authorization_code needs one.")
    if "code" not in metadata.response_types:
        raise InvalidClientMetadata("response_types: must hold code.")
