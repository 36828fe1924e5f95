"""Whether a certificate was revoked, by lists (CRL, RFC 5280 §5) in files that others keep fresh."""

import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from idp.pki.authorities import files
from idp.pki.certificate import MALFORMED
from idp.pki.refused import CardRefused

PEM = re.compile(rb"-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", re.DOTALL)
TRY_AGAIN = timedelta(minutes=1)  # a file that has not changed, and ran out
Stamp = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class RevokedSerials:
    """A full list whose signature held. until: when the next one is due."""

    authority: x509.Certificate
    since: datetime
    until: datetime
    serials: frozenset[int]

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
    """Asked at every login. A file is read again when it changes, or ran out. Thread-safe."""

    def __init__(self, paths: Sequence[Path], authorities: Sequence[x509.Certificate]) -> None:
        """paths: of files (PEM or DER), or of folders of them."""
        self._paths, self._authorities = tuple(paths), tuple(authorities)
        self._files: dict[Path, _File] = {}
        self._reading = threading.Lock()

    def check(self, certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> None:
        """Raises CardRefused: "revoked"; "revocation_unknown" without a fresh list that the authority signed."""
        newest = self.newest(authority, now)
        if newest is None:
            raise CardRefused("revocation_unknown")
        if certificate.serial_number in newest.serials:
            raise CardRefused("revoked")

    def newest(self, authority: x509.Certificate, now: datetime) -> RevokedSerials | None:
        """The last list of an authority that is in force now."""
        fresh = (each for each in self._lists(now) if each.authority == authority and each.is_fresh(now))
        return max(fresh, key=lambda each: each.since, default=None)

    def _lists(self, now: datetime) -> list[RevokedSerials]:
        with self._reading:
            known = {path: self._known(path, now) for path in self._files_now()}
            self._files = {path: file for path, file in known.items() if file is not None}
            return [each for file in self._files.values() for each in file.lists]

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
                known = _File(stamp, now, tuple(self._signed(path.read_bytes())))
        except OSError:
            return None
        return known

    def _signed(self, content: bytes) -> Iterator[RevokedSerials]:
        """The lists in a file that one of our authorities signed; what else it holds is worth nothing."""
        for block in PEM.findall(content) or [content]:
            try:
                listed = (x509.load_pem_x509_crl if block.startswith(b"-----") else x509.load_der_x509_crl)(block)
                yield from (_revoked(listed, each) for each in self._authorities if _is_full_list_of(listed, each))
            except MALFORMED:
                continue


def _is_full_list_of(listed: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    """Signed by the authority, of all that it revoked, without a critical extension that we do not know (§5.2)."""
    if listed.issuer != authority.subject:
        return False
    if not all(each.value.crl_sign for each in authority.extensions if isinstance(each.value, x509.KeyUsage)):
        return False
    if not all(_keeps_it_full(each.value) for each in listed.extensions if each.critical):
        return False
    return listed.next_update_utc is not None and listed.is_signature_valid(authority.public_key())  # type: ignore[arg-type]


def _keeps_it_full(extension: x509.ExtensionType) -> bool:
    """Delta lists and indirect ones are marked by critical extensions (§5.2.4, §5.2.5)."""
    if isinstance(extension, x509.IssuingDistributionPoint):
        partial = (extension.indirect_crl, extension.only_contains_ca_certs, extension.only_contains_attribute_certs)
        return not any(partial) and not extension.only_some_reasons
    return isinstance(extension, x509.AuthorityKeyIdentifier | x509.CRLNumber)


def _revoked(listed: x509.CertificateRevocationList, authority: x509.Certificate) -> RevokedSerials:
    until = listed.next_update_utc
    if until is None:
        raise ValueError("no date of the next list")
    serials = frozenset(each.serial_number for each in listed)
    return RevokedSerials(authority, listed.last_update_utc, until, serials)
