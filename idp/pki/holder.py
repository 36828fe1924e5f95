"""Whose card it is."""

from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from idp.domain.authn import IdentityRef
from idp.domain.national_id import OF_A_PERSON, identity_of
from idp.pki.authorities import common_name, is_for_tests
from idp.pki.certificate import CardCertificate
from idp.pki.private_extensions import CPS, REAL_CARD, TEST_CARDS
from idp.pki.refused import CardRefused


@dataclass(frozen=True, slots=True)
class CardHolder:
    """What an accepted certificate says.

    identity: the RPPS number (11 digits), the ADELI number (9 characters), or an employee's whole national_id.
    family_name: of a card that is not nominative, its pseudonym or else its title; given_name is empty then, so that
    the names agree with nobody's and no account is linked to the card but by an operator.
    list_ran_out_at: when the revocation list that had to do ran out; None if the card is known not to be revoked.
    card_type: TRE_G02. profession: TRE_G15. serial, fingerprint (SHA-256): of the certificate, hexadecimal. issuer: CN.
    """

    identity: IdentityRef
    national_id: str
    given_name: str
    family_name: str
    title: str
    card_type: int | None
    card_number: str | None
    profession: int | None
    is_test: bool
    is_nominative: bool
    serial: str
    issuer: str
    fingerprint: str
    not_after: datetime
    list_ran_out_at: datetime | None = None


def holder_of(
    card: CardCertificate, authority: x509.Certificate, *, test_cards: bool, non_nominative: bool
) -> CardHolder:
    """The rules of who may sign in with a card. Raises CardRefused."""
    is_test = _category(card, test_cards=test_cards) or is_for_tests(authority)
    national_id = card.subject.get(NameOID.COMMON_NAME, "")
    try:
        identity = identity_of(national_id)
    except ValueError as error:
        raise CardRefused("identity_malformed", str(error)) from error
    if any(upn != f"{national_id[0]}.{national_id[1:]}@carte-cps.fr" for upn in card.upns):
        raise CardRefused("identity_disagrees", "the UPN is another's")
    if card.product.card_type == CPS and national_id[0] not in OF_A_PERSON:
        raise CardRefused("identity_disagrees", "a professional's card with an employee's identifier")
    given_name, family_name = card.subject.get(NameOID.GIVEN_NAME, ""), card.subject.get(NameOID.SURNAME, "")
    pseudonym, title = card.subject.get(NameOID.PSEUDONYM, ""), card.subject.get(NameOID.TITLE, "")
    is_nominative = bool(family_name) and not pseudonym
    if not is_nominative and not non_nominative:
        raise CardRefused("not_nominative")
    certificate = card.certificate
    return CardHolder(
        identity=identity,
        national_id=national_id,
        given_name=given_name if is_nominative else "",
        family_name=family_name if is_nominative else pseudonym or title,
        title=title,
        card_type=card.product.card_type,
        card_number=card.product.card_number,
        profession=card.product.profession,
        is_test=is_test,
        is_nominative=is_nominative,
        serial=f"{certificate.serial_number:x}",
        issuer=common_name(authority),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        not_after=certificate.not_valid_after_utc,
    )


def _category(card: CardCertificate, *, test_cards: bool) -> bool:
    """Whether it is a test card. Raises CardRefused for one where there are none, and for what is no card."""
    category = card.product.category
    if category in TEST_CARDS and not test_cards:
        raise CardRefused("test_card")
    if category is not None and category not in {REAL_CARD, *TEST_CARDS}:
        raise CardRefused("wrong_usage", "a certificate of software, not of a card")
    return category in TEST_CARDS
