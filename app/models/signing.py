"""What the authorization server signs with, what it signs for, and which proofs it has seen."""

import time
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core.policy import Gated, rows
from app.extensions import Model

IDENTIFIER_LENGTH = 500
# The switch by which admins let clients register themselves.
REGISTRATION = "registration"


class SigningKey(Model):
    """A private key, sealed, and its public half, which is published until its tokens are gone."""

    __tablename__ = "signing_key"

    kid: Mapped[str] = mapped_column(String(43), primary_key=True)
    alg: Mapped[str] = mapped_column(String(10))
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    public: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[int] = mapped_column(BigInteger)
    retired_at: Mapped[int | None] = mapped_column(BigInteger)


class UsedJti(Model):
    """The id of a proof or an assertion, which counts once (RFC 9449 §11.1, RFC 7523 §3)."""

    __tablename__ = "used_jti"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's own shape

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)


def probe_writes(session: Session) -> None:
    """Change a row that nobody reads: whether the database takes changes at all."""
    session.merge(UsedJti(digest=b"readiness".ljust(32, b"\0"), expires_at=int(time.time())))


class ResourceServer(Model):
    """A resource of somebody else's: it verifies JWT access tokens by itself (RFC 9068).

    Its client, where it has one, may introspect the tokens that are for it (RFC 7662).
    """

    __tablename__ = "resource_server"

    id: Mapped[int] = mapped_column(primary_key=True)
    identifier: Mapped[str] = mapped_column(String(IDENTIFIER_LENGTH), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    client_key: Mapped[int | None] = mapped_column(
        ForeignKey("client.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[int] = mapped_column(BigInteger)


class Switch(Model):
    """What admins turn on and off while the app runs."""

    __tablename__ = "switch"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    is_on: Mapped[bool]


RESOURCE_SERVER_ROWS = rows(Gated(reads="oauth-clients:viewAll", writes="oauth-clients:edit"))
SWITCH_ROWS = RESOURCE_SERVER_ROWS
