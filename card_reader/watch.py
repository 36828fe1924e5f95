"""Watches the readers by asking again and again: python-pkcs11 0.10 cannot wait for an event."""

import threading
from collections.abc import Callable
from typing import Self

from card_reader.card import Card, Seen


class Watch:
    """Polls a card in a thread, within a `with`. `seen` is what it saw last, and does not wait for the card."""

    def __init__(self, card: Card, *, every_s: float = 0.5) -> None:
        self._card, self._every_s = card, every_s
        self._changed = threading.Condition()
        self._seen = card.look()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="card-watch", daemon=True)

    @property
    def seen(self) -> Seen:
        with self._changed:
            return self._seen

    def wait_until(self, wanted: Callable[[Seen], bool], *, timeout_s: float) -> Seen:
        """What is in the readers once it is `wanted`; what is there then, when the time is over or the watch ends."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended.is_set() or wanted(self._seen), timeout_s)
            return self._seen

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join()

    def _poll(self) -> None:
        while not self._ended.wait(self._every_s):
            seen = self._card.look()
            with self._changed:
                if seen != self._seen:
                    self._seen = seen
                    self._changed.notify_all()
