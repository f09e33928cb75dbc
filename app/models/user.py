"""People, their passwords and their sign-ins."""

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, false
from sqlalchemy.orm import Mapped, mapped_column

from app.core.policy import Bypass, Owner, RowPolicy, either
from app.extensions import Model

EMAIL_LENGTH = 254
NAME_LENGTH = 80


class User(Model):
    """A person with an account. Times are in seconds since the epoch, here and in each table."""

    __tablename__ = "user_account"
    # Without it SQLite gives the number of a deleted row to the next one.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012 - SQLAlchemy's own shape

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH), unique=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    created_at: Mapped[int] = mapped_column(BigInteger)
    suspended_at: Mapped[int | None] = mapped_column(BigInteger)


class Password(Model):
    """A person's argon2id hash; a table of its own, out of every procedure's sight."""

    __tablename__ = "password"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True
    )
    hash: Mapped[str] = mapped_column(String(200))


class Login(Model):
    """One signed-in browser; without the row its cookie is worth nothing."""

    __tablename__ = "login"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's own shape

    digest: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)
    user_agent: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(45))


class Guess(Model):
    """One attempt at a password; what throttling counts."""

    __tablename__ = "guess"

    id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(80), index=True)
    at: Mapped[int] = mapped_column(BigInteger, index=True)


class Role(Model):
    """A named set of scopes."""

    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40), unique=True)
    is_default: Mapped[bool] = mapped_column(server_default=false())


class RoleScope(Model):
    """One scope of a role."""

    __tablename__ = "role_scope"

    role_id: Mapped[int] = mapped_column(
        ForeignKey("role.id", ondelete="CASCADE"), primary_key=True
    )
    scope: Mapped[str] = mapped_column(String(80), primary_key=True)


class UserRole(Model):
    """One role of a person."""

    __tablename__ = "user_role"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), primary_key=True
    )
    role_id: Mapped[int] = mapped_column(
        ForeignKey("role.id", ondelete="CASCADE"), primary_key=True
    )


USER_ROWS = RowPolicy(select=either(Owner("id"), Bypass("oauth-clients:viewAll")))
