"""Hosts that admins ban, and which clients that stops.

Revision ID: c4b1e07d5a38
Revises: 3b8f5d1c7a24
Create Date: 2026-12-01 14:40:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "c4b1e07d5a38"
down_revision = "3b8f5d1c7a24"
branch_labels = None
depends_on = None

# What SQLite counts by itself is an INTEGER there.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table and the columns."""
    op.create_table(
        "banned_host",
        sa.Column("id", KEY, nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_banned_host")),
        sa.UniqueConstraint("host", name=op.f("uq_banned_host_host")),
    )
    op.add_column("client", sa.Column("banned_at", sa.BigInteger(), nullable=True))
    op.add_column("client", sa.Column("document_stale_until", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Remove them; clients of banned hosts are revoked, since nothing else stops them then."""
    op.execute(
        "UPDATE client SET revoked_at = banned_at "
        "WHERE banned_at IS NOT NULL AND revoked_at IS NULL"
    )
    # Not in a batch: that makes the table anew, and what hangs on a client would go with the old.
    op.drop_column("client", "document_stale_until")
    op.drop_column("client", "banned_at")
    op.drop_table("banned_host")
