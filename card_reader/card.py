"""What a card is to the helper: seen or not, and one signature for one PIN. Pure types."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

Tries = Literal["ok", "low", "final"]

CODES = frozenset({
    "no_module",  # no PKCS#11 module, or one that cannot be loaded
    "no_reader",  # none is connected, as far as the module tells
    "no_card",
    "no_certificate",  # a card, and no authentication certificate on it
    "several_cards",  # more than one card could sign in: the person must take out the others
    "card_removed",  # during the operation
    "pin_incorrect",
    "pin_locked",
    "pin_malformed",  # cannot be a PIN: the card was not asked, and no try is spent
    "unsupported",  # no mechanism of the token fits the key
    "failed",
    "not_answering",  # the module does not come back from a call
})  # fmt: skip


class CardError(Exception):
    """Why a card gave no signature; `code` is one of CODES, `detail` is for the log and holds no secret.

    tries: what the card says of the tries that are left; "ok" also where it says nothing.
    """

    def __init__(self, code: str, detail: str = "", *, tries: Tries = "ok") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        if code not in CODES:
            raise ValueError(f"unknown code of a card: {code}")
        self.code, self.detail, self.tries = code, detail, tries


class State(StrEnum):
    ABSENT = "absent"  # no card in any reader
    PRESENT = "present"
    LOCKED = "locked"
    UNREADABLE = "unreadable"  # Seen.code says why


@dataclass(frozen=True, slots=True)
class Seen:
    """What is in the readers now.

    holder: the name on the certificate, for the helper's window only. reader: its name, for the same use.
    code: of CODES, with State.UNREADABLE: no_module, no_certificate, several_cards, failed or not_answering; with
    State.ABSENT: no_reader, or none.
    fingerprint: SHA-256 of the certificate, in hexadecimal; of a card that could sign in.
    """

    state: State
    holder: str = ""
    tries: Tries = "ok"
    reader: str = ""
    code: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A Web eID authentication token, format 1.0. Certificate (DER) and signature in Base64; r‖s for ECDSA."""

    unverified_certificate: str
    algorithm: str
    signature: str
    format: str
    app_version: str

    def as_json(self) -> Mapping[str, str]:
        return {
            "unverifiedCertificate": self.unverified_certificate,
            "algorithm": self.algorithm,
            "signature": self.signature,
            "format": self.format,
            "appVersion": self.app_version,
        }


class Card(Protocol):
    """Whatever card is in a reader now: one object for the whole process. Its methods may be called from any thread."""

    def look(self) -> Seen:
        """What is in the readers. Cheap enough to be polled; waits for a signature under way; never raises."""

    def sign(self, pin: str, origin: str, nonce: str, expected: str | None = None) -> Token:
        """Try the PIN once, sign for `origin` (as the browser sent it) and `nonce` (its text), log out.

        expected: the fingerprint of the card whose PIN it is. Another card is given no PIN: card_removed.
        Raises CardError. The PIN is in no exception, log or representation.
        """
