"""State that may die within 15 minutes, in Redis (or fakeredis in one process). Keys of secrets are digests."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import redis

from idp.clock import Clock
from idp.domain.ids import digest
from idp.errors import Unavailable

# A record is "<version> <expiry, ms> <JSON>": the script reads the numbers, and leaves the JSON to Python.
# Write `ARGV[2]` only if the stored version is `ARGV[1]` and it lives at `ARGV[3]`; the life of the key is kept.
SWAP = """
local found = redis.call('GET', KEYS[1])
if not found then return 0 end
local version, expiry = string.match(found, '^(%d+) (%d+) ')
if version ~= ARGV[1] or tonumber(expiry) <= tonumber(ARGV[3]) then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
return 1
"""
EMBEDDED = "embedded"
SWEEP_EVERY = timedelta(minutes=1)


class Ephemeral:
    """Each operation is one atomic command. Expiry is decided by our clock; the server's TTL only cleans up."""

    def __init__(self, client: "redis.Redis", clock: Clock, *, sweeps: bool = False) -> None:
        """sweeps: the store frees what has expired only when it is looked at (fakeredis), so it is looked at."""
        self._redis, self._clock = client, clock
        self._swap = client.register_script(SWAP)
        self._sweeps, self._swept_at = sweeps, clock.now()

    def put(self, kind: str, key: str, value: Mapping[str, Any], ttl: timedelta) -> None:
        """Store `value` (JSON), replacing what was there; its version is 0."""
        now = self._clock.now()
        with _answering():
            if self._sweeps and now - self._swept_at >= SWEEP_EVERY:
                self._swept_at = now
                self._redis.keys("*")
            self._redis.set(_name(kind, key), self._pack(value, now + ttl, 0), ex=ttl)

    def get(self, kind: str, key: str) -> dict[str, Any] | None:
        """The value, None if there is none or it has expired."""
        found = self.get_versioned(kind, key)
        return None if found is None else found[0]

    def get_versioned(self, kind: str, key: str) -> tuple[dict[str, Any], int] | None:
        """The value and the version that `swap` asks for."""
        with _answering():
            return self._unpack(self._redis.get(_name(kind, key)))

    def take(self, kind: str, key: str) -> dict[str, Any] | None:
        """Read and delete in one command, so two requests cannot both succeed."""
        with _answering():
            found = self._unpack(self._redis.getdel(_name(kind, key)))
        return None if found is None else found[0]

    def swap(self, kind: str, key: str, version: int, value: Mapping[str, Any], expires_at: datetime) -> bool:
        """Replace the value if its version is still `version`; False if another request was first or it is gone."""
        packed = self._pack(value, expires_at, version + 1)
        with _answering():
            return bool(self._swap(keys=[_name(kind, key)], args=[version, packed, _milliseconds(self._clock.now())]))

    def count(self, kind: str, key: str, window: timedelta) -> int:
        """Add one to a counter of the current window of time; returns the sum."""
        name = self._window(kind, key, window)
        with _answering(), self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(name)
            pipe.expire(name, window * 2)
            return int(pipe.execute()[0])

    def counted(self, kind: str, key: str, window: timedelta) -> int:
        """The sum of `count` in the current window."""
        with _answering():
            return int(self._redis.get(self._window(kind, key, window)) or 0)

    def ping(self) -> None:
        """Raises Unavailable if the store does not answer."""
        with _answering():
            self._redis.ping()

    def _window(self, kind: str, key: str, window: timedelta) -> str:
        return f"{_name(kind, key)}:{int(self._clock.now().timestamp() // window.total_seconds())}"

    @staticmethod
    def _pack(value: Mapping[str, Any], expires_at: datetime, version: int) -> str:
        return f"{version} {_milliseconds(expires_at)} {json.dumps(value)}"

    def _unpack(self, raw: Any) -> tuple[dict[str, Any], int] | None:
        if raw is None:
            return None
        version, expiry, value = raw.split(b" ", 2)
        if _milliseconds(self._clock.now()) >= int(expiry):
            return None
        return json.loads(value), int(version)


def connect(url: str) -> "redis.Redis":
    """A client for a redis:// address, or the embedded store of this process for `embedded`."""
    if url == EMBEDDED:
        import fakeredis  # noqa: PLC0415 - only where it is used: it is heavy

        return fakeredis.FakeRedis()
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _name(kind: str, key: str) -> str:
    return f"sesame:{kind}:{digest(key)}"


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise Unavailable(f"ephemeral store: {error}") from error
