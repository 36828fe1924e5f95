"""Phones that approve: the key and PIN of those that have no passkey, and the browsers that are remembered."""

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, String, Table, Text

from idp.store.schema.base import Instant, metadata

phone = Table(
    "phone",
    metadata,
    Column("credential_id", ForeignKey("credential.credential_id"), primary_key=True),
    Column("public_key", LargeBinary, nullable=False, unique=True),
    Column("pin_digest", Text, nullable=False),
    Column("failures", Integer, nullable=False),
)

# A synced passkey is on several phones, each with a cookie of its own.
phone_cookie = Table(
    "phone_cookie",
    metadata,
    Column("cookie_digest", String(64), primary_key=True),
    Column("credential_id", ForeignKey("credential.credential_id"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
)
