"""Registrations, and what support and people say about a request."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "registration",
        sa.Column("registration_id", sa.String(length=36), nullable=False),
        sa.Column("browser_digest", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("form", sa.JSON(), nullable=False),
        sa.Column("birth", sa.LargeBinary(), nullable=True),
        sa.Column("password_digest", sa.Text(), nullable=True),
        sa.Column("proven", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("email", sa.String(length=320), nullable=True),
        sa.Column("email_proven_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("login_name", sa.String(length=64), nullable=True),
        sa.Column("client_id", sa.String(length=64), nullable=True),
        sa.Column("terms_version", sa.String(length=64), nullable=True),
        sa.Column("lang", sa.String(length=2), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_by", sa.String(length=200), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.String(length=200), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("token_digest", sa.String(length=64), nullable=True),
        sa.Column("token_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("account_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_registration_account_id")),
        sa.ForeignKeyConstraint(["client_id"], ["client.client_id"], name=op.f("fk_registration_client_id")),
        sa.PrimaryKeyConstraint("registration_id", name=op.f("pk_registration")),
        sa.UniqueConstraint("browser_digest", name=op.f("uq_registration_browser_digest")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_registration_token_digest")),
    )
    op.create_index(op.f("ix_registration_account_id"), "registration", ["account_id"])
    op.create_index(op.f("ix_registration_email"), "registration", ["email"])
    op.create_index(op.f("ix_registration_status"), "registration", ["status"])
    op.create_index(op.f("ix_registration_submitted_at"), "registration", ["submitted_at"])
    op.create_table(
        "desk_message",
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("about", sa.String(length=36), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("message_id", name=op.f("pk_desk_message")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_desk_message_token_digest")),
    )
    op.create_index(op.f("ix_desk_message_about"), "desk_message", ["about"])
    op.create_table(
        "rpps_extract",
        sa.Column("rpps", sa.String(length=11), nullable=False),
        sa.Column("family_name", sa.String(length=200), nullable=False),
        sa.Column("given_name", sa.String(length=200), nullable=False),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("rpps", name=op.f("pk_rpps_extract")),
    )


def downgrade() -> None:
    op.drop_table("rpps_extract")
    op.drop_table("desk_message")
    op.drop_table("registration")
