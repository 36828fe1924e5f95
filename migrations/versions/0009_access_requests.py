"""Access requests, what services ask of them, and the roles that an entitlement carries."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_access",
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("region_approves", sa.Boolean(), nullable=False),
        sa.Column("service_approves", sa.Boolean(), nullable=False),
        sa.Column("fields", sa.JSON(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("terms_version", sa.String(length=64), nullable=True),
        sa.Column("terms_uri", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["client.client_id"], name=op.f("fk_service_access_client_id")),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_service_access")),
    )
    op.create_table(
        "access_request",
        sa.Column("request_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("step", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("terms_version", sa.String(length=64), nullable=True),
        sa.Column("lang", sa.String(length=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_by", sa.String(length=200), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approvals", sa.JSON(), nullable=False),
        sa.Column("decided_by", sa.String(length=200), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_access_request_account_id")),
        sa.ForeignKeyConstraint(["client_id"], ["client.client_id"], name=op.f("fk_access_request_client_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_access_request")),
    )
    op.create_index(op.f("ix_access_request_account_id"), "access_request", ["account_id"])
    op.create_index(op.f("ix_access_request_client_id"), "access_request", ["client_id"])
    op.create_index(op.f("ix_access_request_created_at"), "access_request", ["created_at"])
    op.create_index(op.f("ix_access_request_status"), "access_request", ["status"])
    op.create_index(
        "uq_access_request_one_open",
        "access_request",
        ["account_id", "client_id"],
        unique=True,
        sqlite_where=sa.text("status = 'OPEN'"),
        postgresql_where=sa.text("status = 'OPEN'"),
    )
    op.add_column("entitlement", sa.Column("roles", sa.JSON(), server_default="[]", nullable=False))
    op.add_column("entitlement", sa.Column("expiry_told_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("entitlement", "expiry_told_at")
    op.drop_column("entitlement", "roles")
    op.drop_table("access_request")
    op.drop_table("service_access")
