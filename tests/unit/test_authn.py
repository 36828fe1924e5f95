"""Proofs put together, and assurance levels as acr values."""

from dataclasses import replace

import pytest

from idp.domain.authn import Assurance, IdentityRef, Proof, compose
from tests.fakes import samples
from tests.fakes.samples import ACR

PWD = samples.password_proof()
MAILBOX_PWD = samples.password_proof(anchor="mailbox")
OTP = samples.otp_proof()
CARD = samples.card_proof()

# (first, second, amr, assurance)
COMPOSED: list[tuple[Proof, Proof, tuple[str, ...], Assurance]] = [
    (PWD, OTP, ("pwd", "otp", "mfa"), Assurance.MEDIUM),
    (MAILBOX_PWD, OTP, ("pwd", "otp"), Assurance.LOW),  # one mailbox is one factor
    (PWD, CARD, ("pwd", "sc", "pin", "mfa", "hwk"), Assurance.HIGH),  # mfa stands once
    (PWD, replace(OTP, assurance=Assurance.SUBSTANTIAL), ("pwd", "otp", "mfa"), Assurance.SUBSTANTIAL),
    (replace(MAILBOX_PWD, assurance=Assurance.MEDIUM), OTP, ("pwd", "otp"), Assurance.MEDIUM),
    (PWD, replace(OTP, amr=("pwd",)), ("pwd", "mfa"), Assurance.MEDIUM),
]


@pytest.mark.spec("RFC 8176 §2")
@pytest.mark.parametrize(("first", "second", "amr", "assurance"), COMPOSED)
def test_compose(first: Proof, second: Proof, amr: tuple[str, ...], assurance: Assurance) -> None:
    composed = compose(first, second)
    assert composed.amr == amr
    assert composed.assurance == assurance


def test_a_composed_proof_is_the_second_factors_and_names_the_first() -> None:
    first = replace(samples.password_proof(), evidence={"a": "1", "b": "1"})
    second = replace(OTP, identity=IdentityRef("email", "a@b.example"), evidence={"b": "2"}, held=("c=yes",))
    composed = compose(first, second)
    assert (composed.method, composed.after) == ("email_otp", "password")
    assert (composed.identity, composed.at, composed.anchor) == (second.identity, second.at, second.anchor)
    assert composed.evidence == {"a": "1", "b": "2"}
    assert composed.held == ("c=yes",)
    assert Proof.from_json(composed.to_json()) == composed


@pytest.mark.parametrize(
    ("values", "lowest"),
    [
        ((), None),
        (("urn:other",), None),
        (("",), None),
        (("eidas1",), Assurance.MEDIUM),
        (("eidas3", "eidas1"), Assurance.MEDIUM),
        (("urn:other", "eidas2"), Assurance.SUBSTANTIAL),
    ],
)
def test_the_lowest_level_that_satisfies(values: tuple[str, ...], lowest: Assurance | None) -> None:
    assert ACR.lowest(values) == lowest


@pytest.mark.spec("OIDC Core §5.5.1.1")
@pytest.mark.parametrize(
    ("reached", "wanted", "reported"),
    [
        (Assurance.HIGH, (), "eidas3"),
        (Assurance.HIGH, ("eidas1",), "eidas1"),  # never another value than the one that was asked, if it is reached
        (Assurance.HIGH, ("eidas1", "eidas2"), "eidas2"),
        (Assurance.MEDIUM, ("eidas3", "eidas1"), "eidas1"),
        (Assurance.LOW, ("eidas1",), "urn:sesame:acr:low"),  # honest when it is not
        (Assurance.MEDIUM, ("urn:other",), "eidas1"),
    ],
)
def test_the_acr_that_is_reported(reached: Assurance, wanted: tuple[str, ...], reported: str) -> None:
    assert ACR.report(reached, wanted) == reported


def test_levels_and_names() -> None:
    assert ACR.level("eidas2") == Assurance.SUBSTANTIAL
    assert ACR.level("EIDAS2") is None
    assert Assurance.LOW < Assurance.MEDIUM < Assurance.SUBSTANTIAL < Assurance.HIGH
