"""The authorities whose cards are trusted: those that issue to persons, named one by one, never their roots."""

import errno
import re
import stat
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from idp.pki.certificate import MALFORMED
from idp.pki.refused import CardRefused
from idp.settings import SettingsError

ORGANISATIONS = re.compile(r"\bORGANI[SZ]ATIONS?\b", re.IGNORECASE)
TEST = re.compile(r"\bTEST\b", re.IGNORECASE)
MAX_FILE = 64 * 1024 * 1024  # bytes; a list of 100,000 serials has 4 MiB


class Stamp(NamedTuple):
    """What tells that a file was changed; size in bytes."""

    changed_ns: int
    size: int
    inode: int


def load(path: Path, *, test_cards: bool) -> tuple[x509.Certificate, ...]:
    """Those of a file (PEM, DER, .p7b) or a folder. Raises SettingsError, which names `card.authorities`."""
    try:
        found = dict.fromkeys(each for file in files(path) for each in _certificates(content(file)))
        faults = [f"{common_name(each)}: {fault}" for each in found if (fault := _fault(each, test_cards=test_cards))]
    except (OSError, *MALFORMED) as error:
        reason = error.strerror if isinstance(error, OSError) else "no certificates"
        raise SettingsError(f"card.authorities: {reason}: {path}") from error
    if faults:
        raise SettingsError("\n".join(f"card.authorities: {fault}" for fault in faults))
    if not found:
        raise SettingsError(f"card.authorities: no certificate in {path}")
    return tuple(found)


def files(path: Path) -> Iterator[Path]:
    """The file itself, or those of a folder that are not hidden. Raises OSError."""
    if not path.is_dir():
        yield path
        return
    yield from sorted(each for each in path.iterdir() if each.is_file() and not each.name.startswith("."))


def content(path: Path) -> bytes:
    """Of a regular file: a pipe or a device could hold who reads it for ever. Raises OSError."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_size > MAX_FILE:
        raise OSError(errno.EINVAL, "not a file of at most 64 MiB")
    return path.read_bytes()


def stamp(path: Path) -> Stamp:
    """Raises OSError."""
    status = path.stat()
    return Stamp(status.st_mtime_ns, status.st_size, status.st_ino)


def common_name(certificate: x509.Certificate) -> str:
    values = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(values[0].value) if values else certificate.subject.rfc4514_string()


def is_for_tests(authority: x509.Certificate) -> bool:
    return any(TEST.search(str(attribute.value)) for attribute in authority.subject)


def issuer_of(
    certificate: x509.Certificate, authorities: Sequence[x509.Certificate], now: datetime
) -> x509.Certificate:
    """The authority that signed it, itself valid now. Raises CardRefused("unknown_authority")."""
    for authority in authorities:
        if authority.not_valid_before_utc <= now < authority.not_valid_after_utc and _signed(certificate, authority):
            return authority
    raise CardRefused("unknown_authority")


def check_path(certificate: x509.Certificate, authority: x509.Certificate, now: datetime) -> None:
    """RFC 5280 §6.1 over the one step that there is: versions, algorithms, serial numbers, critical extensions.

    The usual policies, of the Web, want more: a subjectAltName, and the holder of a card stands in the subject.
    Raises CardRefused("certificate_malformed").
    """
    policy = PolicyBuilder().store(Store([authority])).time(now).max_chain_depth(0)
    known = ExtensionPolicy.permit_all()  # that verification knows; a critical one that it does not is refused
    of_authorities = known.require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
    verifier = policy.extension_policies(ca_policy=of_authorities, ee_policy=known).build_client_verifier()
    try:
        verifier.verify(certificate, [])
    except (VerificationError, *MALFORMED):  # its text names the person
        raise CardRefused("certificate_malformed", "not of the profile of RFC 5280") from None


def _signed(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (InvalidSignature, *MALFORMED):
        return False
    return True


def _certificates(encoded: bytes) -> list[x509.Certificate]:
    if b"-----BEGIN CERTIFICATE-----" in encoded:
        return x509.load_pem_x509_certificates(encoded)
    if b"-----BEGIN PKCS7-----" in encoded:
        return pkcs7.load_pem_pkcs7_certificates(encoded)
    try:
        return [x509.load_der_x509_certificate(encoded)]
    except ValueError:
        return pkcs7.load_der_pkcs7_certificates(encoded)


def _fault(authority: x509.Certificate, *, test_cards: bool) -> str | None:
    """Why it may not vouch for cards."""
    names = " ".join(str(attribute.value) for attribute in authority.subject)
    if ORGANISATIONS.search(names):
        return "it issues to organisations; name those that issue to persons alone"
    if is_for_tests(authority) and not test_cards:
        return "an authority of tests; only a test environment has card.test_cards = true"
    if authority.subject == authority.issuer:
        return "a root; name the authorities beneath it that issue to persons"
    constraints = [each.value.ca for each in authority.extensions if isinstance(each.value, x509.BasicConstraints)]
    usages = [each.value.key_cert_sign for each in authority.extensions if isinstance(each.value, x509.KeyUsage)]
    if not any(constraints) or not all(usages):
        return "it is not an authority"
    try:
        check_path(authority, authority, authority.not_valid_before_utc)
    except CardRefused:
        return "not of the profile of RFC 5280 (a critical extension that is not known?)"
    return None
