"""How many attempts are allowed, and how long to wait (RIE v1 EXI 25)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `most` in `window`. From the `free`-th in a row on, wait `delay`, doubled each time up to `longest`."""

    most: int
    window: timedelta
    free: int | None = None
    delay: timedelta = timedelta(0)
    longest: timedelta = timedelta(minutes=15)


ATTEMPTS = Limit(most=25, window=timedelta(hours=24), free=5, delay=timedelta(seconds=65))
MAILS = Limit(most=5, window=timedelta(hours=1))
RESET_MAILS = Limit(most=20, window=timedelta(hours=1))  # for an account, from all networks together
NOTICES = Limit(
    most=3, window=timedelta(hours=24)
)  # of logins from new browsers, or of requests to close, for an account
ACCESS_REQUESTS = Limit(most=10, window=timedelta(hours=24))  # of an account, for whatever services
PICTURES = Limit(most=20, window=timedelta(hours=1))  # sent by an account, drawn or not
DRAFTS = Limit(most=20, window=timedelta(hours=1))  # registrations begun in a browser
PASSWORDS = Limit(most=20, window=timedelta(hours=1))  # chosen for a registration: each is hashed
LIMITS = (ATTEMPTS, MAILS, RESET_MAILS, NOTICES, PICTURES, DRAFTS, PASSWORDS, ACCESS_REQUESTS)
LONGEST_WINDOW = max(limit.window for limit in LIMITS)


def wait(limit: Limit, stamps: Sequence[datetime], in_a_row: int, now: datetime) -> timedelta:
    """Time until the next attempt is allowed, zero when it is. `stamps`: earlier ones, oldest first."""
    recent = [at for at in stamps if now - at < limit.window]
    if not recent:
        return timedelta(0)
    if len(recent) >= limit.most:
        return recent[-limit.most] + limit.window - now
    if limit.free is None or in_a_row < limit.free:
        return timedelta(0)
    doublings: int = min(in_a_row - limit.free, 20)
    pause = min(limit.delay * (1 << doublings), limit.longest)
    return max(recent[-1] + pause - now, timedelta(0))
