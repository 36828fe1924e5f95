"""How often windows may open: a page must not wear a person down, nor hide its question behind a hundred others."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Literal

Outcome = Literal["answered", "cancelled", "abandoned"]
IN_A_ROW = {"cancelled": 2, "abandoned": 5}  # a page that is loaded again abandons its question
QUIET_S = 60.0
MOST_QUIET_S = 3600.0


class Patience:
    """After `IN_A_ROW` questions that the person cancelled, or that the asker abandoned, no more for `QUIET_S`;
    each time twice as long as the time before, `MOST_QUIET_S` at most, until the person answers one.

    Askers are counted apart; the caller bounds how many there are. now: seconds of a clock that never goes back.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._counts: Counter[tuple[str, str]] = Counter()
        self._quiet_until: dict[str, float] = {}
        self._quiet_s: dict[str, float] = {}
        self._lock = threading.Lock()

    def is_over(self, asker: str) -> bool:
        with self._lock:
            return self._now() < self._quiet_until.get(asker, 0.0)

    def note(self, asker: str, outcome: Outcome) -> None:
        with self._lock:
            if outcome == "answered":
                self._forget(asker)
                self._quiet_s.pop(asker, None)
                return
            self._counts[asker, outcome] += 1
            if self._counts[asker, outcome] >= IN_A_ROW[outcome]:
                self._forget(asker)
                quiet_s = self._quiet_s.get(asker, QUIET_S)
                self._quiet_until[asker] = self._now() + quiet_s
                self._quiet_s[asker] = min(2 * quiet_s, MOST_QUIET_S)

    def _forget(self, asker: str) -> None:
        for outcome in IN_A_ROW:
            self._counts.pop((asker, outcome), None)
