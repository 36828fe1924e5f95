"""What is read of a certificate's DER, and what is not."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import NameOID

from demo import look_alike
from demo.look_alike import CARD_NUMBER, CARD_TYPE, CATEGORY, PROFESSION
from idp.pki import CardRefused
from idp.pki.certificate import read
from tests.fakes import igc

CN = look_alike.ANNE


def refusal(der: bytes) -> str:
    with pytest.raises(CardRefused) as refused:
        read(der)
    return refused.value.code


def private(oid: x509.ObjectIdentifier, value: bytes) -> bytes:
    return igc.issue(added=[(x509.UnrecognizedExtension(oid, value), False)]).der


def named(*rdns: list[x509.NameAttribute[Any]]) -> bytes:
    subject = x509.Name([x509.RelativeDistinguishedName(rdn) for rdn in rdns])
    return igc.issue(subject=subject, upn=None).der


def surname(value: Any, form: _ASN1Type = _ASN1Type.UTF8String) -> bytes:
    id_ = x509.NameAttribute(NameOID.COMMON_NAME, f"8{CN}")
    return named([x509.NameAttribute(NameOID.SURNAME, value, form), id_])


def weak(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


# Each is signed by the authority, and would be accepted but for one thing.
MALFORMED: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "text": lambda: b"-----BEGIN CERTIFICATE-----",
    "something behind it": lambda: igc.issued("RPPS").der + b"\x00",
    "too long": lambda: private(x509.ObjectIdentifier("2.25.5"), b"\x04\x82\x40\x00" + b"\x00" * 0x4000),
    "SHA-1": lambda: igc.with_sha1(igc.issued("RPPS")),
    "a version that there is not": lambda: igc.resigned(
        igc.issued("RPPS"), b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x05"
    ),
    "a short RSA key": lambda: igc.issue(key=weak(1024)).der,
    "a curve of another kind": lambda: igc.issue(key=igc.curve_key(ec.SECP256K1)).der,
    "a key of another kind": lambda: igc.issue(key=ed25519.Ed25519PrivateKey.generate()).der,
    "a key of a kind that nobody knows": lambda: igc.resigned(
        igc.issued("RPPS"), bytes.fromhex("06092a864886f70d010101"), bytes.fromhex("06092a864886f70d010163")
    ),
    "a name of a kind that is not read": lambda: private(x509.SubjectAlternativeName.oid, b"\x30\x04\xa3\x02\x05\x00"),
    "an extension twice": lambda: igc.resigned(igc.issued("RPPS"), asn1_oid(PROFESSION), asn1_oid(CATEGORY)),
    "an attribute twice, in two RDNs": lambda: named(
        [x509.NameAttribute(NameOID.COMMON_NAME, f"8{CN}")], [x509.NameAttribute(NameOID.COMMON_NAME, "800000000000")]
    ),
    "an attribute twice, in one RDN": lambda: igc.resigned(
        igc.issued("RPPS"), asn1_oid(NameOID.SURNAME), asn1_oid(NameOID.GIVEN_NAME)
    ),
    "a name that is too long": lambda: surname("A" * 201),
    "a control character": lambda: surname("PIERRE\n"),
    "a character that turns the direction": lambda: surname("\u202ePIERRE"),
    "a private character": lambda: surname("\ue000"),
    "a line separator": lambda: surname("PIERRE\u2028X"),
    "T61 that is not UTF-8": lambda: igc.resigned(igc.issue(family_name="LEFEVRE"), b"LEFEVRE", b"LEF\xc8VRE"),
    "UPN that is no text": lambda: igc.issue(
        added=[(x509.SubjectAlternativeName([x509.OtherName(look_alike.UPN, b"\x02\x01\x05")]), False)]
    ).der,
    "card type that is no number": lambda: private(CARD_TYPE, b"\x04\x01\x00"),
    "card type with something behind": lambda: private(CARD_TYPE, b"\x02\x01\x00\x00"),
    "card type of no list": lambda: private(CARD_TYPE, b"\x02\x01\x04"),
    "card number of another form": lambda: private(CARD_NUMBER, asn1.encode_der(asn1.PrintableString("42"))),
    "card number of another type": lambda: private(CARD_NUMBER, asn1.encode_der("1/2")),
    "card number that is empty": lambda: private(CARD_NUMBER, b""),
    "category of two bytes": lambda: private(CATEGORY, b"\x04\x02\x00\x80"),
    "category of none": lambda: private(CATEGORY, b"\x04\x00"),
    "category of another type": lambda: private(CATEGORY, b"\x02\x01\x00"),
    "profession below zero": lambda: private(PROFESSION, b"\x02\x01\xff"),
    "profession that is huge": lambda: private(PROFESSION, b"\x02\x11" + b"\x7f" * 17),
}  # fmt: skip


def asn1_oid(oid: x509.ObjectIdentifier) -> bytes:
    return asn1.encode_der(oid)


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name: str) -> None:
    assert refusal(MALFORMED[name]()) == "certificate_malformed"


def test_every_rdn_is_read() -> None:
    subject = read(igc.issued("RPPS").der).subject
    assert set(subject) == {NameOID.TITLE, NameOID.GIVEN_NAME, NameOID.COMMON_NAME, NameOID.SURNAME}


def test_what_is_not_read_may_be_stated_twice() -> None:
    units = [x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, value) for value in ("1330000001", "URGENCES")]
    assert read(named(units[:1], units[1:])).subject == {}


@pytest.mark.parametrize("form", [_ASN1Type.UTF8String, _ASN1Type.BMPString, _ASN1Type.UniversalString])
def test_names_are_read_in_every_form_and_composed(form: _ASN1Type) -> None:
    decomposed = "LEFE\u0300VRE D'ŒUVRE"
    assert read(surname(decomposed, form)).subject[NameOID.SURNAME] == "LEFÈVRE D'ŒUVRE"


def test_names_are_trimmed() -> None:
    assert read(surname(" LEFEVRE\u00a0")).subject[NameOID.SURNAME] == "LEFEVRE"


@pytest.mark.parametrize("stated", [f"8{CN}\u00a0", f" 8{CN}", "3330000019/\u212a"])  # the last one composed is a K
def test_an_identifier_is_read_as_it_stands(stated: str) -> None:
    assert read(named([x509.NameAttribute(NameOID.COMMON_NAME, stated)])).subject == {NameOID.COMMON_NAME: stated}


def test_t61_is_read_where_it_is_ascii() -> None:
    assert read(surname("LEFEVRE", _ASN1Type.T61String)).subject[NameOID.SURNAME] == "LEFEVRE"


def test_the_number_of_the_card_stands_behind_that_of_who_made_it() -> None:
    assert read(igc.issue(card_number="8025000001/2800636234").der).product.card_number == "2800636234"
