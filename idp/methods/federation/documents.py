"""What an upstream publishes, metadata and keys: fetched when first needed, kept, and kept on while it fails."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any, Final

from idp.methods.federation.faults import LoginRefused
from idp.outgoing import Unreachable

KEEP: Final = timedelta(hours=1)
ASK_AGAIN_AFTER: Final = timedelta(minutes=1)  # for an unknown key, and before somebody is sent there
FAILED_FOR: Final = timedelta(seconds=15)
GOOD_FOR: Final = timedelta(hours=24)  # where nothing newer can be had: a key that was withdrawn must die
SPARE: Final = 0.25  # of the caller's time, for a newer copy of what is good as it is

Fetch = Callable[[float], Mapping[str, Any]]


class Document:
    """One JSON object at one address. Thread-safe: one thread asks, others go on with what there is, or wait for it."""

    def __init__(self) -> None:
        self._given: tuple[Mapping[str, Any], datetime] | None = None
        self._asked_at: datetime | None = None
        self._failure: Unreachable | LoginRefused | None = None
        self._lock = Lock()

    def get(
        self, fetch: Fetch, now: datetime, *, wait_s: float, anew: bool = False, answered: bool = False
    ) -> Mapping[str, Any]:
        """fetch: within so many seconds; raises Unreachable, and LoginRefused for what is not sound, which replaces
        nothing. anew: asked again, unless that was done within a minute. wait_s: for it, or for another thread's.
        answered: by somebody who has answered within a minute; after Unreachable each call asks again, one at a time.

        Raises Unreachable, LoginRefused where there is nothing to go on with; Unreachable where nobody `answered`.
        """
        can_go_on = self._good(now) is not None and not anew
        is_again = can_go_on and answered and self._is_out
        due = partial(self._is_due, now, soon=anew or answered, at_once=is_again)
        if due() and self._lock.acquire(timeout=0 if can_go_on else wait_s):
            try:
                if due():
                    self._renew(fetch, now, wait_s * SPARE if can_go_on and not is_again else wait_s)
            finally:
                self._lock.release()
        found, failure = self._good(now), self._failure
        if answered and isinstance(failure, Unreachable):
            raise failure
        if found is None:
            raise failure or Unreachable("too_slow", "still being fetched")
        return found

    def _renew(self, fetch: Fetch, now: datetime, timeout_s: float) -> None:
        try:
            self._given, self._failure = (fetch(timeout_s), now), None
        except (Unreachable, LoginRefused) as failure:
            self._failure = failure.with_traceback(None)  # raised again by others, it would only grow
        self._asked_at = now  # last: whoever sees it finds the rest

    def _good(self, now: datetime) -> Mapping[str, Any] | None:
        return self._given[0] if self._given is not None and now - self._given[1] < GOOD_FOR else None

    @property
    def _is_out(self) -> bool:
        return isinstance(self._failure, Unreachable)

    def _is_due(self, now: datetime, *, soon: bool, at_once: bool) -> bool:
        if self._asked_at is None or at_once:
            return True
        wait = FAILED_FOR if self._failure else ASK_AGAIN_AFTER if soon else KEEP
        return now - self._asked_at >= wait
