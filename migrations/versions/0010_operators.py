"""The roles of operators, and the secret that a service had before."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("client", sa.Column("previous_secret_digest", sa.String(length=64), nullable=True))
    op.add_column("client", sa.Column("previous_secret_until", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "operator_role",
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("granted_by", sa.String(length=200), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_operator_role_account_id")),
        sa.PrimaryKeyConstraint("account_id", "role", "scope", name=op.f("pk_operator_role")),
    )


def downgrade() -> None:
    op.drop_table("operator_role")
    op.drop_column("client", "previous_secret_until")
    op.drop_column("client", "previous_secret_digest")
