"""The whole authorization server: devices, pushed requests, keys, resources, more of a client.

Revision ID: ee079b833233
Revises: ad5650d22cc4
Create Date: 2026-11-24 15:06:07.141198+00:00
"""

import sqlalchemy as sa
from alembic import op

# What SQLite counts by itself is an INTEGER there.
KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = "ee079b833233"
down_revision = "ad5650d22cc4"
branch_labels = None
depends_on = None

# What every client may ask for besides its scopes, from now on.
IDENTITY = "openid profile email offline_access "
_CLIENT = sa.table("client", sa.column("scopes", sa.String))


def upgrade() -> None:
    """Add the tables and columns."""
    op.create_table(
        "signing_key",
        sa.Column("kid", sa.String(length=43), nullable=False),
        sa.Column("alg", sa.String(length=10), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("public", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_key")),
    )
    op.create_table(
        "switch",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("is_on", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_switch")),
        sa.UniqueConstraint("name", name=op.f("uq_switch_name")),
    )
    op.create_table(
        "used_jti",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_used_jti")),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("used_jti") as batch_op:
        batch_op.create_index(batch_op.f("ix_used_jti_expires_at"), ["expires_at"], unique=False)

    op.create_table(
        "pushed_request",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_key", KEY, nullable=False),
        sa.Column("parameters", sa.JSON(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_key"],
            ["client.id"],
            name=op.f("fk_pushed_request_client_key"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_pushed_request")),
    )
    with op.batch_alter_table("pushed_request") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_pushed_request_client_key"), ["client_key"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_pushed_request_expires_at"), ["expires_at"], unique=False
        )

    op.create_table(
        "resource_server",
        sa.Column("id", KEY, nullable=False),
        sa.Column("identifier", sa.String(length=500), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("client_key", KEY, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_key"],
            ["client.id"],
            name=op.f("fk_resource_server_client_key"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resource_server")),
        sa.UniqueConstraint("identifier", name=op.f("uq_resource_server_identifier")),
    )
    with op.batch_alter_table("resource_server") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_resource_server_client_key"), ["client_key"], unique=False
        )

    op.create_table(
        "device_authorization",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_code_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("client_key", KEY, nullable=False),
        sa.Column("scopes", sa.String(length=2000), nullable=False),
        sa.Column("resource", sa.String(length=500), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("interval", KEY, nullable=False),
        sa.Column("polled_at", sa.BigInteger(), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("family_id", KEY, nullable=True),
        sa.Column("consumed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["client_key"],
            ["client.id"],
            name=op.f("fk_device_authorization_client_key"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["family_id"],
            ["token_family.id"],
            name=op.f("fk_device_authorization_family_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_device_authorization")),
        sa.UniqueConstraint(
            "user_code_digest", name=op.f("uq_device_authorization_user_code_digest")
        ),
    )
    with op.batch_alter_table("device_authorization") as batch_op:
        batch_op.create_index(
            batch_op.f("ix_device_authorization_client_key"), ["client_key"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_device_authorization_expires_at"), ["expires_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_device_authorization_family_id"), ["family_id"], unique=False
        )

    with op.batch_alter_table("access_token") as batch_op:
        batch_op.add_column(sa.Column("jkt", sa.String(length=43), nullable=True))

    with op.batch_alter_table("audit_event") as batch_op:
        batch_op.alter_column(
            "client_id",
            existing_type=sa.VARCHAR(length=64),
            type_=sa.String(length=500),
            existing_nullable=True,
        )
        batch_op.alter_column(
            "subject",
            existing_type=sa.VARCHAR(length=100),
            type_=sa.String(length=500),
            existing_nullable=True,
        )

    with op.batch_alter_table("authorization_code") as batch_op:
        batch_op.add_column(sa.Column("nonce", sa.String(length=500), nullable=True))
        batch_op.add_column(sa.Column("jkt", sa.String(length=43), nullable=True))

    with op.batch_alter_table("client") as batch_op:
        batch_op.add_column(sa.Column("jwks", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("jwks_uri", sa.String(length=2000), nullable=True))
        batch_op.add_column(sa.Column("client_uri", sa.String(length=2000), nullable=True))
        batch_op.add_column(
            sa.Column("post_logout_redirect_uris", sa.JSON(), server_default="[]", nullable=False)
        )
        batch_op.add_column(
            sa.Column("required_scopes", sa.String(length=2000), server_default="", nullable=False)
        )
        batch_op.add_column(
            sa.Column("is_first_party", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column("is_verified", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.add_column(
            sa.Column(
                "id_token_signed_response_alg",
                sa.String(length=10),
                server_default="RS256",
                nullable=False,
            )
        )
        batch_op.add_column(
            sa.Column(
                "dpop_bound_access_tokens", sa.Boolean(), server_default=sa.false(), nullable=False
            )
        )
        batch_op.add_column(sa.Column("access_token_lasts", KEY, nullable=True))
        batch_op.add_column(sa.Column("refresh_token_idles", KEY, nullable=True))
        batch_op.add_column(sa.Column("refresh_token_lasts", KEY, nullable=True))
        batch_op.add_column(sa.Column("code_lasts", KEY, nullable=True))
        batch_op.add_column(sa.Column("device_code_lasts", KEY, nullable=True))
        batch_op.add_column(
            sa.Column("registration_digest", sa.LargeBinary(length=32), nullable=True)
        )
        batch_op.add_column(sa.Column("metadata_digest", sa.LargeBinary(length=32), nullable=True))
        batch_op.add_column(sa.Column("document_expires_at", sa.BigInteger(), nullable=True))
        batch_op.alter_column(
            "client_id",
            existing_type=sa.VARCHAR(length=64),
            type_=sa.String(length=500),
            existing_nullable=False,
        )
        batch_op.create_unique_constraint(
            batch_op.f("uq_client_metadata_digest"), ["metadata_digest"]
        )

    with op.batch_alter_table("client_secret") as batch_op:
        batch_op.add_column(
            sa.Column("label", sa.String(length=80), server_default="", nullable=False)
        )
        batch_op.add_column(sa.Column("expires_at", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("last_used_at", sa.BigInteger(), nullable=True))

    with op.batch_alter_table("oauth_grant") as batch_op:
        batch_op.add_column(
            sa.Column("is_service", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.drop_index(
            batch_op.f("uq_oauth_grant_live"), sqlite_where=sa.text("revoked_at IS NULL")
        )
        batch_op.create_index(
            "uq_oauth_grant_live",
            ["user_id", "client_key", "is_service"],
            unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        )

    with op.batch_alter_table("refresh_token") as batch_op:
        batch_op.add_column(sa.Column("answer", sa.LargeBinary(), nullable=True))

    with op.batch_alter_table("token_family") as batch_op:
        batch_op.add_column(sa.Column("auth_time", sa.BigInteger(), nullable=True))
        batch_op.add_column(sa.Column("jkt", sa.String(length=43), nullable=True))

    op.execute(_CLIENT.update().values(scopes=sa.literal(IDENTITY) + _CLIENT.c.scopes))


def downgrade() -> None:
    """Take them away; what clients did for themselves goes with them."""
    op.execute(_CLIENT.update().values(scopes=sa.func.replace(_CLIENT.c.scopes, IDENTITY, "")))
    op.execute("DELETE FROM oauth_grant WHERE is_service")
    with op.batch_alter_table("token_family") as batch_op:
        batch_op.drop_column("jkt")
        batch_op.drop_column("auth_time")

    with op.batch_alter_table("refresh_token") as batch_op:
        batch_op.drop_column("answer")

    with op.batch_alter_table("oauth_grant") as batch_op:
        batch_op.drop_index(
            "uq_oauth_grant_live",
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        )
        batch_op.create_index(
            "uq_oauth_grant_live",
            ["user_id", "client_key"],
            unique=True,
            sqlite_where=sa.text("revoked_at IS NULL"),
            postgresql_where=sa.text("revoked_at IS NULL"),
        )
        batch_op.drop_column("is_service")

    with op.batch_alter_table("client_secret") as batch_op:
        batch_op.drop_column("last_used_at")
        batch_op.drop_column("expires_at")
        batch_op.drop_column("label")

    with op.batch_alter_table("client") as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_client_metadata_digest"), type_="unique")
        batch_op.alter_column(
            "client_id",
            existing_type=sa.String(length=500),
            type_=sa.VARCHAR(length=64),
            existing_nullable=False,
        )
        batch_op.drop_column("document_expires_at")
        batch_op.drop_column("metadata_digest")
        batch_op.drop_column("registration_digest")
        batch_op.drop_column("device_code_lasts")
        batch_op.drop_column("code_lasts")
        batch_op.drop_column("refresh_token_lasts")
        batch_op.drop_column("refresh_token_idles")
        batch_op.drop_column("access_token_lasts")
        batch_op.drop_column("dpop_bound_access_tokens")
        batch_op.drop_column("id_token_signed_response_alg")
        batch_op.drop_column("is_verified")
        batch_op.drop_column("is_first_party")
        batch_op.drop_column("required_scopes")
        batch_op.drop_column("post_logout_redirect_uris")
        batch_op.drop_column("client_uri")
        batch_op.drop_column("jwks_uri")
        batch_op.drop_column("jwks")

    with op.batch_alter_table("authorization_code") as batch_op:
        batch_op.drop_column("jkt")
        batch_op.drop_column("nonce")

    with op.batch_alter_table("audit_event") as batch_op:
        batch_op.alter_column(
            "subject",
            existing_type=sa.String(length=500),
            type_=sa.VARCHAR(length=100),
            existing_nullable=True,
        )
        batch_op.alter_column(
            "client_id",
            existing_type=sa.String(length=500),
            type_=sa.VARCHAR(length=64),
            existing_nullable=True,
        )

    with op.batch_alter_table("access_token") as batch_op:
        batch_op.drop_column("jkt")

    with op.batch_alter_table("device_authorization") as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_authorization_family_id"))
        batch_op.drop_index(batch_op.f("ix_device_authorization_expires_at"))
        batch_op.drop_index(batch_op.f("ix_device_authorization_client_key"))

    op.drop_table("device_authorization")
    with op.batch_alter_table("resource_server") as batch_op:
        batch_op.drop_index(batch_op.f("ix_resource_server_client_key"))

    op.drop_table("resource_server")
    with op.batch_alter_table("pushed_request") as batch_op:
        batch_op.drop_index(batch_op.f("ix_pushed_request_expires_at"))
        batch_op.drop_index(batch_op.f("ix_pushed_request_client_key"))

    op.drop_table("pushed_request")
    with op.batch_alter_table("used_jti") as batch_op:
        batch_op.drop_index(batch_op.f("ix_used_jti_expires_at"))

    op.drop_table("used_jti")
    op.drop_table("switch")
    op.drop_table("signing_key")
