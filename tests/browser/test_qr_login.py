"""A login that a phone approves, in two browsers: the computer's and the phone's."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.qr_people import (
    APPROVE,
    APPROVED,
    ASKED,
    HOME,
    LOGIN,
    MEANS,
    QR,
    Computer,
    Meet,
    Phone,
    enrols,
    two_devices,
)
from tests.fakes.provider import Provider

SCREENS = pytest.mark.parametrize("locale", ["fr-FR", "en-GB"], ids=["french", "english"])
NUMBER = "#approve-number"


@pytest.fixture
def devices(start: Callable[..., Provider], chromium: Browser) -> Iterator[tuple[Provider, Meet]]:
    with two_devices(start, chromium) as made:
        yield made


def enrolled(meet: Meet, *, has_passkeys: bool, **look: Any) -> tuple[Computer, Phone]:
    """Anne's two devices: she enrols the phone, and leaves « Mon compte »."""
    computer, phone = meet(Computer, **look), meet(Phone, **look)
    if has_passkeys:
        phone.has_passkeys()
    computer.proves()
    enrols(computer, phone)
    computer.leaves()
    return computer, phone


@pytest.fixture
def provider(devices: tuple[Provider, Meet]) -> Provider:
    return devices[0]


@pytest.fixture
def meet(devices: tuple[Provider, Meet]) -> Meet:
    return devices[1]


@pytest.fixture
def computer(meet: Meet) -> Computer:
    found: Computer = meet(Computer)
    return found


@pytest.fixture
def phone(provider: Provider, meet: Meet) -> Phone:
    """With a passkey of Anne's."""
    made: Phone = meet(Phone)
    made.has_passkey(provider)
    return made


def other_number(number: str) -> str:
    return str(10 + (int(number) - 9) % 90)


@SCREENS
def test_a_phone_with_a_passkey_is_enrolled_scans_and_approves(provider: Provider, meet: Meet, locale: str) -> None:
    computer, phone = enrolled(meet, has_passkeys=True, locale=locale)
    computer.shows_qr()
    expect(computer.page.locator("#qr-number")).to_be_hidden()
    phone.scans(computer.address)
    expect(phone.page.locator("dl.facts")).to_contain_text("Service portail")
    expect(phone.page.locator("dl.facts")).to_contain_text("127.0.0.0/24")
    phone.approves(computer.number())
    phone.sees(APPROVED)
    computer.sees(HOME)
    event = provider.events("login.succeeded")[0]
    assert (event.detail["method"], event.detail["amr"]) == ("qr_code", "hwk user mfa")


@SCREENS
def test_a_phone_with_a_pin_is_enrolled_takes_the_short_code_and_approves(
    provider: Provider, meet: Meet, locale: str
) -> None:
    computer, phone = enrolled(meet, has_passkeys=False, locale=locale)
    computer.shows_qr()
    phone.opens("/qr")
    phone.sees(("Connexion par téléphone", "Sign-in by phone"))
    expect(phone.page.get_by_text("anne.pierre")).to_be_visible()
    phone.page.fill("#qr-code", computer.page.locator("#qr-short-code").inner_text().lower())
    phone.page.click("#qr-submit")
    phone.sees(ASKED)
    phone.page.click("#approve-scan")
    phone.sees(APPROVE)
    phone.approves(computer.number())
    phone.sees(APPROVED)
    computer.sees(HOME)
    assert provider.events("login.succeeded")[0].detail["amr"] == "swk pin mfa"


# To a page's scripts it is so many hours later, or earlier, than it is.
WRONG_CLOCK = """const Right = Date
globalThis.Date = class extends Right {
  constructor(...at) { super(...(at.length ? at : [Date.now()])) }
  static now() { return Right.now() + HOURS * 3600000 }
}"""


@pytest.mark.parametrize(("of_computer", "of_phone"), [(0, 26), (0, -26), (26, 0), (-26, 0)])
def test_a_wrong_clock_of_either_device_changes_nothing(meet: Meet, of_computer: int, of_phone: int) -> None:
    computer, phone = meet(Computer), meet(Phone)
    for device, hours in ((computer, of_computer), (phone, of_phone)):
        device.page.add_init_script(WRONG_CLOCK.replace("HOURS", str(hours)))
    computer.proves()
    enrols(computer, phone)
    computer.leaves()
    computer.shows_qr()
    left = re.search(r"[0-9]+", computer.page.locator("#qr-left").inner_text())
    assert left
    assert 0 < int(left[0]) <= 120
    phone.scans(computer.address)
    phone.approves(computer.number())
    phone.sees(APPROVED)
    computer.sees(HOME)


def test_a_wrong_short_code_is_said(meet: Meet) -> None:
    phone = meet(Phone)
    phone.opens("/qr")
    phone.sees(("Connexion par téléphone", ""))
    with phone.watch.expecting(400):
        phone.page.fill("#qr-code", "BCDF-GHJK")
        phone.page.click("#qr-submit")
        expect(phone.page.locator("#error-summary")).to_be_focused()
        expect(phone.page.locator("#qr-code")).to_have_attribute("aria-invalid", "true")
        phone.visitor.check()


def test_what_the_phone_refuses_is_over_on_the_computer(provider: Provider, computer: Computer, phone: Phone) -> None:
    computer.shows_qr()
    phone.scans(computer.address)
    phone.page.click("#approve-no")
    phone.sees(("C'est refusé", "Refused"))
    expect(computer.page.get_by_text("Cette connexion a été refusée sur le téléphone.").first).to_be_visible()
    computer.sees(QR)
    assert not [event for event in provider.events("login.succeeded") if event.detail["method"] == "qr_code"]

    computer.page.click("#qr-new")
    computer.sees(QR)
    phone.scans(computer.address)
    phone.approves(computer.number())
    computer.sees(HOME)


def test_a_wrong_number_is_said_and_three_end_it(computer: Computer, phone: Phone) -> None:
    computer.shows_qr()
    phone.scans(computer.address)
    wrong = other_number(computer.number())
    with phone.watch.expecting(400):
        for _ in range(2):
            phone.approves(wrong)
            expect(phone.page.locator(NUMBER)).to_have_attribute("aria-invalid", "true")
            phone.visitor.check()
    with phone.watch.expecting(410):
        phone.approves(wrong)
        phone.sees(("Cette connexion est refusée", "This sign-in is refused"))
    expect(computer.page.get_by_text("Cette connexion a été refusée sur le téléphone.").first).to_be_visible()


def test_a_second_phone_is_refused(meet: Meet, computer: Computer, phone: Phone) -> None:
    computer.shows_qr()
    address = computer.address
    phone.scans(address)
    thief = meet(Phone)
    with thief.watch.expecting(409):
        thief.opens(address)
        thief.sees(("Un autre téléphone a déjà lu ce code", "Another phone has already scanned this code"))
    phone.approves(computer.number())
    computer.sees(HOME)


def test_what_expires_is_said_on_both_and_a_new_code_works(
    provider: Provider, computer: Computer, phone: Phone
) -> None:
    computer.shows_qr()
    address = computer.address
    provider.clock.advance(seconds=120)
    expect(computer.page.get_by_text("Cette demande a expiré.")).to_be_visible()
    computer.sees(QR)
    with phone.watch.expecting(410):
        phone.opens(address)
        phone.sees(("Cette demande a expiré", "This request has expired"))
    computer.page.click("#qr-new")
    computer.sees(QR)
    phone.scans(computer.address)
    phone.approves(computer.number())
    computer.sees(HOME)


def test_the_picture_is_drawn_anew_and_the_old_one_is_dead(
    provider: Provider, computer: Computer, phone: Phone
) -> None:
    computer.shows_qr()
    first = computer.address
    provider.clock.advance(seconds=60)
    before = computer.page.locator("#qr-picture").get_attribute("src")
    computer.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(computer.page.locator("#qr-picture")).not_to_have_attribute("src", before or "")
    assert computer.address != first
    with phone.watch.expecting(410):
        phone.opens(first)
        phone.sees(("Cette demande a expiré", ""))
    phone.scans(computer.address)


def test_without_scripts_the_computer_goes_on_by_a_button(meet: Meet, phone: Phone) -> None:
    computer = meet(Computer, java_script_enabled=False)
    computer.shows_qr()
    phone.scans(computer.address)
    computer.page.get_by_role("link", name="Actualiser").click()
    phone.approves(computer.number())
    phone.sees(APPROVED)
    computer.page.click("#qr-approved")
    computer.sees(HOME)


def test_where_streams_are_refused_the_page_asks_again_and_again(computer: Computer, phone: Phone) -> None:
    computer.page.route("**/events", lambda route: route.fulfill(status=503, headers={"Retry-After": "30"}))
    with computer.watch.expecting(503):
        computer.shows_qr()
        phone.scans(computer.address)
        phone.approves(computer.number())
        computer.sees(HOME)


def test_by_the_computers_own_browser_there_is_no_code_of_ours(provider: Provider, computer: Computer) -> None:
    """`approval=passkey`: what answers for the phone near by is a virtual authenticator of the computer's browser."""
    provider.clock.advance(seconds=1)
    provider.set_policy("portail", ("qr_code:approval=passkey",))
    computer.has_passkey(provider)
    computer.opens("/compte")
    computer.page.click("#method-qr_code")
    expect(computer.page.locator("#passkey-use")).to_be_visible()
    expect(computer.page.locator("#qr-picture")).to_have_count(0)
    computer.visitor.check()
    computer.page.click("#passkey-use")
    computer.sees(HOME)
    event = provider.events("login.succeeded")[0]
    assert (event.detail["method"], event.detail["amr"]) == ("qr_code", "hwk user mfa")


def test_the_application_of_the_phone_says_that_there_is_no_network(meet: Meet) -> None:
    phone = meet(Phone)
    phone.opens("/qr")
    phone.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    with phone.watch.expecting_no_answer(phone.issuer):
        phone.page.context.set_offline(True)
        phone.opens("/qr")
        phone.sees(("Vous êtes hors connexion", ""))
        assert phone.page.evaluate("document.fonts.check('16px \"Atkinson Hyperlegible\"')")
        phone.page.context.set_offline(False)
    phone.page.click("#qr-again")
    phone.sees(("Connexion par téléphone", ""))


def test_a_phone_that_was_not_confirmed_is_not_enrolled(meet: Meet) -> None:
    computer, thief = meet(Computer), meet(Phone)
    computer.proves()
    computer.page.click("#add-qr_code")
    thief.opens(computer.page.locator("#phone-address").text_content() or "")
    thief.page.click("#enrol-claim")
    for field in ("#phone-pin", "#phone-pin-again"):
        thief.page.fill(field, "482915")
    thief.page.fill("#enrol-pin-name", "Un autre")
    thief.page.click("#enrol-pin-submit")
    thief.page.wait_for_selector("#enrol-number")
    expect(computer.page.locator("#phone-number")).to_be_visible()
    with thief.watch.expecting(409):
        computer.page.click("#phone-refuse")
        computer.sees(MEANS)
        thief.sees(("Ce téléphone n'est pas enregistré", ""))
    expect(computer.page.get_by_text("Un autre")).to_have_count(0)
    computer.leaves()
    computer.opens("/compte")
    computer.sees(LOGIN)
