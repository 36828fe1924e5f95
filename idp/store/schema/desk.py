"""The desk: registrations, access requests, changes of what identifies an account, and who may decide."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, text

from idp.store.schema.base import Instant, metadata, of_account, of_client, own_id

registration = Table(
    "registration",
    metadata,
    own_id("registration_id", primary_key=True),
    Column("browser_digest", String(64), unique=True),
    Column("status", String(16), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("form", JSON, nullable=False),
    Column("birth", LargeBinary),  # sealed, as whatever support asks on the telephone
    Column("password_digest", Text),
    Column("proven", JSON(none_as_null=True)),
    Column("email", String(320), index=True),
    Column("email_proven_at", Instant),
    Column("login_name", String(64)),
    Column("client_id", ForeignKey("client.client_id")),
    Column("terms_version", String(64)),
    Column("lang", String(2), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("submitted_at", Instant, index=True),
    Column("claimed_by", String(200)),
    Column("claimed_at", Instant),
    Column("decided_by", String(200)),
    Column("decided_at", Instant),
    Column("reason", Text),
    Column("token_digest", String(64), unique=True),
    Column("token_expires_at", Instant),
    Column("account_id", ForeignKey("account.account_id"), index=True),
)

access_request = Table(
    "access_request",
    metadata,
    own_id("request_id", primary_key=True),
    of_account(index=True),
    of_client(index=True),
    Column("status", String(16), nullable=False, index=True),
    Column("step", String(16), nullable=False),
    Column("version", Integer, nullable=False),
    Column("reason", Text, nullable=False),
    Column("answers", JSON, nullable=False),
    Column("terms_version", String(64)),
    Column("lang", String(2), nullable=False),
    Column("created_at", Instant, nullable=False, index=True),
    Column("claimed_by", String(200)),
    Column("claimed_at", Instant),
    Column("approvals", JSON, nullable=False),
    Column("decided_by", String(200)),
    Column("decided_at", Instant),
    Column("note", Text),
)
Index(
    "uq_access_request_one_open",
    access_request.c.account_id,
    access_request.c.client_id,
    unique=True,
    sqlite_where=text("status = 'OPEN'"),
    postgresql_where=text("status = 'OPEN'"),
)

# Of a registration or of an access request: what an operator asked, what the person answered.
desk_message = Table(
    "desk_message",
    metadata,
    own_id("message_id", primary_key=True),
    Column("about", String(36), nullable=False, index=True),
    Column("at", Instant, nullable=False),
    Column("author", String(200), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("token_digest", String(64), unique=True),
    Column("expires_at", Instant),
    Column("answered_at", Instant),
)

# …_account: of an operator. No reference: it is compared with, and may be gone.
identity_change = Table(
    "identity_change",
    metadata,
    own_id("change_id", primary_key=True),
    of_account(index=True),
    Column("kind", String(32), nullable=False),
    Column("value", String(320), nullable=False),
    Column("method", String(64)),
    Column("reason", Text, nullable=False),
    Column("proposed_by", String(200), nullable=False),
    Column("proposed_account", String(36)),
    Column("proposed_at", Instant, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("approved_by", String(200)),
    Column("approved_account", String(36)),
    Column("approved_at", Instant),
    Column("due_at", Instant),
    Column("told", String(320)),
    Column("token_digest", String(64), unique=True),
    Column("ended_at", Instant),
    Column("ended_by", String(200)),
    Column("note", Text),
)
Index(
    "uq_identity_change_one_open",
    identity_change.c.account_id,
    identity_change.c.kind,
    unique=True,
    sqlite_where=text("state IN ('proposed', 'approved')"),
    postgresql_where=text("state IN ('proposed', 'approved')"),
)

service_access = Table(
    "service_access",
    metadata,
    of_client(primary_key=True),
    Column("region_approves", Boolean, nullable=False),
    Column("service_approves", Boolean, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("terms_version", String(64)),
    Column("terms_uri", Text),
    Column("updated_at", Instant, nullable=False),
    Column("updated_by", String(200), nullable=False),
)

# Who has which RPPS number, from a file of the register.
rpps_extract = Table(
    "rpps_extract",
    metadata,
    Column("rpps", String(11), primary_key=True),
    Column("family_name", String(200), nullable=False),
    Column("given_name", String(200), nullable=False),
    Column("imported_at", Instant, nullable=False),
)

# scope: a client_id, or "*" for every service.
operator_role = Table(
    "operator_role",
    metadata,
    of_account(primary_key=True),
    Column("role", String(32), primary_key=True),
    Column("scope", String(64), primary_key=True),
    Column("granted_by", String(200), nullable=False),
    Column("granted_at", Instant, nullable=False),
)
