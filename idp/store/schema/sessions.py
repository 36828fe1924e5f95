"""Browsers that signed in, and what clients were given in them."""

from sqlalchemy import JSON, Column, ForeignKey, LargeBinary, String, Table, Text

from idp.store.schema.base import Instant, metadata, of_account, of_client, own_id

session = Table(
    "session",
    metadata,
    own_id("session_id", primary_key=True),
    Column("id_hash", String(64), nullable=False, unique=True),
    Column("previous_hash", String(64), unique=True),
    Column("rotated_at", Instant),
    of_account(index=True),
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False, index=True),
    Column("ended_at", Instant),
    Column("user_agent", String(200), nullable=False),
    Column("ip_prefix", String(64), nullable=False),
)

session_proof = Table(
    "session_proof",
    metadata,
    own_id("proof_id", primary_key=True),
    Column("session_id", ForeignKey("session.session_id"), nullable=False, index=True),
    Column("proof", JSON, nullable=False),
)

grant = Table(
    "authorization_grant",
    metadata,
    own_id("grant_id", primary_key=True),
    of_account(index=True),
    of_client(),
    Column("session_id", ForeignKey("session.session_id"), nullable=False, index=True),
    Column("scope", JSON, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("acr", String(200), nullable=False),
    Column("amr", JSON, nullable=False),
    Column("auth_time", Instant, nullable=False),
    Column("nonce", Text),
    Column("code_challenge", String(128)),
    Column("userinfo_claims", JSON, nullable=False),
    Column("id_token_claims", JSON, nullable=False),
    Column("code_digest", String(64), nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("redeemed_at", Instant),
    Column("revoked_at", Instant),
    Column("proof", JSON(none_as_null=True)),
    Column("offline_until", Instant),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("token_digest", String(64), primary_key=True),
    Column("grant_id", ForeignKey("authorization_grant.grant_id"), nullable=False, index=True),
    Column("parent_digest", String(64), index=True),
    Column("created_at", Instant, nullable=False),
    Column("used_at", Instant),
)

upstream_session = Table(
    "upstream_session",
    metadata,
    Column("session_id", ForeignKey("session.session_id", ondelete="CASCADE"), primary_key=True),
    Column("method", String(64), primary_key=True),
    Column("signed_in_at", Instant, nullable=False),
    Column("sub_digest", String(64), nullable=False, index=True),
    Column("sid_digest", String(64), index=True),
    Column("sealed", LargeBinary),
)
