"""Files of accounts that operators import: a run for each, and what became of its lines."""

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, String, Table, Text, text

from idp.store.schema.base import Instant, metadata, own_id

import_run = Table(
    "import_run",
    metadata,
    own_id("run_id", primary_key=True),
    Column("file_digest", String(64), nullable=False),
    Column("file_name", String(255), nullable=False),
    Column("status", String(16), nullable=False),
    Column("accounts", Integer, nullable=False),
    Column("staged_line", Integer, nullable=False),
    Column("switched_line", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("updated_at", Instant, nullable=False),
)
Index(
    "uq_import_run_file_once",
    import_run.c.file_digest,
    unique=True,
    sqlite_where=text("status <> 'undone'"),
    postgresql_where=text("status <> 'undone'"),
)

# account_id: chosen when the line is staged, so that there may be no such account (yet, or any more).
import_row = Table(
    "import_row",
    metadata,
    Column("run_id", ForeignKey("import_run.run_id"), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("account_id", String(36), nullable=False, index=True),
    Column("status", String(16), nullable=False),
    Column("person", JSON(none_as_null=True)),  # None once the account is made: it is kept there alone
    Column("problem", Text),
)
