"""Emergency codes, which support issues."""

from sqlalchemy import Column, Index, String, Table, Text, text

from idp.store.schema.base import Instant, metadata, of_account, own_id

emergency_code = Table(
    "emergency_code",
    metadata,
    own_id("code_id", primary_key=True),
    of_account(index=True),
    Column("digest", Text, nullable=False),
    Column("issued_by", String(200), nullable=False),
    Column("told", String(320), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
    Column("revoked_at", Instant),
)
Index(
    "uq_emergency_code_one_live",
    emergency_code.c.account_id,
    unique=True,
    sqlite_where=text("used_at IS NULL AND revoked_at IS NULL"),
    postgresql_where=text("used_at IS NULL AND revoked_at IS NULL"),
)
