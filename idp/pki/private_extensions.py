"""The extensions of a card's certificate that speak of the card (arc 1.2.250.1.71.1.2); each is optional."""

import re
from dataclasses import dataclass
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509.oid import ObjectIdentifier

CARD_TYPE = ObjectIdentifier("1.2.250.1.71.1.2.2")
CARD_NUMBER = ObjectIdentifier("1.2.250.1.71.1.2.3")
CATEGORY = ObjectIdentifier("1.2.250.1.71.1.2.5")
PROFESSION = ObjectIdentifier("1.2.250.1.71.1.2.7")

CPS, CPF, CPE, CPA = range(4)  # TRE_G02
REAL_CARD, TEST_CARDS = 0x00, frozenset({0x80, 0x82, 0x83})  # TRE_G01; 0x02 and 0x03 are no cards
NUMBER = re.compile(r"[0-9]{1,20}/([0-9A-Z]{1,20})")  # that of the issuer, that of the card

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Product:
    """card_type: of TRE_G02. category: of TRE_G01. profession: of TRE_G15."""

    card_type: int | None = None
    card_number: str | None = None
    category: int | None = None
    profession: int | None = None


def product_of(extensions: x509.Extensions) -> Product:
    """Raises ValueError for one that is not well-formed."""
    number = _value(extensions, CARD_NUMBER, asn1.PrintableString)
    category = _value(extensions, CATEGORY, bytes)
    found = NUMBER.fullmatch(number.as_str()) if number is not None else None
    if number is not None and found is None:
        raise ValueError("not the form of a card's number")
    if category is not None and len(category) != 1:
        raise ValueError("a category has one byte")
    return Product(
        card_type=_within(range(CPS, CPA + 1), _value(extensions, CARD_TYPE, int)),
        card_number=found[1] if found else None,
        category=category[0] if category is not None else None,
        profession=_within(range(10_000), _value(extensions, PROFESSION, int)),
    )


def _value(extensions: x509.Extensions, oid: ObjectIdentifier, form: type[T]) -> T | None:
    values = [each.value for each in extensions if each.oid == oid]
    if not values:
        return None
    if not isinstance(values[0], x509.UnrecognizedExtension):
        raise ValueError("an extension of another kind")
    return asn1.decode_der(form, values[0].value)


def _within(known: range, value: int | None) -> int | None:
    if value is not None and value not in known:
        raise ValueError("a value that is not of its list")
    return value
