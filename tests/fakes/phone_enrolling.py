"""A provider with logins that a phone approves, and a phone that its holder enrols."""

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.fakes.authenticator import Authenticator
from tests.fakes.enrolling import options_of, proven
from tests.fakes.phone import PIN, SoftwarePhone
from tests.fakes.portal import MEANS
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of

METHODS = ("email_otp", "password", "passkey", "qr_code")
PAGE = f"{MEANS}/phone"
CONFIRM = f"{PAGE}/confirm"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile Safari/604.1"


def with_phones(start: Callable[..., Provider], methods: tuple[str, ...] = METHODS) -> Provider:
    made = start(methods=methods, brand={"support_email": "support@region.example"})
    made.clock.advance(seconds=1)
    made.set_policy("portail", methods)
    made.add_account("anne.pierre")
    return made


@dataclass
class Scanning:
    """The browser of a phone that has read a QR code, at `path`."""

    browser: FlaskClient
    path: str
    phone: SoftwarePhone = field(default_factory=SoftwarePhone)
    authenticator: Authenticator = field(default_factory=Authenticator)
    csrf: str = ""

    def open(self, path: str = "") -> TestResponse:
        return self.browser.get(self.path + path, headers={"User-Agent": IPHONE})

    def post(self, path: str = "", **form: str) -> TestResponse:
        """A form, as one of these pages has it."""
        self.csrf = self.csrf or csrf_of(self.open())
        return self.browser.post(self.path + path, data={"csrf": self.csrf, **form}, headers={"User-Agent": IPHONE})

    @property
    def state(self) -> str:
        return str(self.open("/state").json["state"])  # type: ignore[index]

    def tabs(self, number: int) -> list[FlaskClient]:
        """So many tabs of its browser."""
        cookie = self.browser.get_cookie("__Host-sesame-browser")
        assert cookie
        made = [self.browser.application.test_client() for _ in range(number)]
        for tab in made:
            tab.set_cookie("__Host-sesame-browser", cookie.value, secure=True)
        return made

    def claim(self) -> "Scanning":
        assert path_of(self.post()) == self.path
        return self

    @property
    def parts(self) -> list[str]:
        """What the page has a key sign."""
        found = re.search(r'data-parts="([^"]+)"', self.open().text)
        assert found
        return [str(part) for part in json.loads(html.unescape(found[1]))]

    def give_key(self, **changes: str) -> TestResponse:
        """A key of WebCrypto and its PIN, twice."""
        form = {
            "kind": "phone",
            "name": "Téléphone d'Anne",
            "key": self.phone.posted_key,
            "signature": self.phone.sign(*self.parts),
            "pin": PIN,
            "pin_again": PIN,
        }
        return self.post("/key", **{**form, **changes})

    def give_passkey(self, **changes: Any) -> TestResponse:
        credential = self.authenticator.create(options_of(self.open()))
        return self.post("/key", **{"kind": "passkey", "name": "iPhone", "credential": credential, **changes})

    def give_held(self, key: Authenticator) -> TestResponse:
        """A passkey that the phone has already."""
        return self.post("/key", kind="held", name="iPhone", credential=key.get(options_of(self.open("?with=held"))))

    @property
    def number(self) -> str:
        return number_in(self.open())

    @property
    def cookie(self) -> str | None:
        found = self.browser.get_cookie("__Host-sesame-phone")
        return found.value if found else None


def number_in(response: TestResponse) -> str:
    """The two digits that a page shows."""
    found = re.search(r'class="qr-number" id="[a-z-]+">(\d\d)<', response.text)
    assert found, response.text
    return found[1]


def at_computer(provider: Provider, login: str = "anne.pierre") -> RelyingParty:
    """At the page with the QR code, by password and code, now."""
    return proven(provider, PAGE, login)


def address_in(response: TestResponse) -> str:
    """Where the QR code of a page leads."""
    found = re.search(r'id="phone-address">([^<]+)<', response.text)
    assert found, response.text
    assert found[1].startswith(f"{ISSUER}/qr/enrol/")
    return found[1].removeprefix(ISSUER)


def scan(rp: RelyingParty) -> Scanning:
    """Read the QR code that the computer shows, with another browser."""
    return Scanning(rp.provider.browser(), address_in(rp.browser.get(PAGE)))


def confirmation(rp: RelyingParty) -> dict[str, str]:
    """The form of « Confirmer », of the phone that is shown, if one is."""
    shown = rp.browser.get(PAGE)
    found = re.search(r'name="seen" value="([^"]+)"', shown.text)
    return {"csrf": csrf_of(shown), "seen": found[1] if found else ""}


def confirm(rp: RelyingParty, form: dict[str, str] | None = None) -> TestResponse:
    """Send it, or one of before."""
    return rp.browser.post(CONFIRM, data=form or confirmation(rp))


def refuse(rp: RelyingParty) -> TestResponse:
    """« Ce n'est pas mon téléphone »."""
    return rp.browser.post(f"{PAGE}/refuse", data={"csrf": csrf_of(rp.browser.get(MEANS))})
