"""Which pages may use the card: an origin as browsers write it (RFC 6454 §6.2), and the list of those allowed."""

import ipaddress
import logging
import os
import re
from collections.abc import Iterable, Set
from pathlib import Path

from card_reader.file_lock import waited_for

log = logging.getLogger("card_reader")

MOST_CHARACTERS = 300  # a scheme, a host of 253 characters, a port
_WRITTEN = re.compile(r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?", re.ASCII)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class OriginRefused(ValueError):
    """Not the origin of a page that could ever use the card. The text says what is wrong, and repeats nothing."""


def parse(text: str) -> str:
    """The origin, if it is one: https, or http on a loopback name (demonstrations); then equal texts are equal origins.

    Strict: what no browser would write is refused (capitals, a default port, a path, a name in Unicode).
    Raises OriginRefused.
    """
    written = _WRITTEN.fullmatch(text) if len(text) <= MOST_CHARACTERS else None
    if written is None:
        raise OriginRefused("an origin is written https://host or https://host:port, in lower case and without a path")
    scheme, host, port = written.groups()
    if port is not None and (int(port) > 65535 or int(port) == _DEFAULT_PORTS[scheme]):
        raise OriginRefused("the port is the default one, which is not written, or it is none")
    if not (_is_name(host) or _is_address(host)):
        raise OriginRefused("the host is neither a name nor an address")
    if scheme == "http" and not _is_loopback(host):
        raise OriginRefused("only https, or http on this machine itself")
    return text


def _is_name(host: str) -> bool:
    labels = host.split(".")
    return len(host) <= 253 and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()


def _is_address(host: str) -> bool:
    is_v6 = host.startswith("[")
    try:
        address = ipaddress.IPv6Address(host[1:-1]) if is_v6 else ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return str(address) == host.strip("[]")


def _is_loopback(host: str) -> bool:
    """RFC 6761 §6.3: names under localhost are this machine. Of addresses, those that everybody writes."""
    return host in {"127.0.0.1", "[::1]"} or host.rpartition(".")[2] == "localhost"


class AllowedOrigins:
    """The administrator's list and the person's own, a file with one origin a line that is read again at each question.

    person_may_allow: False, and the person's own file counts for nothing and is not written.
    """

    def __init__(self, administrator: Iterable[str], own: Path, *, person_may_allow: bool = True) -> None:
        self._administrator, self._own_file = frozenset(administrator), own
        self.person_may_allow = person_may_allow
        self._is_unreadable = False

    @property
    def administrator(self) -> frozenset[str]:
        return self._administrator

    @property
    def own(self) -> frozenset[str]:
        if not self.person_may_allow:
            return frozenset()
        try:
            own = self._read()
        except OSError as unreadable:
            if not self._is_unreadable:  # a page asks every second
                log.error("no origin of your own is allowed: %s", unreadable)
            self._is_unreadable = True
            return frozenset()
        self._is_unreadable = False
        return own

    def allows(self, origin: str) -> bool:
        """origin: as `parse` returned it."""
        return origin in self._administrator or origin in self.own

    def add(self, origin: str) -> None:
        """Raises OriginRefused, also where the administrator alone decides; OSError if the file cannot be written."""
        if not self.person_may_allow:
            raise OriginRefused("the administrator of this computer decides which origins may use the card")
        added = {parse(origin)}
        with waited_for(self._lock_file):
            self._write(self._read() | added)

    def remove(self, origin: str) -> bool:
        """False if the person's own list does not have it. Raises OSError."""
        if origin not in self.own:
            return False
        with waited_for(self._lock_file):
            self._write(self._read() - {origin})
        return True

    @property
    def _lock_file(self) -> Path:
        """Of the processes that change the list: the helper, and the commands beside it."""
        return self._own_file.with_name(f".{self._own_file.name}.lock")

    def _read(self) -> frozenset[str]:
        try:
            return frozenset(self._own_file.read_text(encoding="ascii", errors="replace").split())
        except FileNotFoundError:
            return frozenset()

    def _write(self, own: Set[str]) -> None:
        fresh = self._own_file.with_name(f".{self._own_file.name}.{os.getpid()}")
        fresh.write_text("".join(f"{origin}\n" for origin in sorted(own)), encoding="ascii")
        fresh.replace(self._own_file)  # whole or not at all
