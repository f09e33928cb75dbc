"""Scopes that open others' rows are admin scopes; scopes that grant nothing leave the roles.

Revision ID: c4a1f07d93be
Revises: c41f7a3b9e52
Create Date: 2026-12-01 15:00:00.000000+00:00
"""

import sqlalchemy as sa
from alembic import op

revision = "c4a1f07d93be"
down_revision = "c41f7a3b9e52"
branch_labels = None
depends_on = None

# Admins have every scope that needs their trust before a client may get it.
ADDED = ("tasks:viewAll", "settings:edit")
# No procedure requires them.
REMOVED = ("audit:view", "metrics:view")
_ADD = sa.text(
    "INSERT INTO role_scope (role_id, scope) SELECT id, :scope FROM role WHERE is_admin "
    "AND NOT EXISTS (SELECT 1 FROM role_scope WHERE role_id = role.id AND scope = :scope)"
)
_REMOVE = sa.text("DELETE FROM role_scope WHERE scope = :scope")


def upgrade() -> None:
    """Give the admins' roles what they lack, and take from each role what grants nothing."""
    for scope in ADDED:
        op.execute(_ADD.bindparams(scope=scope))
    for scope in REMOVED:
        op.execute(_REMOVE.bindparams(scope=scope))


def downgrade() -> None:
    """Give the admins' roles what they had; what they were given stays."""
    for scope in REMOVED:
        op.execute(_ADD.bindparams(scope=scope))
