"""A browser that signed in: a list of proofs, not a flag."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from idp.domain.authn import Proof


@dataclass(frozen=True, slots=True)
class Session:
    """session_id is public (the `sid` claim); the cookie is another value, stored as a digest.

    is_current: False when it was read by the cookie of before a rotation, which works for 10 s more and can rotate no
    further.
    """

    session_id: str
    account_id: str
    proofs: tuple[Proof, ...]
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_current: bool = True

    def is_alive(self, now: datetime, idle: timedelta) -> bool:
        """Absolute and idle limits (the national draft's RIE-PS 13: 4 h and 30 min)."""
        return now < self.expires_at and now - self.last_seen_at < idle
