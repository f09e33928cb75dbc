"""What people have allowed OAuth clients to do, and the tokens that follow from it.

A grant is one person's consent for one client; each authorization under it starts a family,
and codes and tokens belong to a family. Revoking is one update: of the client, the grant or
the family; nothing below it counts from then on.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.policy import Bypass, Owner, RowPolicy, Via, both, either
from app.extensions import Model

_SCOPES = String(2000)
_DIGEST = LargeBinary(32)
_RESOURCE = String(500)


class Grant(Model):
    """A connected app: the scopes that a person allowed a client."""

    __tablename__ = "oauth_grant"
    __table_args__ = (
        Index(
            "uq_oauth_grant_live",
            "user_id",
            "client_key",
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
    scopes: Mapped[str] = mapped_column(_SCOPES)
    created_at: Mapped[int] = mapped_column(BigInteger)
    last_used_at: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)


class Family(Model):
    """One authorization: its code, its refresh tokens one after the other, its access tokens.

    `resource` is what its tokens may be good for (RFC 8707); none means the whole app.
    """

    __tablename__ = "token_family"

    id: Mapped[int] = mapped_column(primary_key=True)
    grant_id: Mapped[int] = mapped_column(
        ForeignKey("oauth_grant.id", ondelete="CASCADE"), index=True
    )
    scopes: Mapped[str] = mapped_column(_SCOPES)
    resource: Mapped[str | None] = mapped_column(_RESOURCE)
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
    code_challenge: Mapped[str] = mapped_column(String(128))
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
    issued_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)


class RefreshToken(Model):
    """A refresh token; of one family, at most one is not consumed."""

    __tablename__ = "refresh_token"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's own shape

    digest: Mapped[bytes] = mapped_column(_DIGEST, primary_key=True)
    family_id: Mapped[int] = mapped_column(
        ForeignKey("token_family.id", ondelete="CASCADE"), index=True
    )
    issued_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
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


GRANT_ROWS = RowPolicy(
    select=either(Owner("user_id"), Bypass("oauth-clients:viewAll"), Bypass("oauth-clients:edit")),
    # The client too: a grant that moved to another client would show that one to its person.
    update=both(Owner("user_id"), Via("client", "client_key")),
)
