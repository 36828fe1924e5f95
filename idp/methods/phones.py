"""Port of a Context to logins that a phone approves."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from idp.domain.phone_request import Approval, State


@dataclass(frozen=True, slots=True)
class Opened:
    """A request that a phone may approve now. code: what is typed on the phone by who cannot scan."""

    id: str
    code: str


@dataclass(frozen=True, slots=True)
class Seen:
    """What the computer may know of its request. number: once it was scanned, and not before.

    left: until it expires.
    """

    state: State
    number: str | None = None
    left: timedelta = timedelta(0)


class Phones(Protocol):
    """Requests of this login, in this browser. address: where a short code is typed, as people write it."""

    @property
    def address(self) -> str: ...

    def open(self, *, same_network: bool) -> Opened:
        """A new one. same_network: only a phone of the computer's network approves it."""

    def look(self, request_id: str) -> Seen:
        """How it stands; expired for what is not this login's, or is gone. Changes nothing."""

    def take(self, request_id: str) -> Approval | None:
        """Who approved it: once; of two at once the second goes no further. None if nobody did."""

    def drop(self, request_id: str) -> None:
        """It is of no use any more: another takes its place."""
