"""Where a request comes from, and how a busy network is slowed."""

import math
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import BoundedSemaphore

import flask

from idp.settings import Settings
from idp.store import Ephemeral

WINDOW = timedelta(minutes=10)
LONGEST_PAUSE_S = 2.0
Address = IPv4Address | IPv6Address
UNKNOWN = IPv4Address(0)


class Network:
    """The address of the current request, and counters of failures by network."""

    def __init__(self, settings: Settings, ephemeral: Ephemeral, sleep: Callable[[float], None]) -> None:
        self._settings, self._ephemeral, self._sleep = settings, ephemeral, sleep
        self._held = BoundedSemaphore(max(1, settings.threads // 4))

    @property
    def address(self) -> Address:
        """The nearest address that is not one of our proxies (X-Forwarded-For is read from the right).

        What a proxy wrote and is no address (a sender can spoil the header) leaves nobody: never the proxy itself.
        """
        found = self._peer
        written = flask.request.headers.get("X-Forwarded-For")
        for part in reversed(written.split(",")) if written is not None else ():
            if not self._is_proxy(found):
                break
            found = _parse(part.strip()) or UNKNOWN
        return found

    def is_from_proxy(self) -> bool:
        """True if one of our proxies sent the current request: what it says of it is believed."""
        return self._is_proxy(self._peer)

    def is_proxy(self, peer: str) -> bool:
        """True if this is the address of one of our proxies."""
        return self._is_proxy(_parse(peer) or UNKNOWN)

    @property
    def _peer(self) -> Address:
        """Who connected to us."""
        return _parse(flask.request.remote_addr or "") or UNKNOWN

    @property
    def prefix(self) -> str:
        """The network that is written down: /24 or /48."""
        bits = 24 if self.address.version == 4 else 48
        return str(ip_network((self.address, bits), strict=False))

    @property
    def place(self) -> str | None:
        """What two devices of one place share: an operator's network, or else the address (/64 for IPv6)."""
        return None if self.address == UNKNOWN else self._bucket()[0]

    def slow_down(self) -> None:
        """Hold this request a little if its network failed too often. Never refuses; holds a quarter of the threads."""
        key, limit = self._bucket()
        excess = self._ephemeral.counted("network", key, WINDOW) - limit
        if excess <= 0 or not self._held.acquire(blocking=False):
            return
        try:
            self._sleep(min(0.1 * math.sqrt(excess) * 2, LONGEST_PAUSE_S))
        finally:
            self._held.release()

    def note_failure(self) -> None:
        """Count one failed attempt of this network."""
        self._ephemeral.count("network", self._bucket()[0], WINDOW)

    def _bucket(self) -> tuple[str, int]:
        """An operator's declared network counts as one, with its own limit; else the address, /64 for IPv6."""
        address = self.address
        for egress in self._settings.egress:
            if any(address in network for network in egress.networks):
                return egress.label, egress.failures_per_10_min
        bits = 32 if address.version == 4 else 64
        return str(ip_network((address, bits), strict=False)), self._settings.failures_per_10_min

    def _is_proxy(self, address: Address) -> bool:
        return any(address in network for network in self._settings.trusted_proxies)


def _parse(text: str) -> Address | None:
    """An address; an IPv4 one that a dual-stack socket wrote as ::ffff:a.b.c.d is itself, not one /64 for the world."""
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return (found.ipv4_mapped or found) if found.version == 6 else found
