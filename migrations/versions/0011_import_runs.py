"""Files of accounts that are imported in runs; lists of people by name."""

import sqlalchemy as sa
from alembic import op

from idp.domain.account import name_key

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

BATCH = 1000
# The same order on every server, whatever the locale of its database.
NAME_KEY = sa.String(length=420).with_variant(sa.String(length=420, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "import_run",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("file_digest", sa.String(length=64), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("accounts", sa.Integer(), nullable=False),
        sa.Column("staged_line", sa.Integer(), nullable=False),
        sa.Column("switched_line", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(length=200), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_import_run")),
    )
    op.create_index(
        "uq_import_run_file_once",
        "import_run",
        ["file_digest"],
        unique=True,
        sqlite_where=sa.text("status <> 'undone'"),
        postgresql_where=sa.text("status <> 'undone'"),
    )
    op.create_table(
        "import_row",
        sa.Column("run_id", sa.String(length=36), nullable=False),
        sa.Column("line", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("person", sa.JSON(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["import_run.run_id"], name=op.f("fk_import_row_run_id")),
        sa.PrimaryKeyConstraint("run_id", "line", name=op.f("pk_import_row")),
    )
    op.create_index(op.f("ix_import_row_account_id"), "import_row", ["account_id"])
    op.add_column("account", sa.Column("name_key", NAME_KEY, server_default="", nullable=False))
    _fill_name_keys()
    op.create_index("ix_account_name_key", "account", ["name_key", "account_id"])
    op.create_index("ix_account_status", "account", ["status", "name_key", "account_id"])
    op.create_index("ix_account_created_at", "account", ["created_at", "account_id"])
    # An account that is deleted is looked for in every table that refers to accounts.
    op.create_index(op.f("ix_known_browser_account_id"), "known_browser", ["account_id"])


def _fill_name_keys() -> None:
    names = ("account_id", "family_name", "given_name", "name_key")
    account = sa.table("account", *(sa.column(name) for name in names))
    query = sa.select(account).order_by(account.c.account_id).limit(BATCH)
    fill = sa.update(account).where(account.c.account_id == sa.bindparam("of")).values(name_key=sa.bindparam("key"))
    connection, after = op.get_bind(), ""
    while rows := connection.execute(query.where(account.c.account_id > after)).all():
        keys = [{"of": row.account_id, "key": name_key(row.family_name, row.given_name)} for row in rows]
        connection.execute(fill, keys)
        after = rows[-1].account_id


def downgrade() -> None:
    op.drop_index(op.f("ix_known_browser_account_id"), "known_browser")
    op.drop_index("ix_account_created_at", "account")
    op.drop_index("ix_account_status", "account")
    op.drop_index("ix_account_name_key", "account")
    op.drop_column("account", "name_key")
    op.drop_table("import_row")
    op.drop_table("import_run")
