"""Tables. Invariants are also constraints, with names."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware UTC instant; SQLite, which knows no zone, keeps it naive."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive instant")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _id(name: str, **kwargs: Any) -> Column[str]:
    return Column(name, String(36), **kwargs)


def _account(**kwargs: Any) -> Column[str]:
    return Column("account_id", ForeignKey("account.account_id"), nullable=False, **kwargs)


def _client(**kwargs: Any) -> Column[str]:
    return Column("client_id", ForeignKey("client.client_id"), nullable=False, **kwargs)


meta = Table("meta", metadata, Column("key", String(64), primary_key=True), Column("value", Text, nullable=False))

account = Table(
    "account",
    metadata,
    _id("account_id", primary_key=True),
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
)

identity = Table(
    "identity",
    metadata,
    _id("identity_id", primary_key=True),
    _account(index=True),
    Column("kind", String(32), nullable=False),
    Column("value", String(320), nullable=False),
    Column("origin", String(32), nullable=False),
    Column("verified_at", Instant, nullable=False),
    UniqueConstraint("kind", "value", name="uq_identity_kind_value"),
)

credential = Table(
    "credential",
    metadata,
    _id("credential_id", primary_key=True),
    _account(index=True),
    Column("kind", String(32), nullable=False),
    Column("digest", Text, nullable=False),
    Column("anchor", String(32), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
)
Index(
    "uq_credential_one_password",
    credential.c.account_id,
    unique=True,
    sqlite_where=text("kind = 'password' AND revoked_at IS NULL"),
    postgresql_where=text("kind = 'password' AND revoked_at IS NULL"),
)

client = Table(
    "client",
    metadata,
    Column("client_id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("redirect_uris", JSON, nullable=False),
    Column("post_logout_redirect_uris", JSON, nullable=False),
    Column("auth_method", String(32), nullable=False),
    Column("secret_digest", String(64)),
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
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
)

policy = Table(
    "policy",
    metadata,
    _id("policy_id", primary_key=True),
    _client(index=True),
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

entitlement = Table(
    "entitlement",
    metadata,
    _account(primary_key=True),
    _client(primary_key=True),
    Column("granted_by", String(200), nullable=False),
    Column("granted_at", Instant, nullable=False),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
)

session = Table(
    "session",
    metadata,
    _id("session_id", primary_key=True),
    Column("id_hash", String(64), nullable=False, unique=True),
    Column("previous_hash", String(64), unique=True),
    Column("rotated_at", Instant),
    _account(index=True),
    Column("created_at", Instant, nullable=False),
    Column("last_seen_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("user_agent", String(200), nullable=False),
    Column("ip_prefix", String(64), nullable=False),
)

session_proof = Table(
    "session_proof",
    metadata,
    _id("proof_id", primary_key=True),
    Column("session_id", ForeignKey("session.session_id"), nullable=False, index=True),
    Column("proof", JSON, nullable=False),
)

grant = Table(
    "authorization_grant",
    metadata,
    _id("grant_id", primary_key=True),
    _account(index=True),
    _client(),
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
)

audit_event = Table(
    "audit_event",
    metadata,
    _id("event_id", primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("name", String(64), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("subject", String(36), index=True),
    Column("client_id", String(64)),
    Column("outcome", String(32), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("request_id", String(64)),
)

outbox = Table(
    "outbox",
    metadata,
    _id("outbox_id", primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("not_before", Instant, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
    Column("lease", String(36)),
)

throttle = Table(
    "throttle",
    metadata,
    Column("bucket", String(160), primary_key=True),
    Column("stamps", JSON, nullable=False),
    Column("since_success", Integer, nullable=False),
)

reset_link = Table(
    "reset_link",
    metadata,
    Column("token_digest", String(64), primary_key=True),
    _account(index=True),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

known_browser = Table(
    "known_browser",
    metadata,
    Column("browser_hash", String(64), primary_key=True),
    _account(primary_key=True),
    Column("last_seen_at", Instant, nullable=False),
)
