"""Authenticator applications and passkeys in Chromium."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import DEADLINE_MS
from tests.browser.people import on_every_screen
from tests.browser.qr_people import HOME, LOGIN, MEANS, Computer, two_devices
from tests.fakes.enrolling import METHODS, current, means, records
from tests.fakes.provider import Provider
from tests.fakes.waiting import until

REGISTER = "Enregistrer une clé d'accès", "Register a passkey"
ADD_TOTP = "Ajouter une application d'authentification", "Add an authenticator application"
PASSKEY = "Clé d'accès", "Passkey"
ANOTHER_CHALLENGE = """() => {
  const form = document.getElementById("passkey");
  const options = JSON.parse(form.dataset.options);
  form.dataset.options = JSON.stringify({...options, challenge: "AAAA"});
}"""


class Person(Computer):
    """Anne before a browser that has an authenticator."""

    def __init__(self, *made: Any) -> None:
        super().__init__(*made)
        self.has_passkeys()

    def registers(self) -> None:
        self.page.click("#add-passkey")
        self.sees(REGISTER)
        self.page.click("#passkey-use")
        self.sees(MEANS)
        said = ("La clé d'accès est ajoutée.", "The passkey was added.")[self.is_english]
        expect(self.page.get_by_role("status")).to_contain_text(said)


Meet = Callable[..., Person]


@pytest.fixture
def devices(start: Callable[..., Provider], chromium: Browser) -> Iterator[tuple[Provider, Meet]]:
    with two_devices(start, chromium, METHODS) as (made, meet):
        yield made, partial(meet, Person)


@pytest.fixture
def provider(devices: tuple[Provider, Meet]) -> Provider:
    return devices[0]


@pytest.fixture
def meet(devices: tuple[Provider, Meet]) -> Meet:
    return devices[1]


@on_every_screen
def test_a_passkey_is_registered_and_signs_in_without_a_name(
    meet: Meet, provider: Provider, screen: str, look: dict[str, Any]
) -> None:
    anne = meet(**look)
    anne.proves()
    anne.registers()
    (kept,) = records(provider)
    assert not kept.is_backup_eligible
    assert kept.transports == ("internal",)

    anne.leaves()
    anne.opens("/compte")
    anne.sees(LOGIN)
    anne.page.click("#method-passkey")
    anne.sees(PASSKEY)
    anne.page.click("#passkey-use")
    anne.sees(HOME)
    event = provider.events("login.succeeded")[0]
    assert (event.detail["method"], event.detail["amr"]) == ("passkey", "hwk user mfa")
    assert records(provider)[0].sign_count > kept.sign_count


def test_it_follows_a_password(meet: Meet, provider: Provider) -> None:
    anne = meet()
    anne.proves()
    anne.registers()
    anne.leaves()
    provider.set_policy("portail", ("passkey:after=password",))
    anne.opens("/compte")
    anne.page.click("#method-passkey")
    anne.gives_password()
    anne.sees(PASSKEY)
    expect(anne.page.get_by_text("Étape 2 sur 2")).to_be_visible()
    anne.page.click("#passkey-use")
    anne.sees(HOME)
    assert provider.events("login.succeeded")[0].detail["amr"] == "pwd hwk user mfa"


def test_who_is_not_verified_is_told_and_may_try_again(meet: Meet, provider: Provider) -> None:
    anne = meet()
    anne.proves()
    anne.registers()
    anne.leaves()
    anne.opens("/compte")
    anne.page.click("#method-passkey")
    anne.sees(PASSKEY)
    anne.of_it("setUserVerified", isUserVerified=False)
    anne.page.click("#passkey-use")
    told = anne.page.locator("[data-problem=cancelled]")
    expect(told).to_be_visible(timeout=DEADLINE_MS)
    anne.visitor.check()
    anne.of_it("setUserVerified", isUserVerified=True)
    anne.page.click("#passkey-use")
    anne.sees(HOME)


def test_while_the_device_is_waited_for_the_page_says_so_and_keeps_the_focus(meet: Meet, provider: Provider) -> None:
    anne = meet()
    anne.proves()
    anne.registers()
    anne.leaves()
    anne.opens("/compte")
    anne.page.click("#method-passkey")
    anne.sees(PASSKEY)
    anne.of_it("setAutomaticPresenceSimulation", enabled=False)
    anne.page.focus("#passkey-use")
    anne.page.keyboard.press("Enter")
    expect(anne.page.locator("#passkey-waiting")).to_have_text("En attente de votre appareil…")
    expect(anne.page.locator("#passkey-use[aria-disabled=true]")).to_be_focused()
    anne.visitor.check()


def test_a_device_has_one_passkey_for_an_account(meet: Meet, provider: Provider) -> None:
    anne = meet()
    anne.proves()
    anne.registers()
    anne.page.click("#add-passkey")
    anne.sees(REGISTER)
    anne.page.click("#passkey-use")
    expect(anne.page.locator("[data-problem=known]")).to_be_visible()
    anne.visitor.check()
    assert len(records(provider)) == 1


def test_no_gesture_is_asked_before_the_name_is_one(meet: Meet, provider: Provider) -> None:
    anne = meet()
    anne.proves()
    anne.page.click("#add-passkey")
    anne.sees(REGISTER)
    for name in ("", "   "):
        anne.page.fill("#passkey-name", name)
        anne.page.click("#passkey-use")
        expect(anne.page.locator("#passkey-name:invalid")).to_be_focused()
    assert anne.of_it("getCredentials")["credentials"] == []
    assert not provider.events("means.add_refused")


def test_a_key_that_was_refused_is_forgotten_by_the_authenticator(meet: Meet, provider: Provider) -> None:
    """It would be offered at each login."""
    anne = meet()
    anne.proves()
    anne.page.click("#add-passkey")
    anne.sees(REGISTER)
    anne.page.evaluate(ANOTHER_CHALLENGE)
    with anne.visitor.watch.expecting(400):
        anne.page.click("#passkey-use")
        expect(anne.page.locator("form[data-refused]")).to_be_visible()
    until(lambda: anne.of_it("getCredentials")["credentials"] == [])
    anne.opens("/compte/means")
    anne.registers()
    anne.page.click("#add-passkey")
    anne.sees(REGISTER)
    expect(anne.page.locator("#passkey-use")).to_be_visible()
    assert len(anne.of_it("getCredentials")["credentials"]) == 1


def test_a_copy_of_a_passkey_is_noticed(meet: Meet, provider: Provider) -> None:
    """The counter of the copy stands where it was when the key was copied."""
    anne = meet()
    anne.proves()
    anne.registers()
    (copy,) = anne.of_it("getCredentials")["credentials"]
    anne.leaves()
    anne.opens("/compte")
    anne.page.click("#method-passkey")
    anne.sees(PASSKEY)
    anne.page.click("#passkey-use")
    anne.sees(HOME)
    anne.leaves()
    anne.of_it("clearCredentials")
    anne.of_it("addCredential", credential=copy)
    anne.opens("/compte")
    anne.page.click("#method-passkey")
    anne.sees(PASSKEY)
    anne.page.click("#passkey-use")
    expect(anne.page.get_by_role("alert").first).to_contain_text("peut-être été copiée")
    anne.visitor.check()
    assert len(provider.events("passkey.copied")) == 1


@on_every_screen
def test_an_authenticator_application_is_added_and_asked_for(
    meet: Meet, provider: Provider, screen: str, look: dict[str, Any]
) -> None:
    anne = meet(**look)
    anne.proves()
    anne.page.click("#add-totp")
    anne.sees(ADD_TOTP)
    expect(anne.page.get_by_role("img", name="QR code")).to_be_visible()
    secret = anne.page.locator("#totp-secret").inner_text().replace(" ", "")
    with anne.visitor.watch.expecting(400):
        anne.page.fill("#totp-code", "000000")
        anne.page.click("#totp-submit")
        anne.sees(ADD_TOTP)
        expect(anne.page.locator("#totp-code-error")).to_be_visible()
    anne.page.fill("#totp-code", current(secret, provider))
    anne.page.fill("#totp-name", "Téléphone de garde")
    anne.page.click("#totp-submit")
    anne.sees(MEANS)
    expect(anne.page.get_by_text("Téléphone de garde").first).to_be_visible()
    assert [each.name for each in means(provider, "totp")] == ["Téléphone de garde"]

    anne.leaves()
    anne.opens("/compte")
    anne.page.click("#method-totp")
    anne.gives_password()
    anne.sees(("Saisissez le code de votre application", "Enter the code of your application"))
    anne.page.fill("#totp-code", current(secret, provider, 1))
    anne.page.click("#totp-submit")
    anne.sees(HOME)
    assert provider.events("login.succeeded")[0].detail["amr"] == "pwd otp mfa"
