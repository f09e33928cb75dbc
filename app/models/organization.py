"""Organizations: who is in them, their teams, their projects, and who is invited."""

from typing import Literal

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column
from typing_extensions import TypeAliasType

from app.core import policy
from app.core.policy import Bypass, Change, Owner, rows
from app.core.rule import NEVER, Circle, Own, either, held
from app.extensions import Model
from app.models.user import EMAIL_LENGTH

NAME_LENGTH = 80
DESCRIPTION_LENGTH = 500
DOMAIN_LENGTH = 253

# What a person is in an organization; a manager looks after it.
Standing = TypeAliasType("Standing", Literal["member", "manager"])
MANAGER: Standing = "manager"

_AUTOINCREMENT = {"sqlite_autoincrement": True}


class Organization(Model):
    """People who share projects and teams.

    Who has an address at its `domain` may join it, where the workspace lets organizations say so.
    """

    __tablename__ = "organization"
    __table_args__ = _AUTOINCREMENT

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    domain: Mapped[str | None] = mapped_column(String(DOMAIN_LENGTH), unique=True)
    created_at: Mapped[int] = mapped_column(BigInteger)


class Membership(Model):
    """A person in an organization, and what they are there."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("organization_id", "user_id"), _AUTOINCREMENT)

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    standing: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[int] = mapped_column(BigInteger)


class Team(Model):
    """Some members of an organization, who share tasks."""

    __tablename__ = "team"
    __table_args__ = (
        UniqueConstraint("organization_id", "name"),
        # What a team's members refer to: they are of its organization.
        UniqueConstraint("id", "organization_id"),
        _AUTOINCREMENT,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    created_at: Mapped[int] = mapped_column(BigInteger)


class TeamMember(Model):
    """A person in a team: a member of its organization, and no longer than that."""

    __tablename__ = "team_member"
    __table_args__ = (
        UniqueConstraint("team_id", "user_id"),
        ForeignKeyConstraint(
            ["team_id", "organization_id"],
            ["team.id", "team.organization_id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["membership.organization_id", "membership.user_id"],
            ondelete="CASCADE",
        ),
        _AUTOINCREMENT,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int]
    organization_id: Mapped[int]
    user_id: Mapped[int] = mapped_column(index=True)
    created_at: Mapped[int] = mapped_column(BigInteger)


class Invitation(Model):
    """An invitation to the workspace, and mostly to an organization; its token is kept hashed."""

    __tablename__ = "invitation"
    __table_args__ = _AUTOINCREMENT

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int | None] = mapped_column(
        ForeignKey("organization.id", ondelete="CASCADE"), index=True
    )
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    standing: Mapped[str] = mapped_column(String(10))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    # Without it, somebody asked for the invitation themselves.
    created_by: Mapped[int | None] = mapped_column(
        ForeignKey("user_account.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[int] = mapped_column(BigInteger)
    expires_at: Mapped[int] = mapped_column(BigInteger, index=True)
    accepted_at: Mapped[int | None] = mapped_column(BigInteger)
    revoked_at: Mapped[int | None] = mapped_column(BigInteger)


class Project(Model):
    """Something that an organization works on."""

    __tablename__ = "project"
    __table_args__ = (
        Index("ix_project_organization_id_id", "organization_id", "id"),
        _AUTOINCREMENT,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organization_id: Mapped[int] = mapped_column(ForeignKey("organization.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(NAME_LENGTH))
    description: Mapped[str] = mapped_column(String(DESCRIPTION_LENGTH), server_default="")
    created_at: Mapped[int] = mapped_column(BigInteger)


_ANY = Bypass(
    reads=("orgs:viewAll", "users:viewAll", "users:editAll"),
    writes=("orgs:manageMembers", "orgs:edit"),
)
_READ_BY_MEMBERS = ("organizations:view", "teams:view", "teams:edit")

_OF_ADMINS = held("orgs:edit")

ORGANIZATION_ROWS = rows(
    policy.Organization(
        column="id",
        reads=(*_READ_BY_MEMBERS, "projects:view", "projects:edit"),
        writes="organizations:edit",
        writers=Circle.MANAGED,
    ),
    _ANY,
    insert=_OF_ADMINS,
    delete=_OF_ADMINS,
    # Whoever has an address at it may join: no manager says which it is.
    changes=[Change("domain", before=_OF_ADMINS, after=_OF_ADMINS)],
)
_MEMBERS = policy.Organization(
    reads=_READ_BY_MEMBERS, writes="organizations:edit", writers=Circle.MANAGED
)
MEMBERSHIP_ROWS = rows(
    Owner("user_id", writes=False),
    _MEMBERS,
    _ANY,
    # Whoever wants to leave may.
    delete=either(Own("user_id"), _MEMBERS.writing(), _ANY.writing()),
    fixed=["organization_id", "user_id"],
)
_TEAMS = policy.Organization(
    reads=("teams:view", "organizations:view", "organizations:edit"),
    writes="teams:edit",
    writers=Circle.MANAGED,
)
TEAM_ROWS = rows(_TEAMS, _ANY, fixed=["organization_id"])
TEAM_MEMBER_ROWS = rows(Owner("user_id", writes=False), _TEAMS, _ANY, update=NEVER)
INVITATION_ROWS = rows(
    policy.Organization(
        reads=(),
        writes="organizations:edit",
        readers=Circle.MANAGED,
        writers=Circle.MANAGED,
    ),
    Bypass(
        reads=("orgs:viewAll", "users:viewAll"), writes=("orgs:manageMembers", "users:editAll")
    ),
    fixed=["organization_id", "email", "digest"],
)
PROJECT_ROWS = rows(
    policy.Organization(reads="projects:view", writes="projects:edit"),
    Bypass(reads=("orgs:viewAll", "orgs:edit")),
    fixed=["organization_id"],
)
