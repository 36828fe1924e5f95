"""Revocation lists (CRL, RFC 5280 §5): which one is worth anything, and what it says."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509

from idp.pki.certificate import HASHES, MALFORMED
from idp.pki.serials import Serials

BEGIN, END = b"-----BEGIN X509 CRL-----", b"-----END X509 CRL-----"
NO_GRACE = timedelta(0)


@dataclass(frozen=True, slots=True)
class RevokedSerials:
    """A list whose signature held. until: when the next one is due. number: CRL number (§5.2.3), or None.

    points: None of a full list; else it is of the certificates alone that name one of them (RFC 5280 §6.3.3 b.2.i).
    """

    authority: x509.Certificate
    since: datetime
    until: datetime
    number: int | None
    serials: Serials
    points: frozenset[str] | None

    def covers(self, certificate: x509.Certificate) -> bool:
        return self.points is None or not self.points.isdisjoint(_points(certificate))

    def is_fresh(self, now: datetime, grace: timedelta = NO_GRACE) -> bool:
        return now < self.until + grace

    def is_older_than(self, other: "RevokedSerials") -> bool:
        """By its date, or by its number: an authority counts upwards.

        One that counts anew is believed from when its last list has run out: nothing else would be, ever again.
        """
        if self.since < other.since:
            return True
        if self.number is None or other.number is None or self.since >= other.until:
            return False
        return self.number < other.number


def signed(encoded: bytes, authorities: Sequence[x509.Certificate]) -> Iterator[RevokedSerials]:
    """The lists (PEM or DER) that one of the authorities signed; what else there is is worth nothing.

    A million serials (35 MB) take 3 s and 200 MiB: read so long a list in the worker only.
    """
    for block in _blocks(encoded):
        try:
            listed = (x509.load_pem_x509_crl if block.startswith(BEGIN) else x509.load_der_x509_crl)(block)
            yield from (_revoked(listed, each) for each in authorities if _is_list_of(listed, each))
        except MALFORMED:
            continue


def _blocks(encoded: bytes) -> Iterator[bytes]:
    """Each PEM block, or the whole. Whoever is on the way of http may send anything: every byte is looked at once."""
    begin = encoded.find(BEGIN)
    if begin < 0:
        yield encoded
    while begin >= 0 and (end := encoded.find(END, begin)) >= 0:
        yield encoded[begin : end + len(END)]
        begin = encoded.find(BEGIN, end)


def _is_list_of(listed: x509.CertificateRevocationList, authority: x509.Certificate) -> bool:
    """Signed by the authority, of all that it revoked among what is covered, and without what we do not know (§5.2)."""
    if listed.issuer != authority.subject:
        return False
    if not all(each.value.crl_sign for each in authority.extensions if isinstance(each.value, x509.KeyUsage)):
        return False
    if not all(map(_keeps_it_full, listed.extensions)):
        return False
    is_strong = isinstance(listed.signature_hash_algorithm, HASHES)
    return is_strong and listed.is_signature_valid(authority.public_key())  # type: ignore[arg-type]


def _keeps_it_full(extension: x509.Extension[x509.ExtensionType]) -> bool:
    """Delta lists and indirect ones are marked by extensions (§5.2.4, §5.2.5), whether critical as they should be."""
    value = extension.value
    if isinstance(value, x509.IssuingDistributionPoint):
        partial = (value.indirect_crl, value.only_contains_ca_certs, value.only_contains_attribute_certs)
        return not any((*partial, value.only_some_reasons, value.relative_name))
    if isinstance(value, x509.DeltaCRLIndicator):
        return False
    return not extension.critical or isinstance(value, x509.AuthorityKeyIdentifier | x509.CRLNumber)


def _points(certificate: x509.Certificate) -> Iterator[str]:
    """Where its authority says that lists of it are; those of others (cRLIssuer) are none of ours."""
    stated = (each.value for each in certificate.extensions if isinstance(each.value, x509.CRLDistributionPoints))
    for point in (point for points in stated for point in points):
        yield from () if point.crl_issuer else map(repr, point.full_name or ())


def _revoked(listed: x509.CertificateRevocationList, authority: x509.Certificate) -> RevokedSerials:
    until = listed.next_update_utc
    if until is None:
        raise ValueError("no date of the next list")
    stated = (each.value for each in listed.extensions if isinstance(each.value, x509.IssuingDistributionPoint))
    points = (frozenset(map(repr, each.full_name)) for each in stated if each.full_name is not None)
    numbers = (each.value.crl_number for each in listed.extensions if isinstance(each.value, x509.CRLNumber))
    return RevokedSerials(
        authority=authority,
        since=listed.last_update_utc,
        until=until,
        number=next(numbers, None),
        serials=Serials.of(each.serial_number for each in listed),
        points=next(points, None),
    )
