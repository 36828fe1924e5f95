"""The form of a first login by a means that proves a national identity nobody holds: what it was told, and its code."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Completion:
    """An address that was typed, and the code that was sent there.

    given_name, family_name: as they were typed, where the means did not say them; they link nothing. sending: names the
    letter; mac: keyed digest of its code, empty once that was used; proven_at: when it was.
    """

    email: str
    given_name: str
    family_name: str
    sending: str
    mac: str = field(repr=False)
    sent_at: datetime
    expires_at: datetime
    tries: int = 0
    proven_at: datetime | None = None

    def tried(self) -> "Completion":
        return replace(self, tries=self.tries + 1)

    def proven(self, now: datetime) -> "Completion":
        """The code was right: it is good no more."""
        return replace(self, mac="", proven_at=now)

    def to_json(self) -> dict[str, Any]:
        moments = {"sent_at": self.sent_at, "expires_at": self.expires_at, "proven_at": self.proven_at}
        return {**asdict(self), **{name: at and at.isoformat() for name, at in moments.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Completion":
        moments = {
            name: data[name] and datetime.fromisoformat(data[name]) for name in ("sent_at", "expires_at", "proven_at")
        }
        return cls(**{**data, **moments})
