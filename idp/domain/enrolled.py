"""What an account enrolled by itself, as a login finds it."""

from dataclasses import dataclass, field
from datetime import datetime

TOTP, PASSKEY, PHONE = "totp", "passkey", "phone"
ENROLLED_KINDS = (TOTP, PASSKEY, PHONE)  # of credentials
MOST_OF_A_KIND = 5


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Whom passkeys are for: the host of the issuer (id), which nothing else may stand for, and its one origin."""

    id: str
    origin: str


@dataclass(frozen=True, slots=True)
class TotpSecret:
    """The secret of an authenticator application, sealed. last_step: of the last code that was accepted; tries: since
    then, this one with them; blocked_at: when there were too many.
    """

    credential_id: str
    sealed: bytes = field(repr=False)
    last_step: int
    tries: int = 0
    blocked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CredentialRecord:
    """A passkey (WebAuthn Level 3 §4, credential record) and whose it is.

    credential_id: ours. webauthn_id: the authenticator's. public_key: a COSE key. user_handle: random, of the account.
    is_backup_eligible: it may be copied to other devices of its holder (a synced passkey).
    """

    credential_id: str
    account_id: str
    login_name: str
    user_handle: bytes = field(repr=False)
    webauthn_id: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    sign_count: int
    is_backup_eligible: bool
    transports: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NewPasskey:
    """What an authenticator made, as it says itself: nobody attests it. rp_id: the only host that it signs for."""

    webauthn_id: bytes = field(repr=False)
    public_key: bytes = field(repr=False)
    sign_count: int
    is_backup_eligible: bool
    rp_id: str
    transports: tuple[str, ...] = ()
