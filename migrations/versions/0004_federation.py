"""Other OpenID providers as a means to sign in."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

# Before federations, any session, and any use of a credential or of a card, was a login by means of the account's own.
SIGNED_IN = """
    UPDATE account SET signed_in_at = COALESCE(
        (SELECT MIN(last_used_at) FROM credential WHERE credential.account_id = account.account_id),
        (SELECT MIN(last_used_at) FROM login_link WHERE login_link.account_id = account.account_id),
        (SELECT MIN(created_at) FROM session WHERE session.account_id = account.account_id),
        (SELECT MIN(last_seen_at) FROM known_browser WHERE known_browser.account_id = account.account_id)
    )
"""


def upgrade() -> None:
    op.add_column("account", sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("account", sa.Column("identity_dropped_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(SIGNED_IN)
    national = sa.text("kind IN ('rpps', 'adeli', 'employee')")
    op.create_index(
        "uq_identity_one_national",
        "identity",
        ["account_id", "kind"],
        unique=True,
        sqlite_where=national,
        postgresql_where=national,
    )
    op.create_table(
        "upstream_session",
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("method", sa.String(length=64), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sub_digest", sa.String(length=64), nullable=False),
        sa.Column("sid_digest", sa.String(length=64), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(  # the release before purges sessions, and does not know of this
            ["session_id"],
            ["session.session_id"],
            name=op.f("fk_upstream_session_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", "method", name=op.f("pk_upstream_session")),
    )
    op.create_index(op.f("ix_upstream_session_sub_digest"), "upstream_session", ["sub_digest"], unique=False)
    op.create_index(op.f("ix_upstream_session_sid_digest"), "upstream_session", ["sid_digest"], unique=False)
    op.create_table(
        "practice",
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("origin", sa.String(length=64), nullable=False),
        sa.Column("claims", sa.JSON(), nullable=False),
        sa.Column("asserted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_practice_account_id")),
        sa.PrimaryKeyConstraint("account_id", "origin", name=op.f("pk_practice")),
    )


def downgrade() -> None:
    op.drop_index("uq_identity_one_national", table_name="identity")
    op.drop_column("account", "identity_dropped_at")
    op.drop_column("account", "signed_in_at")
    op.drop_table("practice")
    op.drop_table("upstream_session")
