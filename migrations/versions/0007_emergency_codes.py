"""Emergency codes."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

LIVE = sa.text("used_at IS NULL AND revoked_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "emergency_code",
        sa.Column("code_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("issued_by", sa.String(length=200), nullable=False),
        sa.Column("told", sa.String(length=320), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_emergency_code_account_id")),
        sa.PrimaryKeyConstraint("code_id", name=op.f("pk_emergency_code")),
    )
    op.create_index(op.f("ix_emergency_code_account_id"), "emergency_code", ["account_id"])
    op.create_index(
        "uq_emergency_code_one_live",
        "emergency_code",
        ["account_id"],
        unique=True,
        sqlite_where=LIVE,
        postgresql_where=LIVE,
    )


def downgrade() -> None:
    op.drop_table("emergency_code")
