"""The audit trail: events, the personal values that may be purged, and the seals that chain the events."""

from sqlalchemy import JSON, CheckConstraint, Column, ForeignKey, Integer, String, Table

from idp.store.schema.base import Instant, metadata, own_id

audit_event = Table(
    "audit_event",
    metadata,
    own_id("event_id", primary_key=True),
    Column("at", Instant, nullable=False, index=True),
    Column("name", String(64), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("subject", String(36), index=True),
    Column("client_id", String(64)),
    Column("outcome", String(32), nullable=False),
    Column("detail", JSON, nullable=False),
    Column("request_id", String(64)),
    Column("personal_digest", String(64)),
)

audit_personal = Table(
    "audit_personal",
    metadata,
    Column("event_id", ForeignKey("audit_event.event_id"), primary_key=True),
    Column("salt", String(64), nullable=False),
    Column("values", JSON, nullable=False),
)

audit_seal = Table(
    "audit_seal",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("event_id", ForeignKey("audit_event.event_id"), nullable=False, unique=True),
    Column("chain", String(64), nullable=False),
    Column("sealed_at", Instant, nullable=False),
    CheckConstraint("number > 0", name="ck_audit_seal_number_from_one"),
)
