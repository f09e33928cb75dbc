"""An invitation is deleted with the account that sent it.

Revision ID: 3b8f5d1c7a24
Revises: 7d2e4c8a9b16
Create Date: 2026-12-01 14:30:00.000000+00:00
"""

from alembic import op

revision = "3b8f5d1c7a24"
down_revision = "7d2e4c8a9b16"
branch_labels = None
depends_on = None

_NAME = "fk_invitation_created_by"


def upgrade() -> None:
    """Delete them by the foreign key."""
    _refer("CASCADE")


def downgrade() -> None:
    """Keep them, without a sender."""
    _refer("SET NULL")


def _refer(on_delete: str) -> None:
    options = {"sqlite_autoincrement": True}
    with op.batch_alter_table("invitation", table_kwargs=options) as batch_op:
        batch_op.drop_constraint(_NAME, type_="foreignkey")
        batch_op.create_foreign_key(
            _NAME, "user_account", ["created_by"], ["id"], ondelete=on_delete
        )
