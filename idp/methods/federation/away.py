"""Somebody who is at the upstream: what their answer will be checked by, kept in the login's state until then."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

LIFETIME: Final = timedelta(minutes=10)  # at the upstream: find the card or the telephone, read, type


@dataclass(frozen=True, slots=True)
class Away:
    """max_age: that was asked for, as a Context's."""

    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    begun_at: datetime
    max_age: timedelta | None

    @classmethod
    def since(cls, now: datetime, max_age: timedelta | None) -> "Away":
        """Drawn anew. RFC 7636 §4.1: a verifier has 43 characters or more."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(48), now, max_age)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Away":
        """What `to_json` made."""
        max_age = None if kept["max_age_s"] is None else timedelta(seconds=kept["max_age_s"])
        return cls(kept["nonce"], kept["verifier"], datetime.fromisoformat(kept["begun_at"]), max_age)

    def to_json(self) -> dict[str, Any]:
        """For the login's state."""
        max_age_s = None if self.max_age is None else self.max_age.total_seconds()
        begun_at = self.begun_at.isoformat()
        return {"nonce": self.nonce, "verifier": self.verifier, "begun_at": begun_at, "max_age_s": max_age_s}

    def is_over(self, now: datetime) -> bool:
        """Whether they stayed too long."""
        return now - self.begun_at >= LIFETIME


@dataclass(frozen=True, slots=True)
class Returned:
    """What somebody brought back, and what they were away with."""

    code: str = field(repr=False)
    redirect_uri: str
    away: Away
