"""The revocation lists of cards, which the worker fetches and reads so that no login does.

Each machine has a worker of its own for this: the lists lie in a folder beside the settings.
"""

import hashlib
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509

from idp.flows.alerts import raise_alert
from idp.flows.services import Services
from idp.outgoing import Unreachable
from idp.pki import crl
from idp.pki.authorities import MAX_FILE, Stamp, common_name, content, stamp
from idp.pki.expiry import Validity, validities
from idp.pki.trust import CardTrust

ACCEPT = "application/pkix-crl, application/x-pkcs7-crl;q=0.9, */*;q=0.1"
TIMEOUT_S = 60.0  # 64 MiB at 9 Mbit/s
RAN_OUT = "it ran out, and no later one is there"
FUTURE = "a list of the future: is the clock right?"
Place = tuple[x509.Certificate, frozenset[str] | None]  # an authority, and of which of its certificates
SOONEST, LATEST = timedelta(minutes=1), timedelta(minutes=15)  # between two tries while it fails


@dataclass(slots=True)
class _Address:
    """Of an authority's list. authorities: of that name, an old one and its successor.

    digest: of what it gave last, so that the same is not read twice.
    """

    name: str
    authorities: tuple[x509.Certificate, ...]
    url: str
    due_at: datetime | None = None
    failures: int = 0
    digest: bytes = b""


@dataclass(slots=True)
class CardLists:
    """For one thread."""

    services: Services
    trust: CardTrust
    stop: threading.Event
    _addresses: list[_Address] = field(init=False)
    _files: dict[Path, Stamp] = field(default_factory=dict)
    _put: set[Place] = field(default_factory=set)

    def __post_init__(self) -> None:
        named = {common_name(authority): each.crl for authority, each in self.trust.addresses().items()}
        self._addresses = [_Address(name, self._called(name), url) for name, urls in named.items() for url in urls]

    def refresh(self) -> bool:
        """One turn: files that changed, then addresses that are due; all of them, if what was kept is there no more."""
        if not self._put <= self._standing():
            self._begin_anew()
        for path in self.trust.revocation.files():
            self._import(path)
        for address in self._addresses:
            if not self.stop.is_set() and (address.due_at is None or address.due_at <= self.services.now()):
                self._fetch(address)
        return False

    def _standing(self) -> set[Place]:
        return {(each.authority, each.points) for each in self.trust.index.lists()} if self.trust.index else set()

    def _begin_anew(self) -> None:
        self._put.clear()
        self._files.clear()
        for address in self._addresses:
            address.due_at, address.digest = None, b""

    def _called(self, name: str) -> tuple[x509.Certificate, ...]:
        return tuple(each for each in self.trust.authorities if common_name(each) == name)

    def _fetch(self, address: _Address) -> None:
        try:
            answer = self.services.outgoing.get(
                address.url, accept=ACCEPT, max_bytes=MAX_FILE, timeout_s=TIMEOUT_S, is_signed=True
            )
            if answer.status != 200:
                raise Unreachable("no_answer", f"status {answer.status}")
            digest = hashlib.sha256(answer.body).digest()
            is_same = digest == address.digest
            reason = self._over(address.name) if is_same else self._kept(answer.body, address.authorities)
        except Unreachable as error:
            reason = str(error)
        except OSError as error:
            reason = f"card.revocation_dir: {error.strerror}"
        now = self.services.now()
        if not reason:
            address.failures, address.digest = 0, digest
            until = [each.until for each in self._validities(address.name) if each.until is not None]
            address.due_at = min(now + timedelta(minutes=self.services.settings.card.crl_every_min), *until)
            return
        address.due_at = now + min(SOONEST * 2**address.failures, LATEST)
        address.failures = min(address.failures + 1, 10)
        structlog.get_logger().error("revocation list not fetched", authority=address.name, cause=reason)
        if any(each.within or each.is_over for each in self._validities(address.name)):
            with self.services.db.write() as tx:
                raise_alert(self.services, tx, "card.list_not_fetched", authority=address.name)

    def _over(self, name: str) -> str:
        return RAN_OUT if any(each.is_over for each in self._validities(name)) else ""

    def _validities(self, name: str) -> list[Validity]:
        """Of the lists of a name."""
        found = validities(self.trust, self.services.now())
        return [each for each in found if (each.kind, each.name) == ("list", name)]

    def _import(self, path: Path) -> None:
        """A file of the settings, once for each change."""
        try:
            stands = stamp(path)
            if self._files.get(path) == stands:
                return
            reason = self._kept(content(path), self.trust.authorities)
        except OSError as error:
            structlog.get_logger().error("revocation list not read", path=str(path), cause=error.strerror)
            return
        if FUTURE not in reason:  # that will be over
            self._files[path] = stands
        if reason:
            structlog.get_logger().error("revocation list not read", path=str(path), cause=reason)

    def _kept(self, encoded: bytes, authorities: tuple[x509.Certificate, ...]) -> str:
        """Put what is worth something into the index; why not, or ""."""
        now, index, reasons = self.services.now(), self.trust.index, []
        if index is None:
            return "no folder for lists"
        found = 0
        for listed in crl.signed(encoded, authorities):
            found += 1
            if listed.since > now:
                reasons.append(FUTURE)
            elif not index.keep(listed):
                reasons.append("older than the list that is known")
            else:
                self._put.add((listed.authority, listed.points))
                reasons += [] if listed.is_fresh(now) else [RAN_OUT]
        return "; ".join(reasons) if found else "no list that the authority signed"
