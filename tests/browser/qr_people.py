"""A person with a computer and a phone, each a browser of its own, before a provider whose clock is the test's."""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any, cast

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.sync_api import Browser, CDPSession, expect

from idp.domain.interaction import Interaction
from idp.domain.phone_request import PhoneRequest
from idp.flows.qr import requests
from tests.browser.conftest import DEADLINE_MS
from tests.browser.demo_process import Demo
from tests.browser.people import DESK, PHONE
from tests.browser.visitor import Visitor, Watch
from tests.fakes.enrolling import given_passkey
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.served import served
from tests.fakes.servers import free_port

METHODS = ("email_otp", "password", "qr_code", "passkey")
PIN = "482915"
LOGIN = "Accès sécurisé au service : Service portail", "Secure access to the service: Service portail"
MEANS = "Gérer mes dispositifs d'authentification forte", "Manage my strong authentication devices"
QR = "Approuver avec votre téléphone", "Approve with your phone"
ASKED = "Une connexion est demandée", "A sign-in is requested"
APPROVE = "Approuver la connexion", "Approve the sign-in"
APPROVED = "C'est approuvé", "Approved"
HOME = "Mon compte ESEA", "Mon compte ESEA"
Words = tuple[str, str]
Meet = Callable[..., Any]


def encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


class Screen:
    """One browser. Texts are pairs, French and English. authenticator: what keeps its passkeys, if something does."""

    authenticator: str | None = None
    cdp: CDPSession

    def __init__(self, browser: Browser, provider: Provider, look: dict[str, Any], stack: ExitStack) -> None:
        context = browser.new_context(**look)
        stack.callback(context.close)
        context.set_default_timeout(DEADLINE_MS)
        self.watch, self.provider = Watch(context), provider
        self.page = context.new_page()
        self.visitor = Visitor(
            self.page, cast(Demo, None), self.watch, has_scripts=look.get("java_script_enabled", True)
        )
        self.is_english = look["locale"].startswith("en")
        self.issuer = provider.services.settings.issuer

    def sees(self, words: Words) -> None:
        self.visitor.sees(words[self.is_english])

    def says(self, words: Words) -> str:
        return words[self.is_english]

    def opens(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.issuer + path)

    def has_passkeys(self) -> None:
        """Its authenticator is a virtual one (CDP, domain WebAuthn)."""
        self.cdp = self.page.context.new_cdp_session(self.page)
        self.cdp.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
            "isUserVerified": True, "automaticPresenceSimulation": True,
        }  # fmt: skip
        made = self.cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.authenticator = made["authenticatorId"]

    def has_passkey(self, provider: Provider) -> None:
        """One of Anne's, which she registered earlier."""
        self.has_passkeys()
        key = given_passkey(provider, rp_id="localhost", origin=self.issuer)
        pkcs8 = key.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        credential = {
            "credentialId": encoded(key.webauthn_id), "isResidentCredential": True, "rpId": "localhost",
            "privateKey": encoded(pkcs8), "userHandle": encoded(key.user_handle or b""), "signCount": key.counter,
        }  # fmt: skip
        self.of_it("addCredential", credential=credential)

    def of_it(self, command: str, **values: Any) -> dict[str, Any]:
        """Of the authenticator."""
        found = self.cdp.send(f"WebAuthn.{command}", {"authenticatorId": self.authenticator, **values})
        return cast(dict[str, Any], found or {})


class Phone(Screen):
    """What the person holds."""

    def scans(self, address: str) -> None:
        """What its camera does, and the first press."""
        self.opens(address)
        self.sees(ASKED)
        self.page.click("#approve-scan")
        self.sees(APPROVE)

    def approves(self, number: str, pin: str = PIN) -> None:
        self.page.fill("#approve-number", number)
        if self.authenticator:
            self.page.click("#passkey-use")
        else:
            self.page.fill("#approve-pin", pin)
            self.page.click("#approve-yes")


class Computer(Screen):
    """Where the person wants to sign in."""

    def proves(self) -> None:
        """By password and a code by e-mail, up to the list of means."""
        self.opens("/compte/means")
        self.sees(LOGIN)
        self.page.click("#method-email_otp")
        self.gives_password()
        self.page.wait_for_selector("#otp-code")
        self.page.fill("#otp-code", self.provider.last_code())
        self.page.click("#otp-submit")
        self.sees(MEANS)

    def gives_password(self) -> None:
        self.page.fill("#login-username", "anne.pierre")
        self.page.fill("#login-password", PASSWORD)
        self.page.click("#login-submit")

    def leaves(self) -> None:
        self.page.context.clear_cookies()
        self.provider.clock.advance(seconds=1)

    def shows_qr(self) -> PhoneRequest:
        """Choose the QR code at the login of « Mon compte »; the request that it is of."""
        self.opens("/compte")
        self.sees(LOGIN)
        self.page.click("#method-qr_code")
        self.sees(QR)
        return self.request

    @property
    def request(self) -> PhoneRequest:
        services, handle = self.provider.services, self.page.url.split("/")[4]
        found = services.ephemeral.get_versioned("interaction", handle)
        assert found
        request = requests.of_login(services, Interaction.from_json(handle, found[1], found[0]), "qr_code")
        assert request
        return request

    @property
    def address(self) -> str:
        """What a camera reads: the picture that the page has is the one of this address."""
        services, request = self.provider.services, self.request
        shown = self.page.request.get(f"{self.page.url}/image")
        assert shown.body() == requests.drawn(services, request)
        assert self.page.evaluate("document.getElementById('qr-picture').naturalWidth") > 0
        return requests.address(services, request)

    def number(self) -> str:
        """Once a phone has scanned."""
        shown = self.page.locator("#qr-number")
        expect(shown).to_have_text(self.request.number or "no number yet")
        expect(shown).to_be_visible()
        self.visitor.check()
        return shown.inner_text()


@contextmanager
def two_devices(
    start: Callable[..., Provider], chromium: Browser, methods: tuple[str, ...] = METHODS
) -> Iterator[tuple[Provider, Meet]]:
    """The provider, and what makes devices: meet(Computer), meet(Phone). Fails if a browser complained of anything."""
    port = free_port()
    issuer = f"http://localhost:{port}"
    made = start(methods=methods, issuer=issuer, port=port, threads=128, brand={"support_email": "aide@chu.example"})
    made.clock.advance(seconds=1)
    with made.services.db.write() as tx:
        known = tx.clients.get("portail")
        assert known
        tx.clients.replace(replace(known, redirect_uris=(f"{issuer}/compte/callback",)))
    made.set_policy("portail", methods)
    made.add_account("anne.pierre")
    watches: list[Watch] = []
    with served(made, port), ExitStack() as stack:

        def meet(kind: type[Screen], **look: Any) -> Screen:
            usual = PHONE if kind is Phone else DESK
            screen = kind(chromium, made, {**usual, "locale": "fr-FR", **look}, stack)
            watches.append(screen.watch)
            return screen

        yield made, meet
    problems = [problem for watch in watches for problem in watch.problems]
    assert not problems, "\n".join(problems)


def enrols(computer: Computer, phone: Phone, name: str = "Mon téléphone") -> None:
    """From the list of means of the computer to « ce téléphone est enregistré »."""
    computer.page.click("#add-qr_code")
    computer.sees(("Ajouter un téléphone", "Add a phone"))
    phone.opens(computer.page.locator("#phone-address").text_content() or "")
    phone.sees(("Enregistrer ce téléphone", "Register this phone"))
    phone.page.click("#enrol-claim")
    if phone.authenticator:
        phone.page.fill("#enrol-name", name)
        phone.visitor.check()
        phone.page.click("#passkey-use")
    else:
        phone.page.fill("#phone-pin", PIN)
        phone.page.fill("#phone-pin-again", PIN)
        phone.page.fill("#enrol-pin-name", name)
        phone.visitor.check()
        phone.page.click("#enrol-pin-submit")
    phone.sees(("Confirmez sur l'ordinateur", "Confirm on the computer"))
    number = phone.page.locator("#enrol-number").inner_text()
    expect(computer.page.locator("#phone-number")).to_have_text(number)
    computer.visitor.check()
    computer.page.click("#phone-confirm")
    computer.sees(MEANS)
    expect(computer.page.get_by_text(name).first).to_be_visible()
    phone.sees(("Ce téléphone est enregistré", "This phone is registered"))
