"""What a card's certificate says, read from its DER: nothing here says that it is true."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from idp.pki.private_extensions import Product, product_of
from idp.pki.refused import CardRefused

MAX_DER = 16 * 1024  # bytes; a card's has 2 KiB
LONGEST_ATTRIBUTE = 200  # characters
RSA_BITS = range(2048, 8193)
CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)  # that an authority may sign with
READ = (NameOID.COMMON_NAME, NameOID.SURNAME, NameOID.GIVEN_NAME, NameOID.TITLE, NameOID.PSEUDONYM)
UPN = ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
MALFORMED = (  # what cryptography raises, then or later, for DER that is not what it should be
    *(ValueError, TypeError, UnsupportedAlgorithm),
    *(x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType),
)
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


@dataclass(frozen=True, slots=True)
class CardCertificate:
    """subject: one value for each attribute that is READ: the CN as it stands, the others composed (NFC) and trimmed.
    upns: of the SAN. policies: dotted OIDs.

    is_for_login: EKU clientAuth, no key usage that excludes signing a challenge, and not an authority's.
    """

    certificate: x509.Certificate
    public_key: PublicKey
    subject: Mapping[ObjectIdentifier, str]
    is_for_login: bool
    upns: tuple[str, ...]
    policies: frozenset[str]
    product: Product


def read(der: bytes) -> CardCertificate:
    """Raises CardRefused("certificate_malformed")."""
    if len(der) > MAX_DER:
        raise CardRefused("certificate_malformed", "too long")
    try:
        return _read(x509.load_der_x509_certificate(der))
    except MALFORMED as error:
        raise CardRefused("certificate_malformed", type(error).__name__) from error


def _read(certificate: x509.Certificate) -> CardCertificate:
    if not isinstance(certificate.signature_hash_algorithm, HASHES):
        raise ValueError("signed with a hash that is not accepted")
    extensions = certificate.extensions
    return CardCertificate(
        certificate=certificate,
        public_key=_accepted(certificate.public_key()),
        subject=_attributes(certificate.subject),
        is_for_login=_is_for_login(extensions),
        upns=_upns(extensions),
        policies=_policies(extensions),
        product=product_of(extensions),
    )


def _accepted(key: object) -> PublicKey:
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in RSA_BITS:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, CURVES):
        return key
    raise ValueError("a key that is not accepted")


def _attributes(name: x509.Name) -> dict[ObjectIdentifier, str]:
    """What is read of the subject, in whichever RDN: a card's third one holds three. Stated twice, it is refused;
    others may be: those of an employee name the structure by several OU.
    """
    found: dict[ObjectIdentifier, str] = {}
    for attribute in (attribute for rdn in name.rdns for attribute in rdn if attribute.oid in READ):
        if attribute.oid in found:
            raise ValueError("an attribute of the subject is stated twice")
        text = _text(attribute.value)
        is_name = attribute.oid != NameOID.COMMON_NAME  # that is an identifier: nothing else may become it
        found[attribute.oid] = unicodedata.normalize("NFC", text).strip() if is_name else text
    return found


def _text(value: str | bytes) -> str:
    """Raises ValueError for what could not be shown, or would change what stands beside it."""
    if not isinstance(value, str) or len(value) > LONGEST_ATTRIBUTE:
        raise ValueError("an attribute that is no text, or too long")
    if any(unicodedata.category(c)[0] == "C" or c in "\u2028\u2029" for c in value):
        raise ValueError("an attribute with a character that is none")
    return value


def _is_for_login(extensions: x509.Extensions) -> bool:
    try:
        purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return False
    constraints = [each.value.ca for each in extensions if isinstance(each.value, x509.BasicConstraints)]
    usages = [each.value.digital_signature for each in extensions if isinstance(each.value, x509.KeyUsage)]
    return ExtendedKeyUsageOID.CLIENT_AUTH in purposes and not any(constraints) and all(usages)


def _upns(extensions: x509.Extensions) -> tuple[str, ...]:
    names = [name for each in extensions if isinstance(each.value, x509.SubjectAlternativeName) for name in each.value]
    others = [name for name in names if isinstance(name, x509.OtherName) and name.type_id == UPN]
    return tuple(asn1.decode_der(str, name.value) for name in others)


def _policies(extensions: x509.Extensions) -> frozenset[str]:
    stated = (each.value for each in extensions if isinstance(each.value, x509.CertificatePolicies))
    return frozenset(policy.policy_identifier.dotted_string for policies in stated for policy in policies)
