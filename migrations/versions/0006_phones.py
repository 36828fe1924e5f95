"""Phones that approve a login, and the cookies by which they are remembered."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "phone",
        sa.Column("credential_id", sa.String(length=36), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("pin_digest", sa.Text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["credential_id"], ["credential.credential_id"], name=op.f("fk_phone_credential_id")),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_phone")),
        sa.UniqueConstraint("public_key", name=op.f("uq_phone_public_key")),
    )
    op.create_table(
        "phone_cookie",
        sa.Column("cookie_digest", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.String(length=36), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["credential_id"], ["credential.credential_id"], name=op.f("fk_phone_cookie_credential_id")
        ),
        sa.PrimaryKeyConstraint("cookie_digest", name=op.f("pk_phone_cookie")),
    )
    op.create_index(op.f("ix_phone_cookie_credential_id"), "phone_cookie", ["credential_id"])


def downgrade() -> None:
    # Their keys go with the table, and do not come back: without this they would be counted and listed still.
    credential = sa.table("credential", sa.column("kind"), sa.column("revoked_at", sa.DateTime(timezone=True)))
    lost = (credential.c.kind == "phone") & credential.c.revoked_at.is_(None)
    op.execute(credential.update().where(lost).values(revoked_at=datetime.now(UTC)))
    op.drop_table("phone_cookie")
    op.drop_table("phone")
