"""State that may die within 15 minutes, in Redis (or fakeredis in one process). Keys of secrets are digests."""

import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
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
EPOCH = "sesame:epoch"
MARKS_AT_ONCE = 1000
SWEEP_EVERY = timedelta(minutes=1)


class Ephemeral:
    """Each operation is one atomic command. Expiry is decided by our clock; the server's TTL only cleans up."""

    def __init__(self, client: "redis.Redis", clock: Clock, *, sweeps: bool = False) -> None:
        """sweeps: the store frees what has expired only when it is looked at (fakeredis), so it is looked at."""
        self._redis, self._clock = client, clock
        self._swap = client.register_script(SWAP)
        self._sweeps, self._swept_at = sweeps, clock.now()

    def put(self, kind: str, key: str, value: Mapping[str, Any], ttl: timedelta, *, beside: str = "") -> None:
        """Store `value` (JSON), replacing what was there; its version is 0.

        beside: what is stored beside the same word (no secret) is on one server of a cluster, and can be read together.
        """
        self._put(_name(kind, key, beside), value, ttl, 0)

    def renew(self, kind: str, key: str, value: Mapping[str, Any], ttl: timedelta) -> None:
        """As `put`, where another value may be or have been that somebody holds the version of: they swap nothing."""
        self._put(_name(kind, key), value, ttl, secrets.randbits(62))

    def _put(self, name: str, value: Mapping[str, Any], ttl: timedelta, version: int) -> None:
        now = self._clock.now()
        with _answering():
            if self._sweeps and now - self._swept_at >= SWEEP_EVERY:
                self._swept_at = now
                self._redis.keys("*")
            self._send("SET", name, self._pack(value, now + ttl, version), "PX", _milliseconds_of(ttl))

    def get(self, kind: str, key: str, *, beside: str = "") -> dict[str, Any] | None:
        """The value, None if there is none or it has expired."""
        found = self.get_versioned(kind, key, beside=beside)
        return None if found is None else found[0]

    def get_unless_marked(self, kind: str, key: str, *, beside: str, mark: str) -> dict[str, Any] | None:
        """The value, None if `mark` was put on `beside`; both are read in one command."""
        with _answering():
            marked, found = self._send("MGET", _mark(mark, beside), _name(kind, key, beside))
        value = None if marked is not None else self._unpack(found)
        return None if value is None else value[0]

    def mark(self, mark: str, words: Collection[str], ttl: timedelta) -> None:
        """Put `mark` on these words for `ttl`: all of them, or Unavailable is raised."""
        with _answering():
            marked = list(words)
            for first in range(0, len(marked), MARKS_AT_ONCE):
                with self._redis.pipeline(transaction=False) as pipe:
                    for word in marked[first : first + MARKS_AT_ONCE]:
                        pipe.set(_mark(mark, word), b"1", px=_milliseconds_of(ttl))
                    pipe.execute()

    def get_versioned(self, kind: str, key: str, *, beside: str = "") -> tuple[dict[str, Any], int] | None:
        """The value and the version that `swap` asks for."""
        with _answering():
            return self._unpack(self._send("GET", _name(kind, key, beside)))

    def take(self, kind: str, key: str, *, beside: str = "") -> dict[str, Any] | None:
        """Read and delete in one command, so two requests cannot both succeed."""
        with _answering():
            found = self._unpack(self._send("GETDEL", _name(kind, key, beside)))
        return None if found is None else found[0]

    def swap(self, kind: str, key: str, version: int, value: Mapping[str, Any], expires_at: datetime) -> bool:
        """Replace the value if its version is still `version`; False if another request was first or it is gone."""
        packed = self._pack(value, expires_at, version + 1)
        with _answering():
            return bool(self._swap(keys=[_name(kind, key)], args=[version, packed, _milliseconds(self._clock.now())]))

    def once(self, kind: str, key: str, ttl: timedelta) -> bool:
        """True for the first caller with this key, False for all others for at least `ttl`."""
        with _answering():
            return bool(self._send("SET", _name(kind, key), b"1", "PX", max(1, _milliseconds_of(ttl)), "NX"))

    def epoch(self) -> datetime:
        """The store's birth: what was said to be used before it is forgotten. Asked of the store each time."""
        with _answering():
            found = self._redis.get(EPOCH)
            if found is None:
                self._redis.set(EPOCH, _milliseconds(self._clock.now()), nx=True)
                found = self._redis.get(EPOCH)
        if found is None:
            raise Unavailable("ephemeral store: it keeps nothing")
        return datetime.fromtimestamp(int(found) / 1000, UTC)

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
            return int(self._send("GET", self._window(kind, key, window)) or 0)

    def ping(self) -> None:
        """Raises Unavailable if the store does not answer."""
        with _answering():
            self._redis.ping()

    def eviction_policy(self) -> str | None:
        """What the server does when its memory is full (`noeviction` is what we need); None if it does not say."""
        for ask in (self._configured_policy, self._policy_in_use):
            try:
                with _answering():
                    policy = ask()
                    return str(policy) if policy else None
            except Unavailable as error:
                if not isinstance(error.__cause__, redis.ResponseError):  # NOPERM, or an unknown command
                    raise
        return None

    def server_time(self) -> datetime:
        """What the server's clock says."""
        with _answering():
            found: Any = self._redis.time()
        return datetime.fromtimestamp(found[0] + found[1] / 1_000_000, UTC)

    def close(self) -> None:
        self._redis.close()

    def _configured_policy(self) -> Any:
        found: Any = self._redis.config_get("maxmemory-policy")
        return found.get("maxmemory-policy") or self._policy_in_use()

    def _policy_in_use(self) -> Any:
        found: Any = self._redis.info("memory")
        return found.get("maxmemory_policy")

    def _window(self, kind: str, key: str, window: timedelta) -> str:
        return f"{_name(kind, key)}:{int(self._clock.now().timestamp() // window.total_seconds())}"

    def _send(self, *command: str | bytes | int) -> Any:
        """One command on a connection of the pool: what redis-py does around each costs more than the command. That
        includes its repetition on another connection after a failure, which is left to it.
        """
        client: Any = self._redis
        connection = client.connection_pool.get_connection()
        try:
            connection.send_command(*command)
            return connection.read_response()
        except redis.ConnectionError:
            return client.execute_command(*command)
        finally:
            client.connection_pool.release(connection)

    @staticmethod
    def _pack(value: Mapping[str, Any], expires_at: datetime, version: int) -> str:
        return f"{version} {_milliseconds(expires_at)} {json.dumps(value)}"

    def _unpack(self, raw: Any) -> tuple[dict[str, Any], int] | None:
        if raw is None:
            return None
        version, expiry, value = raw.split(b" ", 2)
        if _milliseconds(self._clock.now()) >= int(expiry):
            return None
        return json.loads(value.decode()), int(version)  # of bytes it would guess the encoding


def connect(url: str) -> "redis.Redis":
    """A client for a redis:// address, or the embedded store of this process for `embedded`."""
    if url == EMBEDDED:
        import fakeredis  # noqa: PLC0415 - only where it is used: it is heavy

        return fakeredis.FakeRedis(server=fakeredis.FakeServer())  # without one, it would be kept for ever
    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)


def _milliseconds_of(duration: timedelta) -> int:
    return int(duration.total_seconds() * 1000)


def _name(kind: str, key: str, beside: str = "") -> str:
    place = f"{{{beside}}}:" if beside else ""  # a hash tag (Redis Cluster specification, key distribution model)
    return f"sesame:{kind}:{place}{digest(key)}"


def _mark(mark: str, word: str) -> str:
    return f"sesame:{mark}:{{{word}}}"


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        raise Unavailable(f"ephemeral store: {error}") from error
