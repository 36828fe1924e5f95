"""Emergency codes: what support gives somebody whose means cannot be used, for a while and once (RIE-PS 16)."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

LONGEST = timedelta(hours=24)
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 §6.1: none is taken for another, and no word comes of them
LENGTH, GROUP = 16, 4  # 20^16 is 69 bits


@dataclass(frozen=True, slots=True)
class EmergencyCode:
    """A code that was issued, and is neither used nor revoked. digest: as of a password, of the code as `clean` has it.

    issued_by: the operator; told: address of the second operator, who hears of its issue and of its use.
    """

    code_id: str
    account_id: str
    digest: str = field(repr=False)
    issued_by: str
    told: str
    created_at: datetime
    expires_at: datetime


def new_code() -> str:
    """A code as it is read out: four groups of four letters."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return "-".join(letters[at : at + GROUP] for at in range(0, LENGTH, GROUP))


def clean(typed: str) -> str | None:
    """The letters that were typed, whatever stands between them; None for what is no such code."""
    code = "".join(typed.replace("-", " ").split()).upper() if len(typed) <= 64 else ""
    return code if len(code) == LENGTH and set(code) <= set(ALPHABET) else None
