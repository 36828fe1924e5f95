"""The public keys of clients, registered or fetched from their `jwks_uri` (RFC 7517, OIDC Core §10.1)."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final

import structlog

from idp.clock import Clock
from idp.domain.client import Client
from idp.outgoing import Outgoing, Unreachable
from keys.jws import InvalidToken

KEEP: Final = timedelta(minutes=10)
ASK_AGAIN_AFTER: Final = timedelta(minutes=1)  # for a kid that is not in the set
FAILED_FOR: Final = timedelta(seconds=10)
MAX_BYTES: Final = 65_536
ACCEPT: Final = "application/jwk-set+json, application/json"

Fetch = Callable[[str], bytes]


@dataclass(slots=True)
class _Copy:
    """What one address last said. jwks: None if it could not be had."""

    jwks: Mapping[str, Any] | None = None
    asked_at: datetime | None = None
    lock: Lock = field(default_factory=Lock)


class ClientKeys:
    """Keeps what it fetched for 10 minutes; each address is asked by one thread at a time. Thread-safe."""

    def __init__(self, fetch: Fetch, clock: Clock) -> None:
        """fetch: the body that an address answers; raises Unreachable."""
        self._fetch, self._clock = fetch, clock
        self._copies: dict[str, _Copy] = {}

    def of(self, client: Client, anew: bool) -> Mapping[str, Any]:
        """The client's JWK Set. anew: asked again, unless that was done within a minute. Raises InvalidToken."""
        if client.jwks is not None:
            return client.jwks
        if client.jwks_uri is None:
            raise InvalidToken("the client has no keys")
        copy = self._copies.setdefault(client.jwks_uri, _Copy())
        with copy.lock:
            if self._is_due(copy, anew=anew):
                copy.asked_at, copy.jwks = self._clock.now(), self._ask(client.client_id, client.jwks_uri)
            if copy.jwks is None:
                raise InvalidToken("the client's jwks_uri gave no keys")
            return copy.jwks

    def _is_due(self, copy: _Copy, *, anew: bool) -> bool:
        if copy.asked_at is None:
            return True
        wait = FAILED_FOR if copy.jwks is None else ASK_AGAIN_AFTER if anew else KEEP
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
