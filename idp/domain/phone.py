"""A phone whose browser holds a key of its own (WebCrypto), and the PIN that its holder types."""

import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise

PIN_DIGITS = 6
COOKIE_FOR = timedelta(days=400)  # how long a browser is remembered: no browser keeps a cookie longer
MOST_WRONG_PINS = 10  # without success; then the phone is revoked
DAY, MONTH, YEAR = r"(0[1-9]|[12]\d|3[01])", r"(0[1-9]|1[0-2])", r"(19|20)\d\d"
DATES = re.compile(rf"{DAY}{MONTH}\d\d|\d\d{MONTH}{DAY}|{MONTH}{YEAR}|{YEAR}{MONTH}")
SIGNED = "sesame phone 1"  # what every signed text begins with


@dataclass(frozen=True, slots=True)
class Phone:
    """One that approves. public_key: P-256, SubjectPublicKeyInfo (DER). failures: wrong PINs since a right one."""

    credential_id: str
    account_id: str
    login_name: str
    public_key: bytes = field(repr=False)
    pin_digest: str = field(repr=False)
    failures: int = 0

    @property
    def key_id(self) -> str:
        """By what the browser of the phone finds its key again."""
        return key_id(self.public_key)


@dataclass(frozen=True, slots=True)
class NewPhone:
    """What a phone made: it signed with it, and nobody attests it."""

    public_key: bytes = field(repr=False)
    pin_digest: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class KnownPhone:
    """Which credential of which account a browser is remembered by: a hint, never a proof. kind: phone or passkey."""

    credential_id: str
    account_id: str
    login_name: str
    kind: str
    name: str | None


def key_id(public_key: bytes) -> str:
    """SHA-256 of a SubjectPublicKeyInfo, base64url without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(public_key).digest()).rstrip(b"=").decode()


def signed_text(*parts: str) -> bytes:
    """What a phone signs: our name for it and these parts, a line each, as `phone_key.js` writes it.

    Raises ValueError for a part of more than one line: two lists of parts would be one text.
    """
    if any("\n" in part for part in parts):
        raise ValueError("a part of more than one line")
    return "\n".join((SIGNED, *parts)).encode()


def is_pin(typed: str) -> bool:
    """True for six digits."""
    return re.fullmatch(rf"[0-9]{{{PIN_DIGITS}}}", typed) is not None


def pin_problem(pin: str) -> str | None:
    """Why this is no PIN to choose: "malformed" or "guessable"; None for a good one."""
    if not is_pin(pin):
        return "malformed"
    return "guessable" if _is_guessable(pin) else None


def _is_guessable(pin: str) -> bool:
    """Runs, repetitions, mirrors, and dates of birth: what a thief who knows the person tries first."""
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    is_run = steps in ({0}, {1}, {9}, {2}, {8})
    repeats = pin[:3] == pin[3:] or pin[:2] * 3 == pin or pin[::2] == pin[1::2]
    return is_run or repeats or pin == pin[::-1] or len(set(pin)) < 3 or DATES.fullmatch(pin) is not None
