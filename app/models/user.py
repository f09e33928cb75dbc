"""People, their passwords and their sign-ins."""

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, false
from sqlalchemy.orm import Mapped, mapped_column

from app.core.policy import Bypass, Gated, Owner, Via, rows
from app.core.rule import NEVER
from app.extensions import Model

EMAIL_LENGTH = 254
NAME_LENGTH = 80
EXTERNAL_ID_LENGTH = 200
ROLE_NAME_LENGTH = 40
ROLE_DESCRIPTION_LENGTH = 200


class User(Model):
    """A person with an account. Times are in seconds since the epoch, here and in each table."""

    __tablename__ = "user_account"
    __table_args__ = (
        Index("ix_user_account_external_id", "external_id", unique=True),
        # Without it SQLite gives the number of a deleted row to the next one.
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH), unique=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    # What another system calls them.
    external_id: Mapped[str | None] = mapped_column(String(EXTERNAL_ID_LENGTH))
    created_at: Mapped[int] = mapped_column(BigInteger)
    last_seen_at: Mapped[int | None] = mapped_column(BigInteger)
    suspended_at: Mapped[int | None] = mapped_column(BigInteger)


class Password(Model):
    """A person's argon2id hash; a table of its own, out of every procedure's sight.

    An imported one of another library stays until its owner signs in.
    """

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
    """A named set of scopes; new accounts get the default one.

    The one that `is_admin` keeps every scope that rules the workspace, and somebody always has
    it: or nobody could give it back.
    """

    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(ROLE_NAME_LENGTH), unique=True)
    description: Mapped[str] = mapped_column(String(ROLE_DESCRIPTION_LENGTH), server_default="")
    is_default: Mapped[bool] = mapped_column(server_default=false())
    is_admin: Mapped[bool] = mapped_column(server_default=false())


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


USER_ROWS = rows(
    Owner("id", writes=False),
    # Of whom one sees that they are in one's organizations.
    Via("membership", "id", key="user_id"),
    Bypass(
        reads=(
            "users:viewAll",
            "users:viewRoles",
            "users:editRoles",
            "oauth-clients:viewAll",
            "oauth-clients:edit",
            "orgs:viewAll",
            "orgs:manageMembers",
        ),
        writes="users:editAll",
    ),
    insert=NEVER,
)
LOGIN_ROWS = rows(
    Owner("user_id"),
    Bypass(reads="users:viewAll", writes="users:editAll"),
    insert=NEVER,
    delete=NEVER,
    fixed=["user_id", "digest"],
)
_READ_BY_ADMINS = (
    "roles:view",
    "scopes:view",
    "users:viewAll",
    "users:viewRoles",
    "users:editAll",
)

ROLE_ROWS = rows(Gated(reads=(*_READ_BY_ADMINS, "users:editRoles"), writes="roles:edit"))
ROLE_SCOPE_ROWS = ROLE_ROWS
USER_ROLE_ROWS = rows(
    Owner("user_id", writes=False),
    Gated(reads=(*_READ_BY_ADMINS, "roles:edit"), writes="users:editRoles"),
    fixed=["user_id", "role_id"],
)
