"""People's accounts, their verified identities and their credentials."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from idp.domain.names import plain

LOGIN_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
# A local part without what would end, split or encode an address in a header (RFC 2047's `=?`), and without what
# cannot be seen (C0, C1, Cf).
EMAIL = re.compile(
    r"(?!.*=\?)[^@\s,;:<>()\[\]\\\"\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffd]{1,64}"
    r"@[a-z0-9-]+(?:\.[a-z0-9-]+)+"
)
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
RPPS = re.compile(r"[0-9]{11}")
MAX_NAME_KEY = 420


class AccountStatus(StrEnum):
    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Account:
    """A person. `profile`: further OIDC standard claims, by their names (OIDC Core §5.1).

    identities: verified identifiers, kind → value. signed_in_at: the first login by means of the account's own, which a
    federation is not. identity_dropped_at: when support last took a national identity away.
    """

    account_id: str
    login_name: str
    status: AccountStatus
    given_name: str
    family_name: str
    email: str | None
    email_verified: bool
    created_at: datetime
    updated_at: datetime
    civility: str | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)
    signed_in_at: datetime | None = None
    identity_dropped_at: datetime | None = None
    identities: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        return self.status is AccountStatus.ACTIVE

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def name_key(self) -> str:
        return name_key(self.family_name, self.given_name)

    @property
    def verified_email(self) -> str | None:
        return self.email if self.email_verified else None


@dataclass(frozen=True, slots=True)
class PasswordCredential:
    """A password's Argon2id digest. anchor: "mailbox" while it was set through the mailbox and nothing confirmed it."""

    credential_id: str
    account_id: str
    digest: str = field(repr=False)
    anchor: str
    created_at: datetime


def name_key(family_name: str, given_name: str) -> str:
    """Names as they are sorted and searched: `Lebœuf-Duval`, `Léa` → `leboeuf duval lea`; 420 characters at most."""
    return plain(f"{family_name} {given_name}")[:MAX_NAME_KEY]


def normalise_login(typed: str) -> str:
    """A login name or an e-mail address as it is compared: trimmed, lower case. May be of any length.

    A control character, which no database should be asked for, becomes one that nobody's login has.
    """
    return CONTROL.sub("\ufffd", typed.strip().lower())


def mask_email(address: str) -> str:
    """`anne.pierre@chu.example` → `a•••@chu.example`: enough to recognise one's own, too little to learn it."""
    local, _, domain = address.partition("@")
    return f"{local[:1]}•••@{domain}"
