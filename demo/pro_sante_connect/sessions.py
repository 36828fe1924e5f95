"""Sessions of the simulator, and what was granted within them. In memory, bounded."""

import secrets
import uuid
from dataclasses import dataclass, field
from typing import Literal

from demo.memory import Memory
from demo.pro_sante_connect.authorization import AuthorizationRequest

Mode = Literal["CARD", "MOBILE"]
SESSION_S, IDLE_S = 4 * 3600, 30 * 60


@dataclass(slots=True)
class Session:
    """A person who logged in: `sid` is told to clients, the key is in the browser's cookie. Times in epoch seconds."""

    person: str
    mode: Mode
    auth_time: float
    used_at: float
    sid: str = field(default_factory=lambda: str(uuid.uuid4()))
    key: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    client_ids: set[str] = field(default_factory=set)

    def is_over(self, now: float) -> bool:
        return now >= self.auth_time + SESSION_S or now >= self.used_at + IDLE_S


@dataclass(frozen=True, slots=True)
class Grant:
    """An authorization code, until `expires_at`, or with a refresh token."""

    request: AuthorizationRequest
    session: Session
    expires_at: float


@dataclass(frozen=True, slots=True)
class Access:
    """An access token; `thumbprint` of the certificate that it is bound to, or empty."""

    grant: Grant
    expires_at: float
    thumbprint: str


class Sessions:
    """Those that are open, by `sid`."""

    def __init__(self) -> None:
        self._open: Memory[Session] = Memory()

    def begin(self, person: str, mode: Mode, now: float) -> Session:
        session = Session(person, mode, now, now)
        self._open.set(session.sid, session)
        return session

    def of_browser(self, key: str, now: float) -> Session | None:
        return next((each for each in self.open(now) if secrets.compare_digest(each.key, key)), None)

    def get(self, sid: str, now: float) -> Session | None:
        session = self._open.get(sid)
        return None if session is None or session.is_over(now) else session

    def end(self, sid: str) -> Session | None:
        return self._open.take(sid)

    def open(self, now: float) -> list[Session]:
        """The oldest first."""
        return [each for each in self._open.values() if not each.is_over(now)]
