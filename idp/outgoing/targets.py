"""Where a request may go: the form of its URL, then the addresses of its host."""

import queue
import re
import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from idp.outgoing.unreachable import Unreachable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str], Iterable[str]]  # name -> addresses, or OSError

PORTS = {"https": 443, "http": 80}
PRINTABLE = re.compile(r"[!-\[\]-~]+")  # ASCII without space and backslash, which parsers read differently
NAME = re.compile(r"(?=.{1,253}$)[a-z0-9_][a-z0-9_-]{0,62}(\.[a-z0-9_-]{1,63})*")
GLOBAL_UNICAST = IPv6Network("2000::/3")  # RFC 4291 §2.4
SIX_TO_FOUR = IPv6Network("2002::/16")  # RFC 3056: carries an IPv4 address, and is of no use any more
NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052 §2.1


@dataclass(frozen=True, slots=True)
class Target:
    """A host, in lower case and without brackets, and how it is spoken to."""

    is_tls: bool
    host: str
    port: int


def parse(url: str) -> Target:
    """The target of an absolute https: or http: URL without userinfo. Raises Unreachable."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Unreachable("url", "not a URL") from None
    if parts.scheme not in PORTS:
        raise Unreachable("scheme", "neither https nor http")
    if not PRINTABLE.fullmatch(url) or "@" in parts.netloc or not (NAME.fullmatch(host) or _is_ipv6(host)):
        raise Unreachable("url", "a host name or an address, in ASCII, and no userinfo")
    return Target(parts.scheme == "https", host, PORTS[parts.scheme] if port is None else port)


def literal(host: str) -> Address | None:
    """The address that a host is written as, in any form that a system takes (`127.1`, `0x7f000001`), or None."""
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def is_permitted(address: Address, allowed_networks: Sequence[Network]) -> bool:
    """A public unicast address, or one of the networks; an IPv6 address that stands for an IPv4 one is judged as it."""
    if isinstance(address, IPv6Address):
        address = _carried(address) or address
    if any(address in network for network in allowed_networks):
        return True
    if isinstance(address, IPv6Address) and (address not in GLOBAL_UNICAST or address in SIX_TO_FOUR):
        return False
    return address.is_global and not address.is_multicast


def system_resolver(host: str) -> list[str]:
    """What the system says of a name, in its order (RFC 6724). Raises OSError."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(item[4][0]) for item in found))


def resolved(resolve: Resolve, host: str, timeout_s: float) -> tuple[Address, ...]:
    """The addresses of a host, asked once. Raises Unreachable.

    The system's resolver knows no deadline: it runs apart, and is left behind when it is too slow.
    """
    if (written := literal(host)) is not None:
        return (written,)
    answers: queue.SimpleQueue[tuple[Address, ...]] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put(tuple(ip_address(address) for address in resolve(host)))
        except (OSError, ValueError):  # ValueError: UnicodeError of a label, or an address of no known form
            answers.put(())

    threading.Thread(target=ask, name="outgoing-dns", daemon=True).start()
    try:
        found = answers.get(timeout=timeout_s)
    except queue.Empty:
        raise Unreachable("too_slow", "the name was not resolved in time", host=host) from None
    if not found:
        raise Unreachable("dns", "the name does not resolve", host=host)
    return found


def _is_ipv6(host: str) -> bool:
    try:
        return IPv6Address(host).scope_id is None
    except ValueError:
        return False


def _carried(address: IPv6Address) -> IPv4Address | None:
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped
