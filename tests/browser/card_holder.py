"""A person with a virtual card: the login page in one window, the demo's card desk in another."""

import urllib.parse
import urllib.request
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.demo_process import DIRECTLY, Demo
from tests.browser.visitor import ROR_LOGIN, Visitor

CARDS = ("anne", "karim", "camille", "expired", "revoked", "test")
WRONG = "9999"
SIGNING_MS = 20_000  # from the button to the pad: the page, the helper and the reader, on a busy machine
STATUS = {"product": "sesame-reader", "version": "0.1.0", "allowed": True, "card": "present", "tries": "ok"}


class Workstation:
    """The reader and the helper, by the posts of the desk's buttons; as at the start of the demo."""

    def __init__(self, demo: Demo) -> None:
        self.page: str = demo.description["card"]["page"]
        self.pin: str = demo.description["card"]["pin"]
        self.helper = f"http://{demo.description['card']['reader']}"
        self.restart()
        self.press("remove")
        for card in CARDS:
            self.press("unblock", card=card)

    def press(self, button: str, **form: str) -> None:
        data = urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(f"{self.page}/{button}", data, {"Origin": self.page})
        DIRECTLY.open(request, timeout=10).close()

    def insert(self, card: str) -> None:
        self.press("insert", card=card)

    def stop(self) -> None:
        self.press("helper", decision="stop")

    def start(self) -> None:
        self.press("helper", decision="start")

    def restart(self) -> None:
        """It forgets who cancelled how often."""
        self.stop()
        self.start()


class CardHolder:
    """Two windows: of a tab in the background, Chromium draws one picture a second."""

    def __init__(self, visitor: Visitor, at_desk: Visitor) -> None:
        self.visitor, self.page, self.workstation = visitor, visitor.page, Workstation(visitor.demo)
        self.at_desk, self.desk = at_desk, at_desk.page
        self.desk.goto(self.workstation.page)

    # --- the login page ---

    def chooses_the_card(self, service: str = "ror") -> None:
        """From the service's login page; what the browser may ask is explained first."""
        self.visitor.opens(service, "/login")
        expect(self.page.locator("#method-cps_card")).to_be_visible()
        self.page.click("#method-cps_card")
        self.goes_on()

    def goes_on(self) -> None:
        self.is_shown("ask")
        self.page.click("#card-continue")

    def is_shown(self, state: str) -> None:
        expect(self.state(state)).to_be_visible()

    def state(self, state: str) -> Locator:
        return self.page.locator(f"#card-status [data-state~='{state}']").first

    def is_told(self, code: str) -> None:
        expect(self.page.locator(f"[data-error~='{code}']")).to_be_visible()

    def presses(self) -> None:
        """« Se connecter avec ma carte »; the desk then shows its pad."""
        self.page.click("#card-sign")
        expect(self.pad).to_be_visible(timeout=SIGNING_MS)

    def is_refused(self, title: str, code: str) -> None:
        """The page after the card has signed: why, and other ways that work; the same when it is loaded anew."""
        for _ in range(2):
            self.visitor.sees(title)
            expect(self.page.locator("#card-code")).to_have_text(code)
            expect(self.page.locator("#method-email_otp")).to_be_visible()
            self.page.reload()

    def tries_again(self) -> None:
        self.page.click("#card-again")
        expect(self.page.locator("#cps-card")).to_be_visible()

    def goes_back_to_other_methods(self) -> None:
        self.page.locator(".ways a").click()
        self.visitor.sees(ROR_LOGIN)
        self.page.click("#method-email_otp")
        expect(self.page.locator("#login-username")).to_be_visible()

    def arrives(self) -> None:
        expect(self.page.locator("#who")).to_be_visible()

    # --- the desk ---

    @property
    def pad(self) -> Locator:
        return self.desk.locator("#pin")

    def types(self, pin: str | None = None) -> None:
        self.pad.fill(pin or self.workstation.pin)
        self.desk.get_by_role("button", name="Valider").click()
        expect(self.pad).to_have_count(0)

    def signs(self, card: str) -> None:
        """Put the card in, and type its PIN."""
        self.workstation.insert(card)
        self.presses()
        self.types()


def pretend(page: Page, **status: Any) -> None:
    """What the helper says of itself, for states that no virtual card has."""
    page.unroute("**/v1/status")
    origin = {"Access-Control-Allow-Origin": "*"}
    page.route("**/v1/status", lambda route: route.fulfill(json=STATUS | status, headers=origin))
