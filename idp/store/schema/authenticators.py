"""What an account enrolled by itself: secrets of authenticator applications, passkeys, its user handle."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Integer, LargeBinary, String, Table

from idp.store.schema.base import Instant, metadata, of_account


def _of_credential() -> Column[str]:
    return Column("credential_id", ForeignKey("credential.credential_id"), primary_key=True)


totp_secret = Table(
    "totp_secret",
    metadata,
    _of_credential(),
    Column("sealed", LargeBinary, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("blocked_at", Instant),
)

passkey = Table(
    "passkey",
    metadata,
    _of_credential(),
    Column("webauthn_id", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("sign_count", BigInteger, nullable=False),
    Column("is_backup_eligible", Boolean, nullable=False),
    Column("rp_id", String(253), nullable=False),
    Column("transports", JSON, nullable=False),
)

user_handle = Table(
    "user_handle",
    metadata,
    of_account(primary_key=True),
    Column("handle", LargeBinary, nullable=False, unique=True),
)
