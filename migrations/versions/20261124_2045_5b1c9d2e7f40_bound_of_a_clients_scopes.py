"""What a client asks for by default, and what an admin lets it ask for at the most.

Revision ID: 5b1c9d2e7f40
Revises: ee079b833233
Create Date: 2026-11-24 20:45:11.302715+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "5b1c9d2e7f40"
down_revision = "ee079b833233"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns."""
    default = sa.Column("default_scopes", sa.String(2000), server_default="", nullable=False)
    op.add_column("client", default)
    op.add_column("client", sa.Column("scope_bound", sa.String(length=2000), nullable=True))


def downgrade() -> None:
    """Remove them."""
    # Not in a batch: that makes the table anew, and what hangs on a client would go with the old.
    op.drop_column("client", "scope_bound")
    op.drop_column("client", "default_scopes")
