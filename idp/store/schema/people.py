"""Accounts, what identifies them, what proves them, and the browsers that they are known by."""

from sqlalchemy import JSON, Boolean, Column, Index, LargeBinary, String, Table, Text, UniqueConstraint, text

from idp.store.schema.base import Instant, metadata, of_account, own_id

# Names as lists are sorted by them: in the same order on every server, whatever the locale of its database.
NAME_KEY = String(420).with_variant(String(420, collation="C"), "postgresql")
# Of an identifier; the beginnings of this order are what an index finds.
VALUE = String(320).with_variant(String(320, collation="C"), "postgresql")

account = Table(
    "account",
    metadata,
    own_id("account_id", primary_key=True),
    Column("login_name", String(64), nullable=False, unique=True),
    Column("status", String(16), nullable=False),
    Column("civility", String(16)),
    Column("given_name", String(200), nullable=False),
    Column("family_name", String(200), nullable=False),
    Column("email", String(320)),
    Column("email_verified", Boolean, nullable=False),
    Column("profile", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("signed_in_at", Instant),
    Column("identity_dropped_at", Instant),
    Column("name_key", NAME_KEY, nullable=False, server_default=""),
)
Index("ix_account_name_key", account.c.name_key, account.c.account_id)
Index("ix_account_status", account.c.status, account.c.name_key, account.c.account_id)
Index("ix_account_created_at", account.c.created_at, account.c.account_id)

# Each word of a name_key, which people are searched by.
name_word = Table(
    "name_word",
    metadata,
    Column("word", NAME_KEY, primary_key=True),
    of_account(primary_key=True, index=True),
)

identity = Table(
    "identity",
    metadata,
    own_id("identity_id", primary_key=True),
    of_account(index=True),
    Column("kind", String(32), nullable=False),
    Column("value", VALUE, nullable=False),
    Column("origin", String(32), nullable=False),
    Column("verified_at", Instant, nullable=False),
    UniqueConstraint("kind", "value", name="uq_identity_kind_value"),
)
Index(
    "uq_identity_one_national",
    identity.c.account_id,
    identity.c.kind,
    unique=True,
    sqlite_where=text("kind IN ('rpps', 'adeli', 'employee')"),
    postgresql_where=text("kind IN ('rpps', 'adeli', 'employee')"),
)

credential = Table(
    "credential",
    metadata,
    own_id("credential_id", primary_key=True),
    of_account(index=True),
    Column("kind", String(32), nullable=False),
    Column("digest", Text, nullable=False),
    Column("anchor", String(32), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("name", String(64)),
    Column("enrolled_assurance", String(16), nullable=False),
    Column("last_used_at", Instant),
)
Index(
    "uq_credential_one_password",
    credential.c.account_id,
    unique=True,
    sqlite_where=text("kind = 'password' AND revoked_at IS NULL"),
    postgresql_where=text("kind = 'password' AND revoked_at IS NULL"),
)

login_link = Table(
    "login_link",
    metadata,
    own_id("link_id", primary_key=True),
    of_account(index=True),
    Column("method", String(64), nullable=False),
    Column("name", String(64)),
    Column("created_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
)
Index(
    "uq_login_link_one_live",
    login_link.c.account_id,
    login_link.c.method,
    unique=True,
    sqlite_where=text("revoked_at IS NULL"),
    postgresql_where=text("revoked_at IS NULL"),
)

picture = Table(
    "picture",
    metadata,
    of_account(primary_key=True),
    Column("media_type", String(32), nullable=False),
    Column("image", LargeBinary, nullable=False),
    Column("updated_at", Instant, nullable=False),
)

practice = Table(
    "practice",
    metadata,
    of_account(primary_key=True),
    Column("origin", String(64), primary_key=True),
    Column("claims", JSON, nullable=False),
    Column("asserted_at", Instant, nullable=False),
)

reset_link = Table(
    "reset_link",
    metadata,
    Column("token_digest", String(64), primary_key=True),
    of_account(index=True),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

known_browser = Table(
    "known_browser",
    metadata,
    Column("browser_hash", String(64), primary_key=True),
    of_account(primary_key=True, index=True),
    Column("last_seen_at", Instant, nullable=False),
)
