"""What is kept of a session at an upstream, beside the session here that rests on it."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class UpstreamLogin:
    """As the upstream said it. id_token: None where the session there could not be ended by it."""

    sub: str = field(repr=False)
    sid: str | None = field(repr=False)
    id_token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class UpstreamSession:
    """As it is stored: the newest of each method in a session. sub_digest, sid_digest: keyed, to be found by.

    signed_in_at: when the login there reached us, by our clock.
    sealed: the ID Token, which is the hint that ends the session there; None where that cannot be done.
    """

    method: str
    signed_in_at: datetime
    sub_digest: str
    sid_digest: str | None
    sealed: bytes | None = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        sealed = None if self.sealed is None else base64.b64encode(self.sealed).decode("ascii")
        at = self.signed_in_at.isoformat()
        return {"method": self.method, "at": at, "sub": self.sub_digest, "sid": self.sid_digest, "sealed": sealed}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "UpstreamSession":
        sealed = None if data["sealed"] is None else base64.b64decode(data["sealed"])
        return cls(data["method"], datetime.fromisoformat(data["at"]), data["sub"], data["sid"], sealed)
