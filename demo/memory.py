"""What a relying party of the demo remembers between two requests: in memory, bounded, forgotten at the end."""

import secrets
import threading
from collections import OrderedDict
from typing import Generic, TypeVar

Value = TypeVar("Value")

MAX_ENTRIES = 1000


class Memory(Generic[Value]):
    """A dictionary shared by the threads of one application; the oldest entry makes place for the newest.

    Cookies hold a random key only: an ID Token would not fit, and a browser has no business reading it.
    `get`, `set` and `delete` are those that Authlib expects of a cache.
    """

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._entries: OrderedDict[str, Value] = OrderedDict()
        self._max_entries = max_entries
        self._lock = threading.Lock()

    def get(self, key: str) -> Value | None:
        with self._lock:
            return self._entries.get(key)

    def set(self, key: str, value: Value, timeout_s: int | None = None) -> None:  # noqa: ARG002 - Authlib's signature; the bound is enough here
        with self._lock:
            self._entries.pop(key, None)
            self._entries[key] = value
            while len(self._entries) > self._max_entries:
                self._entries.popitem(last=False)

    def take(self, key: str) -> Value | None:
        """Read and forget at once, so that of two requests one succeeds."""
        with self._lock:
            return self._entries.pop(key, None)

    def values(self) -> list[Value]:
        """The oldest first."""
        with self._lock:
            return list(self._entries.values())

    def delete(self, key: str) -> None:
        with self._lock:
            self._entries.pop(key, None)

    def keep(self, value: Value) -> str:
        """Store under a new key that nobody can guess, and return the key."""
        key = secrets.token_urlsafe(32)
        self.set(key, value)
        return key
