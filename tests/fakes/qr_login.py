"""A computer that shows a QR code, and a phone in somebody's hand that reads it."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idp.domain.interaction import Interaction
from idp.domain.phone_request import PhoneRequest
from idp.flows import visits
from idp.flows.qr import requests
from tests.fakes.authenticator import Authenticator
from tests.fakes.enrolling import options_of
from tests.fakes.phone import SoftwarePhone
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, hidden_of, path_of

METHODS = ("email_otp", "password", "passkey", "qr_code")
OFFICE, HOME = "192.0.2.7", "203.0.113.9"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"


def with_phones(start: Callable[..., Provider], **settings: Any) -> Provider:
    made = start(methods=METHODS, brand={"support_email": "support@region.example"}, **settings)
    made.clock.advance(seconds=1)
    made.set_policy("portail", METHODS)
    made.add_client("rp", methods=("password", "qr_code"))
    made.add_client("near", methods=("qr_code:same_network=yes",))
    made.add_client("here", methods=("qr_code:approval=passkey",))
    made.add_client("strong", methods=("qr_code:after=password",))
    made.add_account("anne.pierre")
    return made


@dataclass
class Computer:
    """A login of a service whose page shows a QR code: a new one, or that of `rp` at `path`."""

    provider: Provider
    client_id: str = "rp"
    rp: RelyingParty = field(default=None)  # type: ignore[assignment]
    path: str = ""

    def __post_init__(self) -> None:
        self.rp = self.rp or RelyingParty(self.provider, self.client_id)
        self.rp.browser.environ_base.update(REMOTE_ADDR=OFFICE, HTTP_USER_AGENT=FIREFOX)
        self.path = self.path or self.rp.open_login()

    @property
    def page(self) -> str:
        return f"{self.path}/qr_code"

    def open(self) -> "Computer":
        """Choose the method, or ask for a new code."""
        assert path_of(self.rp.post(self.page, page=self.path)) == self.page
        return self

    def give_password(self, login: str = "anne.pierre") -> "Computer":
        self.rp.post(self.page, page=self.path)
        self.rp.post(self.page, page=self.page, login=login, password=PASSWORD)
        return self

    def shown(self) -> TestResponse:
        return self.rp.browser.get(self.page)

    def request(self) -> PhoneRequest:
        """The newest request of this login, as it is kept."""
        handle = self.path.rpartition("/")[2]
        found = self.provider.services.ephemeral.get_versioned(visits.KIND, handle)
        assert found
        interaction = Interaction.from_json(handle, found[1], found[0])
        key = next(key for key in interaction.method_state if key.partition(":")[0] == "qr_code")
        request = requests.of_login(self.provider.services, interaction, key)
        assert request
        return request

    def qr(self) -> str:
        """Path of what the QR code leads to now."""
        return urlsplit(requests.address(self.provider.services, self.request())).path

    def code(self) -> str:
        found = re.search(r'id="qr-short-code" class="secret short-code">([A-Z-]+)<', self.shown().text)
        assert found
        return found[1]

    def number(self) -> str:
        found = re.search(r'id="qr-number">([0-9]{2})<', self.shown().text)
        assert found, self.shown().text
        return found[1]

    def press(self) -> TestResponse:
        """What the page's script does once the phone has answered, or the person, without scripts."""
        return self.rp.post(self.page, page=self.page, approved="yes")


@dataclass
class Handset:
    """A browser on a phone, with a passkey or with a key of its own; a stranger's has neither."""

    provider: Provider
    passkey: Authenticator | None = None
    own: SoftwarePhone | None = None
    address: str = HOME
    browser: FlaskClient = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.browser = self.provider.browser()
        self.browser.environ_base["REMOTE_ADDR"] = self.address
        if self.own and self.own.cookie:
            self.own.carried_by(self.browser)

    def scan(self, qr: str) -> TestResponse:
        """Open what the camera read, and press « Continuer »."""
        shown = self.browser.get(qr)
        if shown.status_code != 200:
            return shown
        return self.browser.post(qr, data={"csrf": csrf_of(shown)})

    def scanned(self, computer: Computer) -> str:
        """The page on which this phone answers."""
        page = path_of(self.scan(computer.qr()))
        assert page.startswith("/qr/request/"), page
        return page

    def form(self, page: str, number: str, **changes: str) -> dict[str, str]:
        """What the page's script sends."""
        shown = self.browser.get(page)
        assert shown.status_code == 200, shown.text
        sent = {"csrf": csrf_of(shown), "decision": "approve", "number": number}
        sent["challenge"] = hidden_of(shown)["challenge"]
        if self.own:
            issuer, request = _attribute(shown, "issuer"), _attribute(shown, "request")
            signature = self.own.sign(issuer, "approve", request, sent["challenge"], number)
            sent |= {"signature": signature, "pin": self.own.pin}
        if self.passkey:
            sent["credential"] = self.passkey.get(options_of(shown))
        return sent | changes

    def approve(self, page: str, number: str, **changes: str) -> TestResponse:
        return self.browser.post(page, data=self.form(page, number, **changes))

    def refuse(self, page: str) -> TestResponse:
        shown = self.browser.get(page)
        return self.browser.post(page, data={"csrf": csrf_of(shown), "decision": "refuse"})


def approved(computer: Computer, phone: Handset) -> TestResponse:
    """The whole way on the phone."""
    page = phone.scanned(computer)
    return phone.approve(page, computer.number())


def account_id(provider: Provider, login: str = "anne.pierre") -> str:
    with provider.services.db.read() as tx:
        found = tx.accounts.find_by_login(login)
    assert found
    return found.account_id


def reasons(provider: Provider) -> list[str]:
    """Why logins failed, the newest first."""
    return [event.detail["reason"] for event in provider.events("login.failed")]


def nobody_is_signed_in(provider: Provider, computer: Computer) -> bool:
    """The computer asks, and the answer opens nothing."""
    computer.press()
    return not provider.events("login.succeeded")


def _attribute(shown: TestResponse, name: str) -> str:
    found = re.search(rf'data-{name}="([^"]*)"', shown.text)
    assert found, shown.text
    return html.unescape(found[1])
