"""Which certificate of a card is for authentication, and whose it is."""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from card_reader.card import CardError

T = TypeVar("T")


def authentication(certificates: Iterable[x509.Certificate]) -> x509.Certificate | None:
    """The one that says so itself (extended key usage clientAuth), never by its label.

    Of several, one that is also for the logon of Windows, as that of a CPS card is; then the newest, should a renewed
    card keep the old one.
    """
    fitting = [certificate for certificate in certificates if _authenticates(certificate)]
    return max(fitting, key=_preference, default=None)


def only(cards: Sequence[T], certificate_of: Callable[[T], x509.Certificate | None]) -> tuple[x509.Certificate, T]:
    """The card that could sign in, and its certificate; a card that shows itself in two slots counts once.

    Raises CardError: no_card, no_certificate, several_cards.
    """
    if not cards:
        raise CardError("no_card")
    able = [(certificate, card) for card in cards if (certificate := certificate_of(card)) is not None]
    if not able:
        raise CardError("no_certificate")
    if len({fingerprint(certificate) for certificate, _ in able}) > 1:
        raise CardError("several_cards")
    return able[0]


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256, in hexadecimal."""
    return certificate.fingerprint(SHA256()).hex()


def check(certificate: x509.Certificate, expected: str | None) -> None:
    """Raises CardError("card_removed") if it is not the expected one; None expects nothing."""
    if expected is not None and fingerprint(certificate) != expected:
        raise CardError("card_removed", "another card is in the reader")


def holder(certificate: x509.Certificate) -> str:
    """Given name and surname as written on the certificate, else its common name; for the person's eyes only."""
    names = [_text(certificate, oid) for oid in (NameOID.GIVEN_NAME, NameOID.SURNAME)]
    return " ".join(name for name in names if name) or _text(certificate, NameOID.COMMON_NAME)


def _authenticates(certificate: x509.Certificate) -> bool:
    try:
        extensions = certificate.extensions
        usages = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return False  # unreadable, or it does not say what it is for
    if ExtendedKeyUsageOID.CLIENT_AUTH not in usages:
        return False
    try:
        return extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    except x509.ExtensionNotFound:
        return True


def _preference(certificate: x509.Certificate) -> tuple[bool, float]:
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    return ExtendedKeyUsageOID.SMARTCARD_LOGON in usages, certificate.not_valid_before_utc.timestamp()


def _text(certificate: x509.Certificate, oid: x509.ObjectIdentifier) -> str:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else ""
