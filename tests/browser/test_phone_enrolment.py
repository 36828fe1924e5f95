"""Enrolling a phone in Chromium, beyond the usual way: what a phone has already, what it cannot, what it mistypes."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.qr_people import PIN, Computer, Meet, Phone, enrols, two_devices
from tests.fakes.enrolling import means
from tests.fakes.provider import Provider

ADD = "Ajouter un téléphone", "Add a phone"
KEY = "Enregistrer ce téléphone", "Register this phone"
WAIT = "Confirmez sur l'ordinateur", "Confirm on the computer"
DONE = "Ce téléphone est enregistré", "This phone is registered"
LIST = "Gérer mes dispositifs d'authentification forte", "Manage my strong authentication devices"


@pytest.fixture
def devices(start: Callable[..., Provider], chromium: Browser) -> Iterator[tuple[Provider, Meet]]:
    with two_devices(start, chromium) as found:
        yield found


def scanned(computer: Computer, phone: Phone) -> None:
    """From the list of means to the page where the phone makes its key."""
    computer.page.click("#add-qr_code")
    computer.sees(ADD)
    phone.opens(computer.page.locator("#phone-address").text_content() or "")
    phone.page.click("#enrol-claim")
    phone.sees(KEY)


def confirmed(computer: Computer, phone: Phone) -> None:
    phone.sees(WAIT)
    computer.page.click("#phone-confirm")
    computer.sees(LIST)
    phone.sees(DONE)


def test_a_phone_that_has_a_passkey_already_is_told_and_remembered_by_it(devices: tuple[Provider, Meet]) -> None:
    provider, meet = devices
    computer, phone = meet(Computer), meet(Phone)
    phone.has_passkeys()
    computer.proves()
    enrols(computer, phone)
    phone.page.context.clear_cookies()
    scanned(computer, phone)
    phone.page.click("#passkey-use")
    expect(phone.page.locator("[data-problem=known]")).to_be_visible()
    phone.visitor.check()
    phone.page.click("#enrol-held")
    phone.page.click("#passkey-use")
    confirmed(computer, phone)
    assert len(means(provider, "passkey")) == 1
    assert len(provider.events("phone.remembered")) == 1


def test_a_phone_that_does_not_verify_its_user_has_a_pin(devices: tuple[Provider, Meet]) -> None:
    """And the key cannot be taken out of its browser."""
    provider, meet = devices
    computer, phone = meet(Computer), meet(Phone)
    phone.has_passkeys()
    computer.proves()
    scanned(computer, phone)
    phone.cdp.send("WebAuthn.setUserVerified", {"authenticatorId": phone.authenticator, "isUserVerified": False})
    phone.page.click("#passkey-use")
    expect(phone.page.locator("[data-problem=cancelled]")).to_be_visible()
    phone.page.click("#enrol-to-pin")
    expect(phone.page.locator("#phone-pin")).to_be_focused()
    for pin, again, said in (("123456", "123456", "trop facile"), (PIN, "907361", "pas identiques")):
        phone.page.fill("#phone-pin", pin)
        phone.page.fill("#phone-pin-again", again)
        with phone.watch.expecting(400):
            phone.page.click("#enrol-pin-submit")
            expect(phone.page.locator("#phone-pin-error")).to_contain_text(said)
        phone.visitor.check()
    phone.page.fill("#phone-pin", PIN)
    phone.page.fill("#phone-pin-again", PIN)
    phone.page.click("#enrol-pin-submit")
    confirmed(computer, phone)
    (made,) = means(provider, "phone")
    with provider.services.db.read() as tx:
        stored = tx.phones.find(made.credential_id)
    assert stored
    assert phone.page.evaluate(EXPORTED, stored.key_id) == "InvalidAccessError"


EXPORTED = """async (id) => {
  const opened = await new Promise((resolve) => {
    const request = indexedDB.open("sesame-phone", 1);
    request.onsuccess = () => resolve(request.result);
  });
  const key = await new Promise((resolve) => {
    const request = opened.transaction("keys").objectStore("keys").get(id);
    request.onsuccess = () => resolve(request.result);
  });
  opened.close();
  return crypto.subtle.exportKey("pkcs8", key).then(() => "exported", (error) => error.name);
}"""
