"""Production base: refresh tokens, consent, configuration version, seals of the audit, alerts, more of a client."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _extend_clients()
    _add_tokens_and_consent()
    _add_audit()
    _add_operations()


def _extend_clients() -> None:
    given = {
        "grant_types": (sa.JSON(), '["authorization_code"]'),
        "subject_type": (sa.String(length=16), "public"),
        "access_token_format": (sa.String(length=16), "opaque"),
        "introspects": (sa.String(length=16), "own"),
        "consent": (sa.String(length=16), "never"),
        "par_required": (sa.Boolean(), sa.false()),
    }
    for name, (kind, default) in given.items():
        op.add_column("client", sa.Column(name, kind, nullable=False, server_default=default))
    for name, kind in {
        "jwks": sa.JSON(),
        "jwks_uri": sa.Text(),
        "sector": sa.String(length=255),
        "audience": sa.Text(),
        "backchannel_logout_uri": sa.Text(),
        "offline_lifetime_s": sa.Integer(),
    }.items():
        op.add_column("client", sa.Column(name, kind, nullable=True))


def _add_tokens_and_consent() -> None:
    op.add_column("authorization_grant", sa.Column("proof", sa.JSON(), nullable=True))
    op.add_column("authorization_grant", sa.Column("offline_until", INSTANT, nullable=True))
    op.create_index(op.f("ix_session_expires_at"), "session", ["expires_at"], unique=False)
    op.create_table(
        "refresh_token",
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("grant_id", sa.String(length=36), nullable=False),
        sa.Column("parent_digest", sa.String(length=64), nullable=True),
        sa.Column("created_at", INSTANT, nullable=False),
        sa.Column("used_at", INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["grant_id"], ["authorization_grant.grant_id"], name=op.f("fk_refresh_token_grant_id")),
        sa.PrimaryKeyConstraint("token_digest", name=op.f("pk_refresh_token")),
    )
    op.create_index(op.f("ix_refresh_token_grant_id"), "refresh_token", ["grant_id"], unique=False)
    op.create_index(op.f("ix_refresh_token_parent_digest"), "refresh_token", ["parent_digest"], unique=False)
    op.create_table(
        "consent",
        sa.Column("account_id", sa.String(length=36), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("given_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.account_id"], name=op.f("fk_consent_account_id")),
        sa.ForeignKeyConstraint(["client_id"], ["client.client_id"], name=op.f("fk_consent_client_id")),
        sa.PrimaryKeyConstraint("account_id", "client_id", name=op.f("pk_consent")),
    )


def _add_audit() -> None:
    op.add_column("audit_event", sa.Column("personal_digest", sa.String(length=64), nullable=True))
    op.create_table(
        "audit_personal",
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["audit_event.event_id"], name=op.f("fk_audit_personal_event_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_personal")),
    )
    op.create_table(
        "audit_seal",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("sealed_at", INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["audit_event.event_id"], name=op.f("fk_audit_seal_event_id")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_audit_seal")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_seal_event_id")),
    )


def _add_operations() -> None:
    version = op.create_table(
        "config_version",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_config_version")),
    )
    op.bulk_insert(version, [{"id": 1, "version": 1}])
    op.create_table(
        "lease",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=36), nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "alert",
        sa.Column("alert_id", sa.String(length=36), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("account_id", sa.String(length=36), nullable=True),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("closed_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alert")),
    )
    op.create_index(op.f("ix_alert_at"), "alert", ["at"], unique=False)
    op.create_index(op.f("ix_alert_account_id"), "alert", ["account_id"], unique=False)


def downgrade() -> None:
    for table in ("alert", "lease", "config_version", "audit_seal", "audit_personal", "consent", "refresh_token"):
        op.drop_table(table)
    op.drop_index(op.f("ix_session_expires_at"), table_name="session")
    op.drop_column("audit_event", "personal_digest")
    op.drop_column("authorization_grant", "offline_until")
    op.drop_column("authorization_grant", "proof")
    for column in (
        "grant_types", "subject_type", "access_token_format", "introspects", "consent", "par_required", "jwks",
        "jwks_uri", "sector", "audience", "backchannel_logout_uri", "offline_lifetime_s",
    ):  # fmt: skip
        op.drop_column("client", column)
