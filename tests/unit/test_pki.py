"""Which cards are accepted and whose they are; a case for each check, which breaks if the check is removed."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from demo import look_alike
from demo.look_alike import ANNE, Hierarchy
from idp.domain.means import Person
from idp.pki import CAUSES, CardRefused, CardTrust
from idp.settings.sections import Card
from tests.fakes import igc
from tests.fakes.clock import START

CardTrustMaker = Callable[..., CardTrust]
EKU = x509.ExtendedKeyUsage
UNKNOWN = x509.ObjectIdentifier("2.25.52071.5")
WITHOUT_SURNAME = x509.Name(
    [x509.NameAttribute(NameOID.COMMON_NAME, f"8{ANNE}"), x509.NameAttribute(NameOID.GIVEN_NAME, "ANNE")]
)
WITH_PSEUDONYM = x509.Name(
    [*look_alike.person(f"8{ANNE}", "ANNE", "PIERRE", "Médecin"), x509.NameAttribute(NameOID.PSEUDONYM, "ACCUEIL")]
)
WITHOUT_ID = x509.Name([x509.NameAttribute(NameOID.SURNAME, "PIERRE")])


@pytest.fixture
def trust(tmp_path: Path) -> CardTrustMaker:
    def made(**settings: Any) -> CardTrust:
        return igc.trust(tmp_path, **settings)

    return made


def refusal(trusted: CardTrust, der: bytes) -> str:
    with pytest.raises(CardRefused) as refused:
        trusted.holder(der, START)
    return refused.value.code


@pytest.mark.parametrize("name", igc.REFUSED)
def test_refused(trust: CardTrustMaker, name: str) -> None:
    assert refusal(trust(), igc.issued(name).der) == igc.CASES[name].cause


@pytest.mark.parametrize("name", igc.ACCEPTED)
def test_accepted(trust: CardTrustMaker, name: str) -> None:
    case = igc.CASES[name]
    assert trust(**case.settings).holder(igc.issued(name).der, START).identity == case.identity


@pytest.mark.parametrize("name", [name for name in igc.ACCEPTED if igc.CASES[name].settings])
def test_what_a_setting_allows_is_refused_without_it(trust: CardTrustMaker, name: str) -> None:
    assert refusal(trust(), igc.issued(name).der) in {"not_nominative", "test_card"}


# What is wrong with it; the others are in the table of the look-alike hierarchy.
WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("no EKU", {"without": [EKU.oid]}, "wrong_usage"),
    ("EKU without clientAuth", {"added": [(EKU([ExtendedKeyUsageOID.SMARTCARD_LOGON]), False)]}, "wrong_usage"),
    ("any EKU", {"added": [(EKU([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), False)]}, "wrong_usage"),
    (
        "clientAuth on a key that does not sign challenges",
        {"purpose": "signature", "added": [(EKU([ExtendedKeyUsageOID.CLIENT_AUTH]), False)]},
        "wrong_usage",
    ),
    ("an authority", {"added": [(x509.BasicConstraints(ca=True, path_length=None), True)]}, "wrong_usage"),
    ("software certificate", {"category": 0x03}, "wrong_usage"),
    ("security module", {"category": 0x02}, "wrong_usage"),
    (
        "a critical extension that we do not know",
        {"added": [(x509.UnrecognizedExtension(UNKNOWN, b"\x05\x00"), True)]},
        "certificate_malformed",
    ),
    ("a professional's card, an employee's id", {"subject": igc.CPE_OF_ANNE, "card_type": 0}, "identity_disagrees"),
    ("UPN of another type", {"upn": f"6.{ANNE}@carte-cps.fr"}, "identity_disagrees"),
    ("UPN of another domain", {"upn": f"8.{ANNE}@carte-cps.fr.example"}, "identity_disagrees"),
    ("CN with a space", {"subject": look_alike.person(f"8{ANNE}\u00a0", "ANNE", "PIERRE", ""), "upn": None},
     "identity_malformed"),
    ("no CN", {"subject": WITHOUT_ID, "upn": None}, "identity_malformed"),
    ("pseudonym beside names", {"subject": WITH_PSEUDONYM}, "not_nominative"),
    ("no surname", {"subject": WITHOUT_SURNAME}, "not_nominative"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "cause"), [each[1:] for each in WRONG], ids=[each[0] for each in WRONG])
def test_wrong(trust: CardTrustMaker, options: dict[str, Any], cause: str) -> None:
    assert refusal(trust(), igc.issue(**options).der) == cause


def test_a_second_upn_of_another_is_refused(trust: CardTrustMaker) -> None:
    upns = [f"8.{ANNE}@carte-cps.fr", f"8.{look_alike.rpps('1000345679')}@carte-cps.fr"]
    names = [x509.OtherName(look_alike.UPN, b"\x0c" + bytes([len(upn)]) + upn.encode()) for upn in upns]
    card = igc.issue(added=[(x509.SubjectAlternativeName(names), False)])
    assert refusal(trust(), card.der) == "identity_disagrees"


def test_other_names_of_the_san_are_others(trust: CardTrustMaker) -> None:
    upn = f"8.{ANNE}@carte-cps.fr"
    names = [x509.OtherName(look_alike.UPN, b"\x0c" + bytes([len(upn)]) + upn.encode()), x509.RFC822Name("a@b.example")]
    other = x509.OtherName(UNKNOWN, b"\x0c\x01x")
    card = igc.issue(added=[(x509.SubjectAlternativeName([other, *names]), False)])
    assert trust().holder(card.der, START).identity == igc.DR_ANNE


def test_a_pseudonym_stands_for_all_names(trust: CardTrustMaker) -> None:
    holder = trust(non_nominative=True).holder(igc.issue(subject=WITH_PSEUDONYM).der, START)
    assert (holder.given_name, holder.family_name) == ("", "ACCUEIL")


def test_an_authority_of_the_same_name_is_another(trust: CardTrustMaker) -> None:
    assert refusal(trust(), Hierarchy.make(START).issue(key=igc.holder_key()).der) == "unknown_authority"


def test_the_root_vouches_for_no_card(trust: CardTrustMaker) -> None:
    card = igc.issue(issuer=igc.hierarchy().root("ELEMENTAIRE"))
    assert refusal(trust(), card.der) == "unknown_authority"


def test_an_authority_is_no_card(trust: CardTrustMaker) -> None:
    """Path verification would take it: it is an anchor."""
    assert refusal(trust(), igc.hierarchy().authority().der) == "unknown_authority"


def test_an_authority_that_ran_out_vouches_for_nobody(trust: CardTrustMaker) -> None:
    later = igc.hierarchy().authority().certificate.not_valid_after_utc
    card = igc.issue(valid_until=later + timedelta(days=9))
    with pytest.raises(CardRefused, match="unknown_authority"):
        trust().holder(card.der, later)


def test_the_last_second_is_the_last(trust: CardTrustMaker) -> None:
    card = igc.issue(valid_from=START, valid_until=START + timedelta(hours=1))
    trusted = trust()
    assert trusted.holder(card.der, START)
    with pytest.raises(CardRefused, match="expired"):
        trusted.holder(card.der, START + timedelta(hours=1))


def test_a_policy_that_is_asked_for_must_be_stated(trust: CardTrustMaker) -> None:
    card = igc.issued("RPPS").der
    assert trust(policies=["2.25.1", look_alike.POLICY.dotted_string]).holder(card, START)
    assert refusal(trust(policies=["2.25.1"]), card) == "policy_not_accepted"
    without = igc.issue(without=[x509.CertificatePolicies.oid]).der
    assert refusal(trust(policies=["2.25.1"]), without) == "policy_not_accepted"


def test_what_a_card_says_of_its_holder(trust: CardTrustMaker) -> None:
    card = igc.issued("accents")
    holder = trust().holder(card.der, START)
    assert (holder.given_name, holder.family_name, holder.title) == ("Zoé-Noëlle", "LEFÈVRE D'ŒUVRE", "Médecin")
    assert (holder.national_id, holder.card_type, holder.profession) == (f"8{ANNE}", 0, 10)
    assert (holder.card_number, holder.serial) == ("2800000042", f"{card.serial:x}")
    assert holder.issuer == "AC SANTE-DEMO ELEMENTAIRE PERSONNES"
    assert holder.not_after == card.certificate.not_valid_after_utc
    assert not holder.is_test
    assert holder.is_nominative
    assert len(holder.fingerprint) == 64


def test_without_private_extensions_nothing_is_made_up(trust: CardTrustMaker) -> None:
    holder = trust().holder(igc.issued("no private extension").der, START)
    assert (holder.card_type, holder.card_number, holder.profession, holder.is_test) == (None, None, None, False)


def test_a_renewed_card_is_the_same_person(trust: CardTrustMaker) -> None:
    trusted = trust()
    first, renewed = (trusted.holder(igc.issue(card_number=f"1/{n}").der, START) for n in (1, 2))
    assert first.identity == renewed.identity
    assert first.fingerprint != renewed.fingerprint


def test_the_names_of_a_shared_card_agree_with_nobodys(trust: CardTrustMaker) -> None:
    holder = trust(non_nominative=True).holder(igc.issued("shared, where it is allowed").der, START)
    assert (holder.given_name, holder.family_name, holder.is_nominative) == ("", "ACCUEIL DES URGENCES", False)
    assert not Person(holder.given_name, holder.family_name).agrees_with("", holder.family_name)


def test_a_test_authority_makes_test_cards(tmp_path: Path) -> None:
    """Whatever category its cards state."""
    of_tests = Hierarchy.make(START, is_test=True)
    values = igc.write(tmp_path)
    of_tests.write_authorities(values["authorities"], of_tests.authority())
    (tmp_path / "0.crl").write_bytes(of_tests.crl().public_bytes(serialization.Encoding.PEM))
    trusted = CardTrust.load(Card(**values, test_cards=True))
    assert trusted.holder(of_tests.issue(without=igc.PRIVATE).der, START).is_test


def test_a_cause_that_nobody_knows_is_a_mistake() -> None:
    assert {igc.CASES[name].cause for name in igc.REFUSED} | {each[2] for each in WRONG} <= CAUSES
    with pytest.raises(ValueError, match="bored"):
        CardRefused("bored")
