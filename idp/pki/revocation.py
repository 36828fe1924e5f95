"""Whether a certificate was revoked: by lists that are kept fresh, by asking its authority, or both in an order."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from cryptography import x509

from idp.pki import crl
from idp.pki.authorities import Stamp, common_name, content, files, stamp
from idp.pki.crl import NO_GRACE, RevokedSerials
from idp.pki.index import Index
from idp.pki.ocsp import NoAnswer, Responder, Status
from idp.pki.refused import CardRefused

TRY_AGAIN = timedelta(minutes=1)  # a file that has not changed, and ran out
READ_AT_LOGIN = 1024 * 1024  # bytes, 0.1 s: 25,000 serials; where there is an index, the worker reads what is longer


@dataclass(frozen=True, slots=True)
class _File:
    """What was read of a file, and when; `stamp` tells a change."""

    stamp: Stamp
    read_at: datetime
    lists: tuple[RevokedSerials, ...]

    def is_worth_reading_again(self, now: datetime) -> bool:
        return any(not each.is_fresh(now) for each in self.lists) and now - self.read_at >= TRY_AGAIN


class Revocation:
    """Asked at every login. A file is read again when it changes, or ran out. Thread-safe.

    The newest list that was read is kept: none that is older takes its place, nor does a file that is damaged or gone.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        authorities: Sequence[x509.Certificate],
        *,
        order: Sequence[str] = ("crl",),
        grace: timedelta = NO_GRACE,
        index: Index | None = None,
        responders: Mapping[x509.Certificate, Responder] | None = None,
    ) -> None:
        """paths: of files (PEM or DER), or of folders of them. order: of the sources, `crl` and `ocsp`.

        grace: how long a list still counts after it ran out, where no source knows.
        """
        self._paths, self._authorities, self._order, self._grace = tuple(paths), tuple(authorities), order, grace
        self._index, self._responders = index, dict(responders or {})
        self._files: dict[Path, _File] = {}
        self._kept: tuple[RevokedSerials, ...] = ()
        self._reading = threading.Lock()

    @property
    def uses_lists(self) -> bool:
        return "crl" in self._order

    def check(self, certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> datetime | None:
        """When the list ran out that had to do, or None: a source knows.

        The first source that knows decides. Raises CardRefused: "revoked"; "revocation_unknown" if none knows.
        """
        sources: dict[str, Callable[..., Status | None]] = {"crl": self._listed, "ocsp": self._asked}
        is_unknown = False
        for name in self._order:
            status = sources[name](certificate, authority, now)
            if status is Status.REVOKED:
                raise CardRefused("revoked")
            if status is Status.GOOD:
                return None
            is_unknown |= status is Status.UNKNOWN
        last = self.newest(authority, now, certificate, self._grace) if self._grace and self.uses_lists else None
        if last is None or is_unknown:  # an answer of now that it is unknown weighs more than a list of the past
            raise CardRefused("revocation_unknown")
        if _status(last, certificate) is Status.REVOKED:
            raise CardRefused("revoked")
        return last.until

    def newest(
        self,
        authority: x509.Certificate,
        now: datetime,
        certificate: x509.Certificate | None = None,
        grace: timedelta = NO_GRACE,
    ) -> RevokedSerials | None:
        """The last list of an authority (that covers the certificate), unless it ran out."""
        newest = self.last(authority, now, certificate)
        return newest if newest is not None and newest.is_fresh(now, grace) else None

    def last(
        self, authority: x509.Certificate, now: datetime, certificate: x509.Certificate | None = None
    ) -> RevokedSerials | None:
        """The same, even if it ran out."""
        own = (each for each in self.lists(now) if each.authority == authority)
        covering = (each for each in own if certificate is None or each.covers(certificate))
        return max(covering, key=lambda each: each.since, default=None)

    def lists(self, now: datetime) -> tuple[RevokedSerials, ...]:
        """The last one of each authority, or of each part of its certificates, that was in force by now."""
        with self._reading:
            known = {path: self._known(path, now) for path in self.files()}
            self._files = {path: file for path, file in known.items() if file is not None}
            read = [each for file in self._files.values() for each in file.lists]
            indexed = self._index.lists() if self._index else ()
            kept: dict[tuple[x509.Certificate, frozenset[str] | None], RevokedSerials] = {}
            for each in (*self._kept, *indexed, *read):
                place = (each.authority, each.points)
                if each.since <= now and not (place in kept and each.is_older_than(kept[place])):
                    kept[place] = each
            self._kept = tuple(kept.values())
            return self._kept

    def files(self) -> Iterator[Path]:
        """Those that the settings name, or that are in their folders, now."""
        for path in self._paths:
            try:
                yield from files(path)
            except OSError:  # a folder that cannot be read holds no list
                continue

    def _known(self, path: Path, now: datetime) -> _File | None:
        try:
            stands = stamp(path)
            known = self._files.get(path)
            if self._index and stands.size > READ_AT_LOGIN:
                return None
            if known is None or known.stamp != stands or known.is_worth_reading_again(now):
                known = _File(stands, now, tuple(crl.signed(content(path), self._authorities)))
        except OSError:
            return None
        return known

    def _listed(self, certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> Status | None:
        newest = self.newest(authority, now, certificate)
        return None if newest is None else _status(newest, certificate)

    def _asked(self, certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> Status | None:
        responder = self._responders.get(authority)
        if responder is None:
            return None
        try:
            return responder.ask(certificate, authority, now)
        except NoAnswer as error:
            structlog.get_logger().warning("no answer of OCSP", authority=common_name(authority), cause=str(error))
            return None


def _status(listed: RevokedSerials, certificate: x509.Certificate) -> Status:
    return Status.REVOKED if certificate.serial_number in listed.serials else Status.GOOD
