"""What a proof may claim, whose names agree, and what two factors are worth."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from idp.domain.authn import Assurance, IdentityRef, Proof, compose
from idp.domain.means import Credential, Person, claimable, confirmed_by
from idp.methods import registry

LOW, MEDIUM, SUBSTANTIAL, HIGH = Assurance
METHODS = registry.load(("email_otp", "password")).reach | {"a card": HIGH, "an application": SUBSTANTIAL}


@pytest.mark.parametrize("enrolled", list(Assurance))
@pytest.mark.parametrize(("method", "ceiling"), METHODS.items())
def test_the_lower_of_ceiling_and_enrolment(method: str, ceiling: Assurance, enrolled: Assurance) -> None:
    del method
    assert claimable(ceiling, [enrolled]) == min(ceiling, enrolled)
    assert claimable(ceiling, [enrolled, LOW]) == LOW
    assert claimable(ceiling, []) == ceiling


def proof(method: str, level: Assurance, anchor: str) -> Proof:
    now = datetime(2026, 7, 1, tzinfo=UTC)
    return Proof(method, IdentityRef("login_name", "anne"), level, ("otp",), now, anchor=anchor)


@pytest.mark.parametrize(
    ("second", "anchor", "enrolled", "worth"),
    [
        (LOW, "mailbox", HIGH, MEDIUM),  # no credential of its own: nothing limits it
        (LOW, "phone", MEDIUM, MEDIUM),
        (LOW, "phone", LOW, LOW),  # whoever had the password may have enrolled it
        (LOW, "knowledge", HIGH, LOW),  # the same factor twice
        (HIGH, "card", HIGH, HIGH),
        (SUBSTANTIAL, "phone", SUBSTANTIAL, SUBSTANTIAL),
    ],
)
def test_two_factors(second: Assurance, anchor: str, enrolled: Assurance, worth: Assurance) -> None:
    first = proof("password", LOW, "knowledge")
    assert compose(first, proof("second", second, anchor), most=enrolled).assurance == worth


@pytest.mark.parametrize(
    ("given_name", "family_name"),
    [
        ("Anne", "Pierre"),
        ("ANNE", "PIERRE"),
        ("Anne Lise", "Pierre"),
        ("Anne-Lise", "PIERRE"),
        ("anne", "piérre"),
    ],
)
def test_names_that_agree(given_name: str, family_name: str) -> None:
    assert Person("Anne", "Pierre").agrees_with(given_name, family_name)
    assert Person(given_name, family_name).agrees_with("Anne", "Pierre")


@pytest.mark.parametrize(
    ("card", "account"),
    [
        (("Anne", "Pierre"), ("Anna", "Pierre")),
        (("Anne", "Pierre"), ("Anne", "Pierre-Durand")),
        (("Jean-Luc", "Martin"), ("Jean-Pierre", "Martin")),
        (("", "Pierre"), ("Anne", "Pierre")),
        (("Anne", ""), ("Anne", "")),
        (("123", "456"), ("123", "456")),
        (("Anne", "Pierre"), ("", "")),
    ],
)
def test_names_that_differ(card: tuple[str, str], account: tuple[str, str]) -> None:
    assert not Person(*card).agrees_with(*account)


@pytest.mark.parametrize(
    ("card", "account"),
    [
        (("FRANCOIS", "LE GOFF"), ("François", "Le Goff")),
        (("FRANCOIS", "LEBOEUF"), ("François", "Lebœuf")),
        (("Jean Pierre", "D'ALMEIDA"), ("Jean-Pierre", "d’Almeida")),
        (("Ærø", "Straße"), ("aero", "strasse")),
    ],
)
def test_as_registers_write_them(card: tuple[str, str], account: tuple[str, str]) -> None:
    assert Person(*card).agrees_with(*account)


def credential(enrolled: Assurance, anchor: str) -> Credential:
    return Credential("mine", "password", anchor, enrolled, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("enrolled", "anchor", "by", "worth"),
    [
        (LOW, "knowledge", proof("a card", HIGH, "card"), HIGH),
        (MEDIUM, "phone", proof("a card", HIGH, "card"), HIGH),
        (MEDIUM, "phone", proof("email_otp", LOW, "mailbox"), None),  # lower
        (MEDIUM, "phone", proof("email_otp", MEDIUM, "mailbox"), None),  # no higher
        (LOW, "phone", proof("another", HIGH, "phone"), None),  # the same thing vouches for itself
        (LOW, "knowledge", replace(proof("email_otp", MEDIUM, "mailbox"), credentials=("mine",)), None),
        (HIGH, "mailbox", proof("a card", HIGH, "card"), HIGH),  # frees it of the mailbox
        (LOW, "mailbox", proof("email_otp", LOW, "mailbox"), None),
    ],
)
def test_only_a_higher_proof_by_another_means_raises(
    enrolled: Assurance, anchor: str, by: Proof, worth: Assurance | None
) -> None:
    assert confirmed_by(credential(enrolled, anchor), by) == worth
