"""Which keys approve, whose they must be, and what a relay gets."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from idp.domain.account import AccountStatus
from idp.domain.phone_request import State
from tests.fakes.authenticator import Authenticator
from tests.fakes.enrolling import answer_with, given_passkey
from tests.fakes.phone import SoftwarePhone, given_phone
from tests.fakes.provider import Provider
from tests.fakes.qr_login import (
    HOME,
    OFFICE,
    Computer,
    Handset,
    account_id,
    approved,
    nobody_is_signed_in,
    reasons,
    with_phones,
)
from tests.fakes.relying_party import answer_of, csrf_of, path_of


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_phones(start)


@pytest.fixture
def phone(provider: Provider) -> Handset:
    return Handset(provider, own=given_phone(provider))


# -- the key -----------------------------------------------------------------------------


def refused_with(provider: Provider, phone: Handset, **changes: str) -> TestResponse:
    computer = Computer(provider).open()
    refused = phone.approve(phone.scanned(computer), computer.number(), **changes)
    assert refused.status_code == 400
    assert computer.request().state is State.SCANNED
    assert nobody_is_signed_in(provider, computer)
    return refused


def test_a_wrong_pin_is_refused(provider: Provider, phone: Handset) -> None:
    assert "PIN" in refused_with(provider, phone, pin="111111").text
    assert reasons(provider) == ["pin_wrong"]


def test_a_key_that_is_not_the_phones_is_refused(provider: Provider, phone: Handset) -> None:
    """The cookie is no proof."""
    assert phone.own
    phone.own = replace(SoftwarePhone(), cookie=phone.own.cookie)
    refused_with(provider, phone)
    assert reasons(provider) == ["signature_wrong"]


def test_a_signature_of_another_number_or_request_is_refused(provider: Provider, phone: Handset) -> None:
    assert phone.own
    computer = Computer(provider).open()
    page = phone.scanned(computer)
    for part in range(5):
        request = computer.request()
        good = ("https://idp.example", "approve", request.id, request.challenge or "", request.number or "")
        parts = [*good[:part], "another", *good[part + 1 :]]
        refused = phone.approve(page, computer.number(), signature=phone.own.sign(*parts))
        assert refused.status_code == 400
    assert reasons(provider) == ["signature_wrong"] * 5


def test_a_signature_counts_once(provider: Provider, phone: Handset) -> None:
    """Of an answer that was refused for its PIN, the signature is of no use for another."""
    assert phone.own
    computer = Computer(provider).open()
    page = phone.scanned(computer)
    form = phone.form(page, computer.number(), pin="111111")
    assert phone.browser.post(page, data=form).status_code == 400
    again = {**form, "pin": phone.own.pin}
    stale = phone.browser.post(page, data=again)
    assert (stale.status_code, "déjà en cours" in stale.text) == (400, True)
    again["challenge"] = computer.request().challenge or ""
    assert phone.browser.post(page, data=again).status_code == 400
    assert reasons(provider) == ["signature_wrong", "pin_wrong"]


def test_a_phone_that_nobody_enrolled_is_refused(provider: Provider) -> None:
    stranger = Handset(provider, Authenticator())
    assert "pas reconnue" in refused_with(provider, stranger).text
    assert reasons(provider) == ["passkey_refused"]


def test_nothing_is_approved_without_a_key(provider: Provider, phone: Handset) -> None:
    stranger = Handset(provider)
    refused_with(provider, stranger)
    refused_with(provider, phone, signature="", pin="")
    assert reasons(provider) == ["signature_wrong", "unknown_phone"]


@pytest.mark.parametrize("lie", [{"verifies": False}, {"origin": "https://idp.example.evil"}], ids=["no UV", "origin"])
def test_a_passkey_that_does_not_hold_is_refused(provider: Provider, lie: dict[str, object]) -> None:
    key = given_passkey(provider)
    refused_with(provider, Handset(provider, replace(key, **lie)))  # type: ignore[arg-type]


def test_a_copied_passkey_is_refused(provider: Provider) -> None:
    key = given_passkey(provider)
    copy = replace(key)
    approved(Computer(provider).open(), Handset(provider, key))
    assert "copiée" in refused_with(provider, Handset(provider, copy)).text
    assert len(provider.events("passkey.copied")) == 1


@pytest.mark.parametrize("kind", ["phone", "passkey"])
def test_a_lost_phone_that_was_taken_away_meanwhile_approves_nothing(provider: Provider, kind: str) -> None:
    own = given_phone(provider) if kind == "phone" else None
    lost = Handset(provider, given_passkey(provider) if kind == "passkey" else None, own)
    computer = Computer(provider).open()
    page = lost.scanned(computer)
    form = lost.form(page, computer.number())
    take_away(provider, kind)
    assert lost.browser.post(page, data=form).status_code == 400
    assert nobody_is_signed_in(provider, computer)


@pytest.mark.parametrize("kind", ["phone", "passkey"])
def test_what_a_lost_phone_approved_before_it_was_taken_away_opens_nothing(provider: Provider, kind: str) -> None:
    own = given_phone(provider) if kind == "phone" else None
    lost = Handset(provider, given_passkey(provider) if kind == "passkey" else None, own)
    computer = Computer(provider).open()
    approved(computer, lost)
    take_away(provider, kind)
    assert nobody_is_signed_in(provider, computer)


def take_away(provider: Provider, kind: str) -> None:
    with provider.services.db.write() as tx:
        (held,) = [each for each in tx.means.credentials(account_id(provider)) if each.kind == kind]
        tx.means.remove(account_id(provider), held.credential_id, provider.clock.now())


@pytest.mark.parametrize("kind", ["phone", "passkey"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_suspended_account_is_not_let_in(provider: Provider, when: str, kind: str) -> None:
    own = given_phone(provider) if kind == "phone" else None
    phone = Handset(provider, None if own else given_passkey(provider), own)
    computer = Computer(provider).open()
    page = phone.scanned(computer)
    if when == "after":
        assert phone.approve(page, computer.number()).status_code == 303
    with provider.services.db.write() as tx:
        tx.accounts.set_status(account_id(provider), AccountStatus.SUSPENDED, provider.clock.now())
    if when == "before":
        assert phone.approve(page, computer.number()).status_code == 400
        assert reasons(provider) == ["account_inactive"]
    assert nobody_is_signed_in(provider, computer)


def test_another_account_than_the_one_that_is_named_is_refused(provider: Provider, phone: Handset) -> None:
    provider.add_account("karim.benali")
    given_phone(provider, "karim.benali")
    computer = Computer(provider, "strong").give_password("karim.benali")
    assert path_of(approved(computer, phone)) == "/qr/approved"
    assert "autre" in computer.press().text
    assert reasons(provider) == ["other_account"]
    assert not provider.events("login.succeeded")


# -- the relay ---------------------------------------------------------------------------


def test_a_relay_is_not_stopped_by_the_number(provider: Provider, phone: Handset) -> None:
    """A phishing page that shows our QR code, and then our number, gets the login: why it is MEDIUM at most."""
    thief = Computer(provider).open()
    approved(thief, phone)
    claims = thief.rp.redeem(answer_of(thief.press())["code"])["claims"]
    assert claims["acr"] == "eidas1"


@pytest.mark.parametrize(("address", "is_near"), [(OFFICE, True), (HOME, False)], ids=["near", "far"])
def test_the_same_network_stops_it(provider: Provider, phone: Handset, address: str, is_near: bool) -> None:
    phone.browser.environ_base["REMOTE_ADDR"] = address
    computer = Computer(provider, "near").open()
    page = phone.scanned(computer)
    assert ("même réseau" in phone.browser.get(page).text) != is_near
    assert (phone.approve(page, computer.number()).status_code == 303) == is_near
    assert nobody_is_signed_in(provider, computer) != is_near
    assert reasons(provider) == ([] if is_near else ["other_network"])


def test_who_tries_from_elsewhere_again_and_again_is_audited_once_and_slowed_down(provider: Provider) -> None:
    computer, stranger = Computer(provider, "near").open(), Handset(provider)
    page = stranger.scanned(computer)
    form = {"csrf": csrf_of(stranger.browser.get(page)), "decision": "approve", "number": "11", "challenge": "x"}
    before = len(provider.events())
    assert [stranger.browser.post(page, data=form).status_code for _ in range(12)] == [400] * 12
    assert len(provider.events()) == before + 1
    assert provider.services.ephemeral.counted("network", f"{HOME}/32", timedelta(minutes=10)) == 12


def test_two_phones_of_one_operators_network_are_near(start: Callable[..., Provider]) -> None:
    egress = [{"label": "CHU", "networks": [f"{OFFICE}/32", f"{HOME}/32"], "failures_per_10_min": 300}]
    provider = with_phones(start, egress=egress)
    computer = Computer(provider, "near").open()
    assert path_of(approved(computer, Handset(provider, own=given_phone(provider)))) == "/qr/approved"
    assert answer_of(computer.press())["code"]


def test_who_comes_from_nowhere_is_near_nobody(provider: Provider, phone: Handset) -> None:
    """An address that a proxy spoilt is one for all."""
    computer = Computer(provider, "near")
    for browser in (computer.rp.browser, phone.browser):
        browser.environ_base["REMOTE_ADDR"] = "unknown"
    page = phone.scanned(computer.open())
    assert phone.approve(page, computer.number()).status_code == 400
    assert reasons(provider) == ["other_network"]


@pytest.mark.parametrize("strict", ["near", "here"])
def test_single_sign_on_does_not_lead_around_what_stops_it(provider: Provider, phone: Handset, strict: str) -> None:
    computer = Computer(provider).open()
    approved(computer, phone)
    assert answer_of(computer.press())["code"]
    computer.rp.client_id = strict
    assert path_of(computer.rp.authorize()).startswith("/login/")
    computer.rp.client_id = "rp"
    assert answer_of(computer.rp.authorize())["code"]


def test_the_relay_gets_nothing_where_a_passkey_is_asked_on_the_computer(provider: Provider) -> None:
    """There is no QR code of ours to pass on, and what the phone signs names the page where its holder is."""
    key = given_passkey(provider)
    thief = Computer(provider, "here").open()
    evil = replace(key, origin="https://idp.example.evil")
    refused = answer_with(thief.rp, thief.page, evil)
    assert refused.status_code == 200
    assert reasons(provider) == ["passkey_refused"]
    assert not provider.events("login.succeeded")
