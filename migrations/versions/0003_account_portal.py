"""The account portal: what is known of each means of authentication, login links, pictures."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("credential", sa.Column("name", sa.String(length=64), nullable=True))
    op.add_column(
        "credential", sa.Column("enrolled_assurance", sa.String(length=16), nullable=False, server_default="LOW")
    )
    op.add_column("credential", sa.Column("last_used_at", INSTANT, nullable=True))
    op.create_table(
        "login_link",
        sa.Column("link_id", sa.String(length=36), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("method", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("last_used_at", INSTANT, nullable=True),
        sa.Column("revoked_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_login_link_account_id")),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_login_link")),
    )
    op.create_index(op.f("ix_login_link_account_id"), "login_link", ["account_id"], unique=False)
    live = sa.text("revoked_at IS NULL")
    op.create_index(
        "uq_login_link_one_live",
        "login_link",
        ["account_id", "method"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_table(
        "picture",
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("media_type", sa.String(length=32), nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("updated_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_picture_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_picture")),
    )


def downgrade() -> None:
    op.drop_table("picture")
    op.drop_table("login_link")
    for column in ("last_used_at", "enrolled_assurance", "name"):
        op.drop_column("credential", column)
