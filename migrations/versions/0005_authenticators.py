"""Authenticator applications (TOTP) and passkeys."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def _of_credential(table: str) -> tuple[sa.ForeignKeyConstraint, sa.PrimaryKeyConstraint]:
    name = op.f(f"fk_{table}_credential_id")
    return (
        sa.ForeignKeyConstraint(["credential_id"], ["credential.credential_id"], name=name),
        sa.PrimaryKeyConstraint("credential_id", name=op.f(f"pk_{table}")),
    )


def upgrade() -> None:
    op.create_table(
        "totp_secret",
        sa.Column("credential_id", sa.String(length=36), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("blocked_at", sa.DateTime(timezone=True), nullable=True),
        *_of_credential("totp_secret"),
    )
    op.create_table(
        "passkey",
        sa.Column("credential_id", sa.String(length=36), nullable=False),
        sa.Column("webauthn_id", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("is_backup_eligible", sa.Boolean(), nullable=False),
        sa.Column("rp_id", sa.String(length=253), nullable=False),
        sa.Column("transports", sa.JSON(), nullable=False),
        *_of_credential("passkey"),
        sa.UniqueConstraint("webauthn_id", name=op.f("uq_passkey_webauthn_id")),
    )
    op.create_table(
        "user_handle",
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_user_handle_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_user_handle")),
        sa.UniqueConstraint("handle", name=op.f("uq_user_handle_handle")),
    )


def downgrade() -> None:
    # What they prove goes with the tables, and does not come back: without this they would be counted and listed still.
    credential = sa.table("credential", sa.column("kind"), sa.column("revoked_at", sa.DateTime(timezone=True)))
    lost = credential.c.kind.in_(("totp", "passkey")) & credential.c.revoked_at.is_(None)
    op.execute(credential.update().where(lost).values(revoked_at=datetime.now(UTC)))
    op.drop_table("user_handle")
    op.drop_table("passkey")
    op.drop_table("totp_secret")
