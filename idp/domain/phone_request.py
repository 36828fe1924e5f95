"""One request to approve a login on a phone: its states, what a QR code of it holds, and the number to compare.

PENDING ──scan──► SCANNED ──approve──► APPROVED ──take──► TAKEN    what is over stays over; EXPIRED is
                     └──────refuse──► REFUSED                      whatever is not, after two minutes
"""

import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

LIFETIME = timedelta(minutes=2)
GRACE = timedelta(seconds=30)  # the computer still takes what was approved at the last moment
WINDOW = timedelta(seconds=30)  # a QR code is drawn anew
CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # RFC 8628 §6.1: no word comes of them, none is taken for another
CODE_LENGTH = 8
MAX_WRONG = 3  # numbers
MAX_TOKEN = 100  # characters
ID_BYTES, MAC_DIGITS = 16, 32
APPROVES = "approve"  # what a phone's key signs is for
Mac = Callable[..., str]


class State(StrEnum):
    PENDING = "pending"
    SCANNED = "scanned"
    APPROVED = "approved"
    REFUSED = "refused"
    TAKEN = "taken"
    EXPIRED = "expired"


class RequestRefused(Exception):
    """Why nothing comes of it: "foreign" (no QR code or short code of ours, or no more), "expired", "scanned" (by
    another phone), "refused", "approved", "busy" (another answer was first), "number_wrong", "other_network".
    """

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Approval:
    """Which key of which account approved. amr: RFC 8176 §2. same_network: it was asked that both be in one."""

    credential_id: str
    account_id: str
    login_name: str
    amr: tuple[str, ...]
    same_network: bool = False


@dataclass(frozen=True, slots=True)
class PhoneRequest:
    """interaction: digest of the login's handle. service, user_agent, network: what the phone shows of the computer.
    network: a prefix. place: the operator's label of the network, or the address, None if unknown, which
    `same_network` compares. phone: digest of the name of the phone's browser, which scanned it. challenge: base64 of
    what the phone's key signs next. number: two digits that the computer shows once it was scanned. account_id: whose
    first factor the login has, None where it asks for none.
    """

    id: str
    interaction: str = field(repr=False)
    client_id: str
    service: str
    user_agent: str
    network: str
    place: str | None
    same_network: bool
    opened_at: datetime
    state: State = State.PENDING
    phone: str | None = field(default=None, repr=False)
    challenge: str | None = field(default=None, repr=False)
    number: str | None = field(default=None, repr=False)
    wrong: int = 0
    approval: Approval | None = None
    account_id: str | None = field(default=None, repr=False)
    version: int = 0

    @property
    def expires_at(self) -> datetime:
        return self.opened_at + LIFETIME

    @property
    def kept_until(self) -> datetime:
        return self.expires_at + GRACE

    def state_at(self, now: datetime) -> State:
        is_open = self.state in (State.PENDING, State.SCANNED)
        return State.EXPIRED if is_open and now >= self.expires_at else self.state

    def left(self, now: datetime) -> timedelta:
        return max(self.expires_at - now, timedelta(0))

    def window(self, now: datetime) -> int:
        """How often the QR code was drawn anew; a server whose clock is behind draws the first one."""
        return max((now - self.opened_at) // WINDOW, 0)

    def scanned(self, phone: str, now: datetime) -> "PhoneRequest":
        """Bound to one phone's browser, with a number and a challenge of their own. Raises RequestRefused.

        The same phone again changes nothing: the person came back to the page.
        """
        if self.state is State.SCANNED and self.state_at(now) is State.SCANNED and self.is_of(phone):
            return self
        self._require(State.PENDING, now)
        number = f"{10 + secrets.randbelow(90)}"
        return replace(self, state=State.SCANNED, phone=phone, number=number, challenge=new_challenge())

    def is_of(self, phone: str) -> bool:
        return self.phone is not None and hmac.compare_digest(self.phone, phone)

    def answered(self, phone: str, challenge: str, typed: str, now: datetime) -> "PhoneRequest":
        """The phone answers with the number that its holder typed. challenge: of the page that was answered.

        Whatever comes of it, the challenge is spent, so that an answer that is sent twice stops here. The third wrong
        number ends it: whoever guesses does not see the computer's screen. Raises RequestRefused.
        """
        self.require_phone(phone, now)
        if not hmac.compare_digest((self.challenge or "").encode(), challenge.encode()):
            raise RequestRefused("busy")
        wrong = self.wrong + (not self.has_number(typed))
        state = State.REFUSED if wrong >= MAX_WRONG else self.state
        return replace(self, challenge=new_challenge(), wrong=wrong, state=state)

    def has_number(self, typed: str) -> bool:
        return self.number is not None and hmac.compare_digest(self.number, re.sub(r"[^0-9]", "", typed))

    def approved(self, phone: str, by: Approval, now: datetime) -> "PhoneRequest":
        """Raises RequestRefused."""
        self.require_phone(phone, now)
        by = replace(by, same_network=self.same_network)
        return replace(self, state=State.APPROVED, approval=by, challenge=None)

    def taken(self) -> "PhoneRequest":
        """The computer has it: what was approved is used up. Raises RequestRefused."""
        if self.state is not State.APPROVED:
            raise RequestRefused(self.state.value)
        return replace(self, state=State.TAKEN, approval=None)

    def refused(self, phone: str, now: datetime) -> "PhoneRequest":
        """Raises RequestRefused."""
        self.require_phone(phone, now)
        return replace(self, state=State.REFUSED, challenge=None)

    def require_phone(self, phone: str, now: datetime) -> None:
        """That it waits for the answer of this phone. Raises RequestRefused."""
        if not self.is_of(phone):
            raise RequestRefused("expired" if self.state_at(now) is State.EXPIRED else "scanned")
        self._require(State.SCANNED, now)

    def _require(self, wanted: State, now: datetime) -> None:
        found = self.state_at(now)
        if found is not wanted:
            raise RequestRefused("approved" if found is State.TAKEN else found.value)

    def to_json(self) -> dict[str, Any]:
        kept = {**asdict(self), "opened_at": self.opened_at.isoformat(), "state": self.state.value}
        return {name: value for name, value in kept.items() if name not in ("id", "version")}

    @classmethod
    def from_json(cls, id: str, version: int, data: Mapping[str, Any]) -> "PhoneRequest":  # noqa: A002
        by = data["approval"]
        approval = Approval(**{**by, "amr": tuple(by["amr"])}) if by else None
        rest = {
            **data,
            "opened_at": datetime.fromisoformat(data["opened_at"]),
            "state": State(data["state"]),
            "approval": approval,
        }
        return cls(id=id, version=version, **rest)


def new_request_id() -> str:
    """128 random bits, hexadecimal."""
    return secrets.token_hex(ID_BYTES)


def new_challenge() -> str:
    """32 random bytes, base64url without padding."""
    return secrets.token_urlsafe(32)


def new_code() -> str:
    """34 random bits, for who cannot scan."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def shown_code(code: str) -> str:
    """In two halves, as people read it out."""
    return f"{code[:4]}-{code[4:]}"


def clean_code(typed: str) -> str | None:
    """The letters of a short code as it was typed, None if it cannot be one."""
    code = re.sub(r"[\s\-‐-―.]", "", typed[:MAX_TOKEN]).upper()
    return code if len(code) == CODE_LENGTH and set(code) <= set(CODE_LETTERS) else None


def token_of(request: PhoneRequest, now: datetime, mac: Mac) -> str:
    """What the QR code of this half minute holds: nothing is stored of it."""
    window = str(request.window(now))
    return ".".join((request.id, window, _mac(mac, request.id, window)))


def read_token(token: str, mac: Mac) -> tuple[str, int]:
    """The request's id, and the half minute for which it was drawn. Raises RequestRefused: we did not draw it."""
    found = re.fullmatch(r"([0-9a-f]{32})\.([0-9]{1,3})\.([0-9a-f]{32})", token, re.ASCII)
    if found is None or not hmac.compare_digest(found[3], _mac(mac, found[1], found[2])):
        raise RequestRefused("foreign")
    return found[1], int(found[2])


def require_window(request: PhoneRequest, drawn_for: int, now: datetime) -> None:
    """The QR code of now, the one before, or the next: the clocks of two servers differ. Raises RequestRefused."""
    if abs(request.window(now) - drawn_for) > 1:
        raise RequestRefused("expired")


def signed_parts(issuer: str, request_id: str, challenge: str, number: str) -> tuple[str, ...]:
    """What the key of a phone without passkeys signs (`idp.domain.phone.signed_text`), as `phone_approve.js` does."""
    return issuer, APPROVES, request_id, challenge, number


def _mac(mac: Mac, request_id: str, window: str) -> str:
    return mac("qr request", request_id, window)[:MAC_DIGITS]
