"""Relying parties: how they are registered, what they accept, who may open them."""

from sqlalchemy import JSON, Boolean, Column, Index, Integer, String, Table, Text, text

from idp.store.schema.base import Instant, metadata, of_account, of_client, own_id

client = Table(
    "client",
    metadata,
    Column("client_id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("redirect_uris", JSON, nullable=False),
    Column("post_logout_redirect_uris", JSON, nullable=False),
    Column("auth_method", String(32), nullable=False),
    Column("secret_digest", String(64)),
    Column("previous_secret_digest", String(64)),
    Column("previous_secret_until", Instant),
    Column("scopes", JSON, nullable=False),
    Column("id_token_alg", String(16), nullable=False),
    Column("require_pkce", Boolean, nullable=False),
    Column("needs_entitlement", Boolean, nullable=False),
    Column("token_lifetime_s", Integer, nullable=False),
    Column("initiate_login_uri", Text),
    Column("logo_uri", Text),
    Column("policy_uri", Text),
    Column("tos_uri", Text),
    Column("description", Text),
    Column("grant_types", JSON, nullable=False),
    Column("jwks", JSON),
    Column("jwks_uri", Text),
    Column("subject_type", String(16), nullable=False),
    Column("sector", String(255)),
    Column("access_token_format", String(16), nullable=False),
    Column("audience", Text),
    Column("introspects", String(16), nullable=False),
    Column("consent", String(16), nullable=False),
    Column("par_required", Boolean, nullable=False),
    Column("backchannel_logout_uri", Text),
    Column("offline_lifetime_s", Integer),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
)

policy = Table(
    "policy",
    metadata,
    own_id("policy_id", primary_key=True),
    of_client(index=True),
    Column("effective_from", Instant, nullable=False),
    Column("methods", JSON, nullable=False),
    Column("min_assurance", String(16), nullable=False),
    Column("max_age_s", Integer),
    Column("notice", Text),
    Column("created_by", String(200), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("cancelled_at", Instant),
)
Index(
    "uq_policy_client_instant",
    policy.c.client_id,
    policy.c.effective_from,
    unique=True,
    sqlite_where=text("cancelled_at IS NULL"),
    postgresql_where=text("cancelled_at IS NULL"),
)

method_suspension = Table(  # for every client at once
    "method_suspension",
    metadata,
    own_id("suspension_id", primary_key=True),
    Column("method", String(64), nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("until", Instant, nullable=False),
    Column("reason", Text, nullable=False),
    Column("created_by", String(200), nullable=False),
    Column("ended_at", Instant),
    Column("ended_by", String(200)),
)

entitlement = Table(
    "entitlement",
    metadata,
    of_account(primary_key=True),
    of_client(primary_key=True),
    Column("granted_by", String(200), nullable=False),
    Column("granted_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("roles", JSON, nullable=False, server_default="[]"),
    Column("expiry_told_at", Instant),
)

consent = Table(
    "consent",
    metadata,
    of_account(primary_key=True),
    of_client(primary_key=True),
    Column("scopes", JSON, nullable=False),
    Column("given_at", Instant, nullable=False),
)
