"""What is read of a list, however odd: in its own time, and never for less than it says."""

import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from idp.pki import crl
from idp.pki.crl import BEGIN, END, RevokedSerials
from tests.fakes import igc
from tests.fakes.clock import START

Added = list[tuple[x509.ExtensionType, bool]]
NOT_KNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.25.5"), b"\x05\x00")


def read(encoded: bytes) -> list[RevokedSerials]:
    return list(crl.signed(encoded, [igc.hierarchy().authority().certificate]))


def listing(*added: tuple[x509.ExtensionType, bool], times: int = 1, algorithm: type = hashes.SHA256) -> bytes:
    """A list of the card 5, that many times, with these extensions of its entry."""
    shape = igc.hierarchy().crl()
    builder = x509.CertificateRevocationListBuilder(shape.issuer, shape.last_update_utc, shape.next_update_utc)
    entry = x509.RevokedCertificateBuilder().serial_number(5).revocation_date(START)
    for extension, critical in added:
        entry = entry.add_extension(extension, critical)
    for _ in range(times):
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(igc.hierarchy().authority().key, algorithm()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "added",
    [
        [(x509.CRLReason(x509.ReasonFlags.certificate_hold), False)],
        [(x509.CRLReason(x509.ReasonFlags.remove_from_crl), False)],  # which only a delta list may say (§5.3.1)
        [(x509.CertificateIssuer([x509.DirectoryName(igc.hierarchy().root("FORT").certificate.subject)]), True)],
        [(NOT_KNOWN, True)],
    ],
)
def test_whatever_its_entry_says_a_card_that_is_listed_is_revoked(added: Added) -> None:
    (found,) = read(listing(*added))
    assert 5 in found.serials


def test_a_card_that_is_listed_many_times_is_kept_once() -> None:
    (found,) = read(listing(times=1000))
    assert len(found.serials) == 1


def test_a_list_that_is_signed_with_a_weak_hash_is_none() -> None:
    assert len(read(listing(algorithm=hashes.SHA512))) == 1
    assert read(listing(algorithm=hashes.SHA224)) == []


@pytest.mark.parametrize("end", [b"", END])
def test_a_body_of_nothing_but_beginnings_takes_no_time(end: bytes) -> None:
    """A mebibyte, which whoever is on the way of http can send: read again from each beginning, it takes minutes."""
    began = time.process_time()
    assert read((BEGIN + b"\n") * (1024 * 1024 // len(BEGIN)) + end) == []
    assert time.process_time() - began < 5


def test_what_stands_before_between_and_after_the_blocks_is_passed_over() -> None:
    pem = igc.hierarchy().crl(revoked=[5]).public_bytes(Encoding.PEM)
    assert len(read(b"x" + END + pem + b"text" + pem + BEGIN)) == 2
