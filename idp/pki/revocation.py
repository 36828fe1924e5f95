"""Whether a certificate was revoked, by lists (CRL, RFC 5280 §5) in files that others keep fresh."""

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from idp.pki.authorities import content, files
from idp.pki.certificate import MALFORMED
from idp.pki.refused import CardRefused

PEM = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
TRY_AGAIN = timedelta(minutes=1)  # a file that has not changed, and ran out
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class RevokedSerials:
    """A list whose signature held. until: when the next one is due.

    points: None of a full list; else it is of the certificates alone that name one of them (RFC 5280 §6.3.3 b.2.i).
    """

    authority: x509.Certificate
    since: datetime
    until: datetime
    serials: frozenset[int]
    points: frozenset[x509.GeneralName] | None

    def covers(self, certificate: x509.Certificate) -> bool:
        return self.points is None or not self.points.isdisjoint(_points(certificate))

    def is_fresh(self, now: datetime) -> bool:
        return self.since <= now < self.until


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

    def __init__(self, paths: Sequence[Path], authorities: Sequence[x509.Certificate]) -> None:
        """paths: of files (PEM or DER), or of folders of them."""
        self._paths, self._authorities = tuple(paths), tuple(authorities)
        self._files: dict[Path, _File] = {}
        self._kept: tuple[RevokedSerials, ...] = ()
        self._reading = threading.Lock()

    def check(self, certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> None:
        """Raises CardRefused: "revoked"; "revocation_unknown" without a fresh list that the authority signed."""
        newest = self.newest(authority, now, certificate)
        if newest is None:
            raise CardRefused("revocation_unknown")
        if certificate.serial_number in newest.serials:
            raise CardRefused("revoked")

    def newest(
        self, authority: x509.Certificate, now: datetime, certificate: x509.Certificate | None = None
    ) -> RevokedSerials | None:
        """The last list of an authority (that covers the certificate), unless it ran out."""
        own = (each for each in self._lists(now) if each.authority == authority)
        covering = (each for each in own if certificate is None or each.covers(certificate))
        newest = max(covering, key=lambda each: each.since, default=None)
        return newest if newest is not None and newest.is_fresh(now) else None

    def _lists(self, now: datetime) -> tuple[RevokedSerials, ...]:
        """The last one of each authority, or of each part of its certificates, that was in force by now."""
        with self._reading:
            known = {path: self._known(path, now) for path in self._files_now()}
            self._files = {path: file for path, file in known.items() if file is not None}
            read = (each for file in self._files.values() for each in file.lists)
            begun = sorted((each for each in (*self._kept, *read) if each.since <= now), key=lambda each: each.since)
            self._kept = tuple({(each.authority, each.points): each for each in begun}.values())
            return self._kept

    def _files_now(self) -> Iterator[Path]:
        for path in self._paths:
            try:
                yield from files(path)
            except OSError:  # a folder that cannot be read holds no list
                continue

    def _known(self, path: Path, now: datetime) -> _File | None:
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            known = self._files.get(path)
            if known is None or known.stamp != stamp or known.is_worth_reading_again(now):
                known = _File(stamp, now, tuple(self._signed(content(path))))
        except OSError:
            return None
        return known

    def _signed(self, encoded: bytes) -> Iterator[RevokedSerials]:
        """The lists in a file that one of our authorities signed; what else it holds is worth nothing."""
        for block in PEM.findall(encoded) or [encoded]:
            try:
                listed = (x509.load_pem_x509_crl if block.startswith(b"-----") else x509.load_der_x509_crl)(block)
                yield from (_revoked(listed, each) for each in self._authorities if _is_list_of(listed, each))
            except MALFORMED:
                continue


def _is_list_of(listed: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    """Signed by the authority, of all that it revoked among what is covered, and without what we do not know (§5.2)."""
    if listed.issuer != authority.subject:
        return False
    if not all(each.value.crl_sign for each in authority.extensions if isinstance(each.value, x509.KeyUsage)):
        return False
    if not all(map(_keeps_it_full, listed.extensions)):
        return False
    return listed.next_update_utc is not None and listed.is_signature_valid(authority.public_key())  # type: ignore[arg-type]


def _keeps_it_full(extension: x509.Extension[x509.ExtensionType]) -> bool:
    """Delta lists and indirect ones are marked by extensions (§5.2.4, §5.2.5), whether critical as they should be."""
    value = extension.value
    if isinstance(value, x509.IssuingDistributionPoint):
        partial = (value.indirect_crl, value.only_contains_ca_certs, value.only_contains_attribute_certs)
        return not any((*partial, value.only_some_reasons, value.relative_name))
    if isinstance(value, x509.DeltaCRLIndicator):
        return False
    return not extension.critical or isinstance(value, x509.AuthorityKeyIdentifier | x509.CRLNumber)


def _points(certificate: x509.Certificate) -> Iterator[x509.GeneralName]:
    """Where its authority says that lists of it are; those of others (cRLIssuer) are none of ours."""
    stated = (each.value for each in certificate.extensions if isinstance(each.value, x509.CRLDistributionPoints))
    for point in (point for points in stated for point in points):
        yield from () if point.crl_issuer else point.full_name or ()


def _revoked(listed: x509.CertificateRevocationList, authority: x509.Certificate) -> RevokedSerials:
    until = listed.next_update_utc
    if until is None:
        raise ValueError("no date of the next list")
    serials = frozenset(each.serial_number for each in listed)
    stated = (each.value for each in listed.extensions if isinstance(each.value, x509.IssuingDistributionPoint))
    points = (frozenset(each.full_name) for each in stated if each.full_name is not None)
    return RevokedSerials(authority, listed.last_update_utc, until, serials, next(points, None))
