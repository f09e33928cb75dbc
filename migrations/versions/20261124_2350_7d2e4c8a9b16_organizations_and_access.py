"""Organizations, teams, projects and invitations; roles that admins edit; who may sign up.

Revision ID: 7d2e4c8a9b16
Revises: 5b1c9d2e7f40
Create Date: 2026-11-24 23:50:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "7d2e4c8a9b16"
down_revision = "5b1c9d2e7f40"
branch_labels = None
depends_on = None

# What SQLite counts by itself is an INTEGER there.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

MEMBER = (
    "projects:view",
    "projects:edit",
    "teams:view",
    "teams:edit",
    "organizations:view",
    "organizations:edit",
    "settings:view",
)
ADMIN = (
    *MEMBER,
    "settings:edit",
    "users:viewAll",
    "users:editAll",
    "users:viewRoles",
    "users:editRoles",
    "roles:view",
    "roles:edit",
    "scopes:view",
    "orgs:viewAll",
    "orgs:edit",
    "orgs:manageMembers",
    "access:edit",
    "metrics:view",
)
COLUMNS = {
    "user_account": ("external_id", "last_seen_at"),
    "role": ("description", "is_admin"),
    "client": ("is_trusted",),
}


def upgrade() -> None:
    """Add the tables, the columns, and what the roles may do with them."""
    _make_organizations()
    _make_projects()
    op.create_table(
        "workspace",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("welcome", sa.String(length=500), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspace")),
    )
    op.create_table(
        "access_setting",
        sa.Column("id", KEY, nullable=False),
        sa.Column("access", sa.String(length=20), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_setting")),
    )
    _add_columns()
    _fill()


def downgrade() -> None:
    """Remove them; tasks stay with their owners."""
    op.drop_index(op.f("ix_task_team_id_id"), "task")
    op.drop_index(op.f("ix_user_account_external_id"), "user_account")
    with op.batch_alter_table("task", table_kwargs={"sqlite_autoincrement": True}) as task:
        task.drop_column("team_id")
    for table, columns in COLUMNS.items():
        for column in columns:
            op.drop_column(table, column)
    for table in (
        "access_setting",
        "workspace",
        "project",
        "invitation",
        "team_member",
        "team",
        "membership",
        "organization",
    ):
        op.drop_table(table)
    # What is gone cannot be named by a role; what a person granted of it opens nothing.
    role_scope = sa.table("role_scope", sa.column("scope"))
    op.execute(sa.delete(role_scope).where(role_scope.c.scope.in_(ADMIN)))


def _make_organizations() -> None:
    op.create_table(
        "organization",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organization")),
        sa.UniqueConstraint("domain", name=op.f("uq_organization_domain")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "membership",
        sa.Column("id", KEY, nullable=False),
        sa.Column("organization_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("standing", sa.String(length=10), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        _refers("membership", "organization_id", "organization"),
        _refers("membership", "user_id", "user_account"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint(
            "organization_id", "user_id", name=op.f("uq_membership_organization_id_user_id")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_membership_user_id"), "membership", ["user_id"])
    op.create_table(
        "team",
        sa.Column("id", KEY, nullable=False),
        sa.Column("organization_id", KEY, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        _refers("team", "organization_id", "organization"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
        sa.UniqueConstraint("organization_id", "name", name=op.f("uq_team_organization_id_name")),
        sa.UniqueConstraint("id", "organization_id", name=op.f("uq_team_id_organization_id")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "team_member",
        sa.Column("id", KEY, nullable=False),
        sa.Column("team_id", KEY, nullable=False),
        sa.Column("organization_id", KEY, nullable=False),
        sa.Column("user_id", KEY, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id", "organization_id"],
            ["team.id", "team.organization_id"],
            name=op.f("fk_team_member_team_id_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["organization_id", "user_id"],
            ["membership.organization_id", "membership.user_id"],
            name=op.f("fk_team_member_organization_id_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_member")),
        sa.UniqueConstraint("team_id", "user_id", name=op.f("uq_team_member_team_id_user_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_team_member_user_id"), "team_member", ["user_id"])


def _make_projects() -> None:
    op.create_table(
        "invitation",
        sa.Column("id", KEY, nullable=False),
        sa.Column("organization_id", KEY, nullable=True),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("standing", sa.String(length=10), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_by", KEY, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        _refers("invitation", "organization_id", "organization"),
        _refers("invitation", "created_by", "user_account", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitation_digest")),
        sqlite_autoincrement=True,
    )
    for column in ("organization_id", "created_by", "expires_at"):
        op.create_index(op.f(f"ix_invitation_{column}"), "invitation", [column])
    op.create_table(
        "project",
        sa.Column("id", KEY, nullable=False),
        sa.Column("organization_id", KEY, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("description", sa.String(length=500), server_default="", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        _refers("project", "organization_id", "organization"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_project")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_project_organization_id_id"), "project", ["organization_id", "id"])


def _add_columns() -> None:
    with op.batch_alter_table("task", table_kwargs={"sqlite_autoincrement": True}) as task:
        task.add_column(sa.Column("team_id", KEY, nullable=True))
        task.create_foreign_key(
            op.f("fk_task_team_id"), "team", ["team_id"], ["id"], ondelete="SET NULL"
        )
    op.create_index(op.f("ix_task_team_id_id"), "task", ["team_id", "id"])
    op.add_column("user_account", sa.Column("external_id", sa.String(length=200), nullable=True))
    op.add_column("user_account", sa.Column("last_seen_at", sa.BigInteger(), nullable=True))
    op.create_index(
        op.f("ix_user_account_external_id"), "user_account", ["external_id"], unique=True
    )
    for table, column in (("role", "is_admin"), ("client", "is_trusted")):
        off = sa.Column(column, sa.Boolean(), server_default=sa.false(), nullable=False)
        op.add_column(table, off)
    op.add_column(
        "role", sa.Column("description", sa.String(length=200), server_default="", nullable=False)
    )


def _fill() -> None:
    role = sa.table("role", *map(sa.column, ("id", "name", "is_default", "is_admin")))
    role_scope = sa.table("role_scope", sa.column("role_id"), sa.column("scope"))
    op.execute(sa.update(role).where(role.c.name == "Admin").values(is_admin=sa.true()))
    for condition, scopes in ((role.c.is_default, MEMBER), (role.c.name == "Admin", ADMIN)):
        for scope in scopes:
            held = sa.select(role.c.id, sa.literal(scope)).where(condition)
            op.execute(sa.insert(role_scope).from_select(["role_id", "scope"], held))
    workspace = sa.table("workspace", sa.column("id"), sa.column("name"))
    op.execute(sa.insert(workspace).values(id=1, name="Latchkey"))
    op.execute(sa.insert(sa.table("access_setting", sa.column("id"))).values(id=1))


def _refers(
    table: str, column: str, to: str, ondelete: str = "CASCADE"
) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )
