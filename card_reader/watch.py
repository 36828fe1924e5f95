"""Watches the readers by asking again and again: python-pkcs11 0.10 cannot wait for an event."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Self

from card_reader.card import Card, Seen, State

log = logging.getLogger("card_reader")

NOT_ANSWERING = Seen(State.UNREADABLE, code="not_answering")
LEAST_S = 0.25  # for a look that a signature held up, and that ends now


class Watch:
    """Polls a card in a thread of its own, so that a module that never comes back holds up nobody else.

    answer_s: how long a look may take. The thread starts with the first question, or with a `with`, and stops at `end`.
    """

    def __init__(self, card: Card, *, every_s: float = 0.5, answer_s: float = 3.0) -> None:
        self._card, self._every_s, self._answer_s = card, every_s, answer_s
        self._changed = threading.Condition()
        self._seen = NOT_ANSWERING
        self._wanted = self._begun = self._done = 0  # numbers of looks
        self._began_at = 0.0
        self._ended = False
        self._thread: threading.Thread | None = None

    def look(self) -> Seen:
        """What is in the readers now; NOT_ANSWERING if a look takes too long, at once where that is known already."""
        with self._changed:
            self._start()
            now, before = time.monotonic(), self._done
            end = (self._began_at if self._begun > before else now) + self._answer_s
            wanted = self._wanted = self._begun + 1
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._ended or self._done >= wanted, max(end - now, LEAST_S))
            return self._seen if self._done > before else NOT_ANSWERING

    def wait_until(self, wanted: Callable[[Seen], bool], *, timeout_s: float) -> Seen:
        """What is in the readers once it is `wanted`; what is there then, when the time is over or the watch ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended or (self._done > 0 and wanted(self._seen)), timeout_s)
            return self._seen

    def __enter__(self) -> Self:
        with self._changed:
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(self._answer_s)

    def _start(self) -> None:
        if self._thread is None and not self._ended:
            self._thread = threading.Thread(target=self._poll, name="card-watch", daemon=True)
            self._thread.start()

    def _poll(self) -> None:
        while True:
            with self._changed:
                if self._ended:
                    return
                self._begun += 1
                self._began_at = time.monotonic()
            seen = self._look()
            with self._changed:
                self._seen, self._done = seen, self._begun
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._ended or self._wanted > self._begun, self._every_s)

    def _look(self) -> Seen:
        try:
            return self._card.look()
        except Exception as broken:  # it must not raise; if it does, the next look may do better
            log.error("a look at the readers failed: %s", type(broken).__name__)
            return Seen(State.UNREADABLE, code="failed")
