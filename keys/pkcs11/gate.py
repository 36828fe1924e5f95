"""Who may call a PKCS#11 module: one thread alone, or several that only sign, on a module that allows it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Whoever wants to be alone is let in before those who come to sign later."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._beside = 0
        self._wanting_alone = 0
        self._is_taken = False

    @contextmanager
    def alone(self) -> Iterator[None]:
        with self._changed:
            self._wanting_alone += 1
            self._changed.wait_for(lambda: not self._is_taken and not self._beside)
            self._wanting_alone -= 1
            self._is_taken = True
        try:
            yield
        finally:
            with self._changed:
                self._is_taken = False
                self._changed.notify_all()

    @contextmanager
    def beside_others(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._is_taken and not self._wanting_alone)
            self._beside += 1
        try:
            yield
        finally:
            with self._changed:
                self._beside -= 1
                self._changed.notify_all()
