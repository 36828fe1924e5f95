"""People are searched by an index: of the words of their names, and of what their identifiers begin with."""

import sqlalchemy as sa
from alembic import op

from idp.domain.account import name_key

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

BATCH = 1000
WORD = sa.String(length=420).with_variant(sa.String(length=420, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "name_word",
        sa.Column("word", WORD, nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_name_word_account_id")),
        sa.PrimaryKeyConstraint("word", "account_id", name=op.f("pk_name_word")),
    )
    _fill()
    op.create_index(op.f("ix_name_word_account_id"), "name_word", ["account_id"])
    _collate_values("C")


def _fill() -> None:
    """Keys too: those of before leave « œ » in its place, and nobody types it."""
    names = ("account_id", "family_name", "given_name", "name_key")
    account = sa.table("account", *(sa.column(name) for name in names))
    word = sa.table("name_word", sa.column("word"), sa.column("account_id"))
    query = sa.select(account).order_by(account.c.account_id).limit(BATCH)
    change = sa.update(account).where(account.c.account_id == sa.bindparam("of")).values(name_key=sa.bindparam("key"))
    connection, after = op.get_bind(), ""
    while rows := connection.execute(query.where(account.c.account_id > after)).all():
        keys = {row.account_id: name_key(row.family_name, row.given_name) for row in rows}
        changed = [{"of": row.account_id, "key": key} for row in rows if (key := keys[row.account_id]) != row.name_key]
        made = [{"word": each, "account_id": of} for of, key in keys.items() for each in set(key.split())]
        for statement, values in ((change, changed), (sa.insert(word), made)):
            if values:
                connection.execute(statement, values)
        after = rows[-1].account_id


def _collate_values(collation: str) -> None:
    """SQLite compares bytes as it is."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f'ALTER TABLE identity ALTER COLUMN value TYPE VARCHAR(320) COLLATE "{collation}"')


def downgrade() -> None:
    _collate_values("default")
    op.drop_index(op.f("ix_name_word_account_id"), "name_word")
    op.drop_table("name_word")
