"""What the provider keeps of its own work: facts, the outbox, counts of attempts, alerts."""

from sqlalchemy import JSON, Column, Integer, LargeBinary, String, Table, Text

from idp.store.schema.base import Instant, metadata, own_id

meta = Table("meta", metadata, Column("key", String(64), primary_key=True), Column("value", Text, nullable=False))

config_version = Table(
    "config_version",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
)

lease = Table(
    "lease",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(36), nullable=False),
    Column("until", Instant, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    own_id("outbox_id", primary_key=True),
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

alert = Table(
    "alert",
    metadata,
    own_id("alert_id", primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("kind", String(64), nullable=False),
    Column("account_id", String(36), index=True),
    Column("detail", JSON, nullable=False),
    Column("closed_at", Instant),
    Column("closed_by", String(200)),
)
