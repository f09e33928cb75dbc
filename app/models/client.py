"""OAuth clients and their secrets."""

from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, String, false
from sqlalchemy.orm import Mapped, mapped_column
from typing_extensions import TypeAliasType

from app.core import scopes
from app.core.policy import Bypass, Change, Owner, RowPolicy, Via, rows
from app.extensions import Model

# A client's id may be the URL of its metadata document.
CLIENT_ID_LENGTH = 500
CLIENT_NAME_LENGTH = 80
DESCRIPTION_LENGTH = 500


Kind = TypeAliasType("Kind", Literal["confidential", "public"])


class Source(StrEnum):
    """Who made a client."""

    USER = "user"
    ADMIN = "admin"
    REGISTRATION = "registration"
    DOCUMENT = "document"
    BUILT_IN = "built-in"


# They say themselves what they are, and nobody has to know who they are.
SELF_DESCRIBED = frozenset({Source.REGISTRATION, Source.DOCUMENT})


class Client(Model):
    """An OAuth 2.0 client (RFC 6749 §2); lifetimes are in seconds, and none is the default one."""

    __tablename__ = "client"

    id: Mapped[int] = mapped_column(primary_key=True)
    client_id: Mapped[str] = mapped_column(String(CLIENT_ID_LENGTH), unique=True)
    name: Mapped[str] = mapped_column(String(CLIENT_NAME_LENGTH))
    description: Mapped[str] = mapped_column(String(DESCRIPTION_LENGTH))
    source: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[int | None] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    is_public: Mapped[bool] = mapped_column(server_default=false())
    # The one method that a registration asked for; empty: any that fits the kind (RFC 7591 §2).
    token_endpoint_auth_method: Mapped[str] = mapped_column(String(40))
    # Whose signatures prove who it is (private_key_jwt): the keys, or where they are.
    jwks: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    jwks_uri: Mapped[str | None] = mapped_column(String(2000))
    client_uri: Mapped[str | None] = mapped_column(String(2000))
    redirect_uris: Mapped[list[str]] = mapped_column(JSON)
    post_logout_redirect_uris: Mapped[list[str]] = mapped_column(JSON, server_default="[]")
    grant_types: Mapped[list[str]] = mapped_column(JSON)
    # What its owner chose; what it may request is `scopes`.
    chosen_scopes: Mapped[str] = mapped_column("scopes", String(2000))
    # What it asks for where a request names no scope; empty: the basic ones.
    default_scopes: Mapped[str] = mapped_column(String(2000), server_default="")
    # The admin's limit: what it may request at the most, where one has set that.
    scope_bound: Mapped[str | None] = mapped_column(String(2000))
    # Those without which it does not work: a person cannot remove them from a consent.
    required_scopes: Mapped[str] = mapped_column(String(2000), server_default="")
    # Of the operator's own: people need not be asked.
    is_first_party: Mapped[bool] = mapped_column(server_default=false())
    # An admin lets it ask for scopes that rule the workspace.
    is_trusted: Mapped[bool] = mapped_column(server_default=false())
    # An admin has checked who made it.
    is_verified: Mapped[bool] = mapped_column(server_default=false())
    # An admin lets it go without PKCE: it sends an OpenID Connect nonce instead (RFC 9700 §2.1.1).
    is_pkce_exempt: Mapped[bool] = mapped_column(server_default=false())
    id_token_signed_response_alg: Mapped[str] = mapped_column(String(10), server_default="RS256")
    dpop_bound_access_tokens: Mapped[bool] = mapped_column(server_default=false())
    access_token_lasts: Mapped[int | None]
    refresh_token_idles: Mapped[int | None]
    refresh_token_lasts: Mapped[int | None]
    code_lasts: Mapped[int | None]
    device_code_lasts: Mapped[int | None]
    # The SHA-256 of what manages the registration (RFC 7592), and of what was registered, by
    # which equal registrations of public clients find the same client.
    registration_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    metadata_digest: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    # Until when what its metadata document said holds without asking again.
    document_expires_at: Mapped[int | None] = mapped_column(BigInteger)
    # Until when it may be used past that, while its server does not answer (RFC 9111 §4.2.4).
    document_stale_until: Mapped[int | None] = mapped_column(BigInteger)
    created_at: Mapped[int] = mapped_column(BigInteger)
    last_used_at: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)
    # Since when a ban of one of its hosts applies; removing the ban clears it.
    banned_at: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def scopes(self) -> str:
        """What it may request at this moment."""
        allowed = scopes.allowed(
            self.chosen_scopes, self.scope_bound, is_trusted=bool(self.is_trusted)
        )
        return scopes.render(allowed)

    @property
    def withheld_scopes(self) -> str:
        """What its owner chose, and an admin's limit leaves out."""
        if self.scope_bound is None:
            return ""
        return scopes.render(scopes.parse(self.chosen_scopes) - scopes.parse(self.scope_bound))

    @property
    def kind(self) -> Kind:
        """Whether it can keep a secret (RFC 6749 §2.1)."""
        return "public" if self.is_public else "confidential"


class ClientSecret(Model):
    """One secret of a confidential client: 256 random bits, kept as SHA-256."""

    __tablename__ = "client_secret"

    id: Mapped[int] = mapped_column(primary_key=True)
    client_key: Mapped[int] = mapped_column(
        ForeignKey("client.id", ondelete="CASCADE"), index=True
    )
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    label: Mapped[str] = mapped_column(String(CLIENT_NAME_LENGTH), server_default="")
    last_four: Mapped[str] = mapped_column(String(4))
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int | None] = mapped_column(BigInteger)
    last_used_at: Mapped[int | None] = mapped_column(BigInteger)


CLIENT_ROWS = rows(
    Owner(),
    Via("oauth_grant", "id", key="client_key"),
    Bypass(
        reads=("oauth-clients:viewAll", "scopes:view", "users:viewAll", "users:editAll"),
        writes="oauth-clients:edit",
    ),
    fixed=["owner_id"],
)

_OF_WRITABLE_CLIENT = Via("client", "client_key", CLIENT_ROWS).writing()

CLIENT_SECRET_ROWS = RowPolicy(
    select=_OF_WRITABLE_CLIENT,
    insert=_OF_WRITABLE_CLIENT,
    update=_OF_WRITABLE_CLIENT,
    delete=_OF_WRITABLE_CLIENT,
    changes=(Change("client_key"),),
)
