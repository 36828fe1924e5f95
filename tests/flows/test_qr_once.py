"""What of a login by phone counts once, however many ask at once, and what happens if it is forgotten in the middle."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from idp.domain import phone_request
from idp.domain.ids import digest
from idp.domain.phone_request import LIFETIME, State
from idp.errors import Unavailable
from idp.flows.qr import approving
from idp.store.conformance import race
from idp.store.database import Database
from tests.fakes.enrolling import given_passkey, records
from tests.fakes.phone import given_phone
from tests.fakes.provider import Provider
from tests.fakes.qr_login import Computer, Handset, account_id, approved, nobody_is_signed_in, reasons, with_phones
from tests.fakes.relying_party import answer_of, csrf_of

AT_ONCE = 4
BROWSER, PHONE = "__Host-sesame-browser", "__Host-sesame-phone"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_phones(start)


@pytest.fixture
def phone(provider: Provider) -> Handset:
    return Handset(provider, own=given_phone(provider))


def tabs(provider: Provider, browser: FlaskClient) -> list[FlaskClient]:
    """The same browser some times, for a client of the test is no thread's but one's."""
    made = []
    for _ in range(AT_ONCE):
        tab = provider.browser()
        tab.environ_base.update(browser.environ_base)
        for name in (BROWSER, PHONE):
            cookie = browser.get_cookie(name)
            if cookie:
                tab.set_cookie(name, cookie.value, secure=True)
        made.append(tab)
    return made


def test_of_many_phones_at_once_one_scans(provider: Provider) -> None:
    computer = Computer(provider).open()
    qr, phones = computer.qr(), [Handset(provider) for _ in range(AT_ONCE)]
    forms = [{"csrf": csrf_of(each.browser.get(qr))} for each in phones]
    answers = race(lambda n: phones[n].browser.post(qr, data=forms[n]).status_code, AT_ONCE)
    assert sorted(answers) == [303, *[409] * (AT_ONCE - 1)]


@pytest.mark.parametrize("kind", ["phone", "passkey", "passkey that does not count"])
def test_of_many_approvals_at_once_one_counts(provider: Provider, kind: str) -> None:
    """And no key is called copied, nor a PIN wrong, for an answer that was sent twice."""
    own = given_phone(provider) if kind == "phone" else None
    key = None if own else given_passkey(provider, step=0 if "not" in kind else 1)
    phone, computer = Handset(provider, key, own), Computer(provider).open()
    page = phone.scanned(computer)
    form = phone.form(page, computer.number())
    same = tabs(provider, phone.browser)
    answers = race(lambda n: same[n].post(page, data=form), AT_ONCE)
    approvals = [each for each in answers if each.status_code == 303]
    assert len(approvals) == 1
    assert len(provider.events("login.qr_approved")) == 1
    assert provider.events("passkey.copied") == []
    assert provider.events("phone.pin_wrong") == []
    assert answer_of(computer.press())["code"]


def test_of_an_approval_and_a_refusal_at_once_one_counts(provider: Provider, phone: Handset) -> None:
    computer = Computer(provider).open()
    page = phone.scanned(computer)
    form = phone.form(page, computer.number())
    forms = [form, {**form, "decision": "refuse"}]
    same = tabs(provider, phone.browser)
    race(lambda n: same[n].post(page, data=forms[n % 2]).status_code, AT_ONCE)
    is_approved = computer.request().state is State.APPROVED
    assert bool(provider.events("login.qr_refused")) != is_approved
    assert nobody_is_signed_in(provider, computer) != is_approved


def test_an_answer_that_approved_nothing_yet_does_not_stop_a_refusal(provider: Provider, phone: Handset) -> None:
    """Both were sent at once, and the wrong number was counted first."""
    computer = Computer(provider).open()
    page, seen = phone.scanned(computer), computer.request()
    phone.approve(page, "11" if seen.number != "11" else "12")
    cookie = phone.browser.get_cookie(BROWSER)
    assert cookie
    with provider.app.test_request_context("/", headers={"Cookie": f"{BROWSER}={cookie.value}"}):
        approving.refuse(provider.services, seen, None)
    assert computer.request().state is State.REFUSED


def test_of_many_wrong_numbers_at_once_each_counts(provider: Provider, phone: Handset) -> None:
    """None is looked at that was not counted."""
    computer = Computer(provider).open()
    page, number = phone.scanned(computer), computer.number()
    same = tabs(provider, phone.browser)
    wrong = [f"{10 + n}" for n in range(AT_ONCE + 1) if f"{10 + n}" != number][:AT_ONCE]
    forms = [phone.form(page, each) for each in wrong]
    race(lambda n: same[n].post(page, data=forms[n]).status_code, AT_ONCE)
    assert computer.request().wrong == len(reasons(provider))


def test_a_double_approval_is_told(provider: Provider, phone: Handset) -> None:
    computer = Computer(provider).open()
    page = phone.scanned(computer)
    form = phone.form(page, computer.number())
    assert phone.browser.post(page, data=form).status_code == 303
    again = phone.browser.post(page, data=form)
    assert (again.status_code, "déjà approuvée" in again.text) == (410, True)
    assert phone.browser.get(page).status_code == 410
    assert phone.browser.post(page, data={**form, "decision": "refuse"}).status_code == 410
    assert answer_of(computer.press())["code"]


def test_of_many_takes_at_once_one_signs_in(provider: Provider, phone: Handset) -> None:
    computer = Computer(provider).open()
    approved(computer, phone)
    same = tabs(provider, computer.rp.browser)
    form = {"csrf": csrf_of(computer.shown()), "approved": "yes"}
    race(lambda n: same[n].post(computer.page, data=form).status_code, AT_ONCE)
    assert len(provider.events("login.succeeded")) == 1


def test_an_approval_is_taken_once(provider: Provider, phone: Handset) -> None:
    """Put back into a login, the id of one that was taken opens nothing."""
    computer = Computer(provider).open()
    approved(computer, phone)
    kept = computer.request()
    assert answer_of(computer.press())["code"]
    again = Computer(provider).open()
    handle = again.path.rpartition("/")[2]
    found = provider.services.ephemeral.get("qr_request", kept.id)
    assert found
    assert (found["state"], found["approval"]) == ("taken", None)
    moved = {**found, "interaction": digest(handle)}
    provider.services.ephemeral.put("qr_request", again.request().id, moved, LIFETIME)
    assert again.press().status_code == 409
    assert "a expiré" in again.shown().text
    assert len(provider.events("login.succeeded")) == 1


@pytest.mark.parametrize("when", ["before the scan", "before the approval", "before the take"])
def test_a_request_that_was_lost_in_the_middle(provider: Provider, phone: Handset, when: str) -> None:
    """The request is lost, and the login is not: the page says that it has expired, and offers a new code."""
    computer = Computer(provider).open()
    qr, request_id = computer.qr(), computer.request().id

    def lose() -> None:
        provider.services.ephemeral.take("qr_request", request_id)

    if when == "before the scan":
        lose()
        assert phone.scan(qr).status_code == 410
    else:
        page = phone.scanned(computer)
        form = phone.form(page, computer.number())
        if when == "before the take":
            assert phone.browser.post(page, data=form).status_code == 303
            lose()
        else:
            lose()
            assert phone.browser.post(page, data=form).status_code == 410
    pressed = computer.press()
    assert (pressed.status_code, "Cette demande a expiré" in pressed.text) == (200, True)
    assert "Afficher un nouveau code" in pressed.text
    assert not provider.events("login.succeeded")
    computer.open()
    approved(computer, Handset(provider, own=phone.own))
    assert answer_of(computer.press())["code"]


@pytest.mark.parametrize("when", ["before the scan", "before the approval", "before the take"])
def test_a_store_that_was_emptied_in_the_middle(provider: Provider, phone: Handset, when: str) -> None:
    """Redis was restarted: the login is lost too, and begins at the service again."""
    computer = Computer(provider).open()
    qr, page = computer.qr(), computer.page
    sent = {"csrf": csrf_of(computer.shown()), "approved": "yes"}
    if when != "before the scan":
        qr = phone.scanned(computer)
        form = phone.form(qr, computer.number())
    if when == "before the take":
        assert phone.browser.post(qr, data=form).status_code == 303
    provider.services.ephemeral._redis.flushall()
    shown = computer.shown()
    assert (shown.status_code, "Cette connexion a expiré" in shown.text) == (410, True)
    assert computer.rp.browser.post(page, data=sent).status_code == 410
    asked = phone.browser.get(qr)
    assert (asked.status_code, "Cette demande a expiré" in asked.text) == (410, True)
    if when == "before the approval":
        assert phone.browser.post(qr, data=form).status_code == 410
    assert not provider.events("login.succeeded")


def test_what_cannot_be_recorded_is_not_approved(
    provider: Provider, phone: Handset, monkeypatch: pytest.MonkeyPatch
) -> None:
    computer = Computer(provider).open()
    page = phone.scanned(computer)
    form = phone.form(page, computer.number())
    with monkeypatch.context() as down:
        down.setattr(Database, "append", gone)
        assert phone.browser.post(page, data=form).status_code == 503
    assert computer.request().state is State.SCANNED
    assert provider.events("login.qr_approved") == []
    assert nobody_is_signed_in(provider, computer)
    assert phone.approve(page, computer.number()).status_code == 303


def gone(*_: Any) -> None:
    raise Unavailable("database: gone at commit")


def test_no_two_computers_show_the_same_short_code(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = iter(["BCDFGHJK", "BCDFGHJK", "LMNPQRST"])
    monkeypatch.setattr(phone_request, "new_code", lambda: next(drawn))
    assert [Computer(provider).open().code() for _ in range(2)] == ["BCDF-GHJK", "LMNP-QRST"]


def test_a_new_code_ends_the_one_before(provider: Provider, phone: Handset) -> None:
    computer = Computer(provider).open()
    before = computer.qr()
    page = phone.scanned(computer)
    form = phone.form(page, computer.number())
    computer.open()
    assert phone.scan(before).status_code == 410
    assert phone.browser.post(page, data=form).status_code == 410
    assert nobody_is_signed_in(provider, computer)


def test_a_passkey_that_was_refused_for_its_number_may_be_used_again(provider: Provider) -> None:
    """Its counter moves only with an answer that counts."""
    key = given_passkey(provider)
    phone, computer = Handset(provider, key), Computer(provider).open()
    page, number = phone.scanned(computer), computer.number()
    other = replace(key)
    assert phone.approve(page, "11" if number != "11" else "12").status_code == 400
    assert records(provider)[0].sign_count == 0
    phone.passkey = other
    assert phone.approve(page, number).status_code == 303
    assert provider.events("login.qr_approved")[0].subject == account_id(provider)
