"""What people have allowed OAuth clients to do, and the tokens that follow from it.

A grant is one person's consent for one client; each authorization under it starts a family,
and codes and tokens belong to a family. Revoking is one update: of the client, the grant or
the family; nothing below it counts from then on.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.policy import Bypass, Owner, rows
from app.core.rule import NEVER
from app.extensions import Model

_SCOPES = String(2000)
_DIGEST = LargeBinary(32)
_RESOURCE = String(500)
# The SHA-256 thumbprint of a public key, in base64url (RFC 7638).
_THUMBPRINT = String(43)


class Grant(Model):
    """A connected app: the scopes that a person allowed a client.

    One that `is_service` is nobody's consent: with it a client acts for itself, among the rows
    of its owner, who is the grant's user (RFC 6749 §4.4).
    """

    __tablename__ = "oauth_grant"
    __table_args__ = (
        Index(
            "uq_oauth_grant_live",
            "user_id",
            "client_key",
            "is_service",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id", ondelete="CASCADE"))
    client_key: Mapped[int] = mapped_column(
        ForeignKey("client.id", ondelete="CASCADE"), index=True
    )
    is_service: Mapped[bool] = mapped_column(server_default=false())
    scopes: Mapped[str] = mapped_column(_SCOPES)
    created_at: Mapped[int] = mapped_column(BigInteger)
    last_used_at: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)


class Family(Model):
    """One authorization: its code, its refresh tokens one after the other, its access tokens.

    `resource` is what its tokens may be good for (RFC 8707); none means the whole app.
    `auth_time` is when the person had signed in (OpenID Connect Core §2), `jkt` the key that the
    refresh tokens of a public client are bound to (RFC 9449 §5).
    """

    __tablename__ = "token_family"

    id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(
        ForeignKey("oauth_grant.id", ondelete="CASCADE"), index=True
    )
    scopes: Mapped[str] = mapped_column(_SCOPES)
    resource: Mapped[str | None] = mapped_column(_RESOURCE)
    auth_time: Mapped[int | None] = mapped_column(BigInteger)
    jkt: Mapped[str | None] = mapped_column(_THUMBPRINT)
    created_at: Mapped[int] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)


class AuthorizationCode(Model):
    """A code on its way through the browser (RFC 6749 §4.1.2)."""

    __tablename__ = "authorization_code"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's own shape

    digest: Mapped[bytes] = mapped_column(_DIGEST, primary_key=True)
    family_id: Mapped[int] = mapped_column(
        ForeignKey("token_family.id", ondelete="CASCADE"), index=True
    )
    redirect_uri: Mapped[str | None] = mapped_column(String(2000))
    # None only for a client that is exempt from PKCE.
    code_challenge: Mapped[str | None] = mapped_column(String(128))
    nonce: Mapped[str | None] = mapped_column(String(500))
    jkt: Mapped[str | None] = mapped_column(_THUMBPRINT)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
    consumed_at: Mapped[int | None] = mapped_column(BigInteger)


class AccessToken(Model):
    """An access token; revoking one alone deletes it.

    `resource` is what it is good for, which may be less than what its family is.
    """

    __tablename__ = "access_token"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's own shape

    digest: Mapped[bytes] = mapped_column(_DIGEST, primary_key=True)
    family_id: Mapped[int] = mapped_column(
        ForeignKey("token_family.id", ondelete="CASCADE"), index=True
    )
    scopes: Mapped[str] = mapped_column(_SCOPES)
    resource: Mapped[str | None] = mapped_column(_RESOURCE)
    jkt: Mapped[str | None] = mapped_column(_THUMBPRINT)
    issued_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)


class RefreshToken(Model):
    """A refresh token; of one family, at most one is not consumed.

    `answer` is what it was exchanged for, sealed with a key that only the token gives.
    """

    __tablename__ = "refresh_token"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's own shape

    digest: Mapped[bytes] = mapped_column(_DIGEST, primary_key=True)
    family_id: Mapped[int] = mapped_column(
        ForeignKey("token_family.id", ondelete="CASCADE"), index=True
    )
    issued_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
    consumed_at: Mapped[int | None] = mapped_column(BigInteger)
    answer: Mapped[bytes | None] = mapped_column(LargeBinary)


class PushedRequest(Model):
    """An authorization request that a client pushed ahead (RFC 9126)."""

    __tablename__ = "pushed_request"

    digest: Mapped[bytes] = mapped_column(_DIGEST, primary_key=True)
    client_key: Mapped[int] = mapped_column(
        ForeignKey("client.id", ondelete="CASCADE"), index=True
    )
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)


class DeviceAuthorization(Model):
    """A device that waits for a person to allow it (RFC 8628); `interval` is in seconds.

    Once decided, `family_id` tells what was allowed; none is a refusal.
    """

    __tablename__ = "device_authorization"

    digest: Mapped[bytes] = mapped_column(_DIGEST, primary_key=True)
    user_code_digest: Mapped[bytes] = mapped_column(_DIGEST, unique=True)
    client_key: Mapped[int] = mapped_column(
        ForeignKey("client.id", ondelete="CASCADE"), index=True
    )
    scopes: Mapped[str] = mapped_column(_SCOPES)
    resource: Mapped[str | None] = mapped_column(_RESOURCE)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
    interval: Mapped[int]
    polled_at: Mapped[int | None] = mapped_column(BigInteger)
    decided_at: Mapped[int | None] = mapped_column(BigInteger)
    family_id: Mapped[int | None] = mapped_column(
        ForeignKey("token_family.id", ondelete="CASCADE"), index=True
    )
    consumed_at: Mapped[int | None] = mapped_column(BigInteger)


class ConsentRequest(Model):
    """A validated authorization request that waits for its person's decision."""

    __tablename__ = "consent_request"

    id: Mapped[str] = mapped_column(String(43), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
    decided_at: Mapped[int | None] = mapped_column(BigInteger)


GRANT_ROWS = rows(
    Owner("user_id"),
    Bypass(
        reads=(
            "oauth-clients:viewAll",
            "oauth-clients:edit",
            "scopes:view",
            "users:viewAll",
            "users:editAll",
        )
    ),
    insert=NEVER,
    delete=NEVER,
    # One that moved to another client would show that client to its person.
    fixed=["client_key"],
)
