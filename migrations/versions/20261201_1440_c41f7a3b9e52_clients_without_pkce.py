"""Confidential clients that an admin exempts from PKCE.

Revision ID: c41f7a3b9e52
Revises: c4b1e07d5a38
Create Date: 2026-12-01 14:40:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "c41f7a3b9e52"
down_revision = "c4b1e07d5a38"
branch_labels = None
depends_on = None

CHALLENGE = sa.String(length=128)


def upgrade() -> None:
    """Add the exemption; a code of such a client has no challenge."""
    off = sa.Column("is_pkce_exempt", sa.Boolean(), server_default=sa.false(), nullable=False)
    op.add_column("client", off)
    with op.batch_alter_table(
        "authorization_code", table_kwargs={"sqlite_with_rowid": False}
    ) as code:
        code.alter_column("code_challenge", existing_type=CHALLENGE, nullable=True)


def downgrade() -> None:
    """Remove it; a code without a challenge is lost, and lives for a minute at most."""
    code_challenge = sa.column("code_challenge")
    op.execute(sa.delete(sa.table("authorization_code")).where(code_challenge.is_(None)))
    with op.batch_alter_table(
        "authorization_code", table_kwargs={"sqlite_with_rowid": False}
    ) as code:
        code.alter_column("code_challenge", existing_type=CHALLENGE, nullable=False)
    op.drop_column("client", "is_pkce_exempt")
