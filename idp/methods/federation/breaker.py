"""A circuit breaker: an upstream that does not answer is not waited for by every login."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Final

from idp.outgoing import Unreachable

FAILURES: Final = 3  # one after another
SAID_FOR: Final = timedelta(minutes=2)  # since the last one


class Breaker:
    """Closed until FAILURES calls in a row got no answer; then one call at a time, until one is answered. Thread-safe.

    It is this process's: each worker finds out by itself.
    """

    def __init__(self) -> None:
        self._failures, self._failed_at = 0, datetime.min.replace(tzinfo=UTC)
        self._is_trying = False
        self._lock = Lock()

    def is_open(self, now: datetime) -> bool:
        """Whether to say that the upstream does not answer; not for ever where nobody tries."""
        with self._lock:
            return self._failures >= FAILURES and now - self._failed_at < SAID_FOR

    @contextmanager
    def call(self, now: datetime) -> Iterator[None]:
        """Around what may raise Unreachable; anything else is an answer. Raises it at once in another's turn."""
        with self._lock:
            is_alone = self._failures >= FAILURES
            if is_alone and self._is_trying:
                raise Unreachable("no_answer", "it has not answered lately, and somebody else is trying")
            self._is_trying = self._is_trying or is_alone
        failed = False
        try:
            yield
        except Unreachable:
            failed = True
            raise
        finally:
            self._settle(now, failed=failed, was_alone=is_alone)

    def _settle(self, now: datetime, *, failed: bool, was_alone: bool) -> None:
        with self._lock:
            self._failures = self._failures + 1 if failed else 0
            self._failed_at = now if failed else self._failed_at
            self._is_trying = self._is_trying and not was_alone
