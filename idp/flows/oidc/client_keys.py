"""The public keys of clients, registered or fetched from their `jwks_uri` (RFC 7517, OIDC Core §10.1)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import BoundedSemaphore, Lock
from typing import Any, Final

import structlog

from idp.clock import Clock
from idp.domain.client import Client
from idp.errors import Unavailable
from idp.outgoing import Outgoing, Unreachable
from keys.jws import InvalidToken

KEEP: Final = timedelta(minutes=10)
ASK_AGAIN_AFTER: Final = timedelta(minutes=1)  # for a kid that is not in the set
FAILED_FOR: Final = timedelta(seconds=30)
GOOD_FOR: Final = timedelta(hours=24)  # where no newer ones can be had: a key that its owner withdrew must die
MAX_BYTES: Final = 65_536
ACCEPT: Final = "application/jwk-set+json, application/json"

Fetch = Callable[[str], bytes]


@dataclass(slots=True)
class _Copy:
    """What one address last gave, and when it was asked for that; when it was asked last, and whether it failed."""

    given: tuple[Mapping[str, Any], datetime] | None = None
    asked_at: datetime | None = None
    has_failed: bool = False
    lock: Lock = field(default_factory=Lock)

    def good(self, now: datetime) -> Mapping[str, Any] | None:
        return self.given[0] if self.given is not None and now - self.given[1] < GOOD_FOR else None


class ClientKeys:
    """Keeps what it fetched for 10 minutes, and for a day if the address gives nothing newer. Thread-safe.

    Each address is asked by one thread at a time, and nobody waits for another's answer.
    """

    def __init__(self, fetch: Fetch, clock: Clock, *, at_once: int = 4) -> None:
        """fetch: the body that an address answers; raises Unreachable. at_once: addresses asked at a time."""
        self._fetch, self._clock, self._places = fetch, clock, BoundedSemaphore(at_once)
        self._copies: dict[str, _Copy] = {}

    def of(self, client: Client, anew: bool) -> Mapping[str, Any]:
        """The client's JWK Set. anew: asked again, unless that was done within a minute.

        Raises InvalidToken, Unavailable.
        """
        if client.jwks is not None:
            return client.jwks
        if client.jwks_uri is None:
            raise InvalidToken("the client has no keys")
        copy = self._copies.setdefault(client.jwks_uri, _Copy())
        if self._is_due(copy, anew=anew):
            self._ask_once(copy, client.client_id, client.jwks_uri)
        jwks = copy.good(self._clock.now())
        if jwks is None:
            raise InvalidToken("the client's jwks_uri gave no keys")
        return jwks

    def _ask_once(self, copy: _Copy, client_id: str, url: str) -> None:
        """Anybody may have keys fetched, before they prove anything: only some threads may ever wait for that.

        Raises Unavailable where there is no copy to go on with and no thread to spare.
        """
        if not copy.lock.acquire(blocking=False):
            if copy.good(self._clock.now()) is None:
                raise Unavailable(f"the keys of {client_id} are being fetched")
            return
        try:
            if not self._places.acquire(blocking=False):
                raise Unavailable("too many clients' keys are being fetched")
            try:
                self._renew(copy, client_id, url)
            finally:
                self._places.release()
        finally:
            copy.lock.release()

    def _renew(self, copy: _Copy, client_id: str, url: str) -> None:
        jwks = self._ask(client_id, url)
        now = self._clock.now()
        if jwks is not None:
            copy.given = jwks, now
        copy.has_failed = jwks is None
        copy.asked_at = now  # last: whoever sees it finds the rest

    def _is_due(self, copy: _Copy, *, anew: bool) -> bool:
        if copy.asked_at is None:
            return True
        wait = FAILED_FOR if copy.has_failed else ASK_AGAIN_AFTER if anew else KEEP
        return self._clock.now() - copy.asked_at >= wait

    def _ask(self, client_id: str, url: str) -> Mapping[str, Any] | None:
        try:
            found = json.loads(self._fetch(url))
            if isinstance(found, dict) and isinstance(found.get("keys"), list):
                return found
            reason = "not a JWK Set"
        except Unreachable as error:
            reason = str(error)
        except (ValueError, RecursionError):
            reason = "not JSON"
        structlog.get_logger().error("client's jwks_uri gave no keys", client_id=client_id, reason=reason)
        return None


def fetch_by(outgoing: Outgoing) -> Fetch:
    """The way to clients' addresses."""

    def fetch(url: str) -> bytes:
        answer = outgoing.get(url, accept=ACCEPT, max_bytes=MAX_BYTES)
        if answer.status != 200:
            raise Unreachable("no_answer", f"status {answer.status}")
        return answer.body

    return fetch
