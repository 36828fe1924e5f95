"""What a phone may not approve, and what nobody may do with a request that is not theirs."""

import re
from collections.abc import Callable

import pytest

from idp.domain.ids import digest
from idp.domain.phone_request import LIFETIME, State
from idp.flows import visits
from tests.fakes.phone import given_phone
from tests.fakes.provider import Provider
from tests.fakes.qr_login import (
    Computer,
    Handset,
    account_id,
    approved,
    nobody_is_signed_in,
    reasons,
    with_phones,
)
from tests.fakes.relying_party import answer_of, csrf_of


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_phones(start)


@pytest.fixture
def phone(provider: Provider) -> Handset:
    return Handset(provider, own=given_phone(provider))


def wrong(number: str) -> str:
    return "11" if number != "11" else "12"


# -- the QR code -------------------------------------------------------------------------


def test_a_photograph_of_the_qr_code_is_of_no_use_after_two_half_minutes(provider: Provider, phone: Handset) -> None:
    computer = Computer(provider).open()
    photograph = computer.qr()
    provider.clock.advance(seconds=60)
    late = phone.scan(photograph)
    assert (late.status_code, "a expiré" in late.text) == (410, True)
    assert computer.request().state is State.PENDING


def test_a_photograph_of_a_code_that_was_scanned_is_of_no_use(provider: Provider, phone: Handset) -> None:
    """And whoever has it sees no number."""
    computer, stranger = Computer(provider).open(), Handset(provider)
    photograph = computer.qr()
    phone.scanned(computer)
    refused = stranger.scan(photograph)
    assert (refused.status_code, "Un autre téléphone" in refused.text) == (409, True)
    assert computer.number() not in re.findall(r"\b[0-9]+\b", re.sub(r"<[^>]*>", " ", refused.text))


def test_a_second_phone_is_refused_at_the_button_too(provider: Provider, phone: Handset) -> None:
    computer, second = Computer(provider).open(), Handset(provider)
    qr = computer.qr()
    shown = second.browser.get(qr)
    phone.scanned(computer)
    assert second.browser.post(qr, data={"csrf": csrf_of(shown)}).status_code == 409


def test_a_token_of_another_providers_key_is_foreign(provider: Provider, phone: Handset) -> None:
    computer = Computer(provider).open()
    path, _, mac = computer.qr().rpartition(".")
    refused = phone.browser.get(f"{path}.{digest(mac)[:32]}")
    assert (refused.status_code, "pas valable" in refused.text) == (404, True)


@pytest.mark.parametrize("path", ["/qr/x", "/qr/" + "0" * 32 + ".0." + "0" * 32, "/qr/%00", "/qr/" + "é" * 400])
def test_what_is_no_token_is_foreign(provider: Provider, path: str) -> None:
    assert Handset(provider).browser.get(path).status_code in {400, 404}


def test_a_request_that_expired_is_neither_scanned_nor_approved(provider: Provider, phone: Handset) -> None:
    computer = Computer(provider).open()
    page = phone.scanned(computer)
    form = phone.form(page, computer.number())
    provider.clock.advance(seconds=LIFETIME.total_seconds())
    assert phone.browser.post(page, data=form).status_code == 410
    assert phone.browser.get(page).status_code == 410
    assert "a expiré" in computer.press().text
    assert nobody_is_signed_in(provider, computer)


def test_the_page_offers_a_new_code_after_the_end(provider: Provider, phone: Handset) -> None:
    computer = Computer(provider).open()
    provider.clock.advance(seconds=LIFETIME.total_seconds())
    assert 'id="qr-new"' in computer.shown().text
    assert 'id="qr-watch"' not in computer.shown().text
    computer.open()
    approved(computer, phone)
    assert answer_of(computer.press())["code"]


def test_a_get_changes_nothing(provider: Provider, phone: Handset) -> None:
    """Mail gateways and messengers follow addresses."""
    computer = Computer(provider).open()
    before = computer.request()
    for _ in range(2):
        assert phone.browser.get(computer.qr()).status_code == 200
        assert phone.browser.head(computer.qr()).status_code == 405
    assert computer.request() == before
    page = phone.scanned(computer)
    scanned = computer.request()
    assert phone.browser.get(page).status_code == 200
    assert computer.request() == scanned


@pytest.mark.parametrize("step", ["scan", "approve", "refuse"])
def test_forms_need_their_token(provider: Provider, phone: Handset, step: str) -> None:
    computer = Computer(provider).open()
    if step == "scan":
        assert phone.browser.post(computer.qr(), data={"csrf": "x"}).status_code == 403
        assert computer.request().state is State.PENDING
        return
    page = phone.scanned(computer)
    form = phone.form(page, computer.number(), csrf="x", decision=step)
    assert phone.browser.post(page, data=form).status_code == 403
    assert computer.request().state is State.SCANNED


def test_another_browser_neither_sees_nor_answers(provider: Provider, phone: Handset) -> None:
    """Even the holder's own, with all that the phone would send."""
    computer = Computer(provider).open()
    page = phone.scanned(computer)
    form = phone.form(page, computer.number())
    other = Handset(provider, own=phone.own)
    token = csrf_of(other.browser.get("/qr"))
    assert other.browser.get(page).status_code == 409
    assert other.browser.post(page, data={**form, "csrf": token}).status_code == 409
    assert other.browser.post(page, data={"csrf": token, "decision": "refuse"}).status_code == 409
    assert other.browser.post(page, data={"csrf": token, "number": ""}).status_code == 409
    assert computer.request().state is State.SCANNED


def test_the_computers_own_browser_is_no_other_logins(provider: Provider, phone: Handset) -> None:
    """What was approved for one login opens no other, and no other browser sees its page."""
    computer, other = Computer(provider).open(), Computer(provider).open()
    approved(computer, phone)
    assert other.rp.browser.get(f"{computer.page}/image").status_code == 403
    assert "pas encore approuvé" in other.press().text
    assert not provider.events("login.succeeded")
    handle = other.path.rpartition("/")[2]
    kept, version = provider.services.ephemeral.get_versioned(visits.KIND, handle) or ({}, 0)
    kept["method_state"]["qr_code"]["request"] = computer.request().id
    ends = provider.clock.now() + LIFETIME
    assert provider.services.ephemeral.swap(visits.KIND, handle, version, kept, ends)
    assert "a expiré" in other.press().text
    assert not provider.events("login.succeeded")


# -- the number --------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["", "4", "474", "ab"])
def test_what_is_no_number_is_no_try(provider: Provider, phone: Handset, typed: str) -> None:
    computer = Computer(provider).open()
    refused = phone.approve(phone.scanned(computer), typed)
    assert (refused.status_code, "deux chiffres" in refused.text) == (400, True)
    assert computer.request().wrong == 0


def test_three_wrong_numbers_refuse_it_and_the_holder_is_told(provider: Provider, phone: Handset) -> None:
    computer = Computer(provider).open()
    page, number = phone.scanned(computer), wrong(computer.number())
    for _ in range(2):
        assert phone.approve(page, number).status_code == 400
    last = phone.approve(page, number)
    assert last.status_code == 410
    for shown in (last, phone.browser.get(page)):
        assert "Trois nombres faux" in shown.text
        assert "support@region.example" in shown.text.partition("</main>")[0]
    assert "refusée" in computer.press().text
    assert reasons(provider) == ["number_wrong"] * 3
    (event,) = provider.events("login.qr_refused")
    told = {"method": "qr_code", "reason": "number_wrong"}
    assert (event.detail, event.subject) == (told, account_id(provider))
    assert "refusée" in provider.mails()[-1].subject
