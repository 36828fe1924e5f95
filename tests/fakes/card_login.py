"""A login by the browser's certificate dialog, without a browser: requests to the provider, TLS to the card host."""

import html
import re
from dataclasses import InitVar, dataclass, field
from typing import Any
from urllib.parse import urljoin

import requests

from demo.look_alike import Issued
from tests.fakes.card_clinic import Clinic
from tests.fakes.nginx import hidden


@dataclass
class Login:
    """A login on the card's page, in a browser of its own. earlier: of the same browser, which may be signed in."""

    clinic: Clinic
    earlier: InitVar["Login | None"] = None
    browser: requests.Session = field(init=False)

    def __post_init__(self, earlier: "Login | None") -> None:
        self.browser = earlier.browser if earlier else self.clinic.site.browser()
        page: str = self._get(f"{self.clinic.address}&prompt=login").headers["Location"]
        self.page = urljoin(self.clinic.site.url, f"{page}/cps_card")
        self._post(csrf=hidden(self._get(page).text, "csrf"))

    def leaves(self) -> str:
        """Press the button; the address on the card host."""
        form = self._get(self.page).text
        away = self._post(csrf=hidden(form, "csrf"), dialog="1")
        assert away.status_code == 303, away.text
        return str(away.headers["Location"])

    def comes_back(self, location: str) -> requests.Response:
        """What the script of the page does with the ticket."""
        page, _, fragment = location.partition("#")
        assert page == self.page
        form = self._get(page).text
        ticket = fragment.removeprefix("ticket=")
        return self._post(csrf=hidden(form, "csrf"), nonce=html.unescape(hidden(form, "nonce")), ticket=ticket)

    def shows(self, shown: Issued | None) -> requests.Response:
        """Choose a certificate, or none."""
        answer = self.clinic.site.ask(self.leaves(), shown)
        assert answer.status == 303, answer
        return self.comes_back(answer.location)

    def refusal(self, shown: Issued | None) -> str:
        """The code of the page that says why not."""
        page = self.page_of(self.shows(shown))
        codes = set(re.findall(r"CPS-\d\d", page))
        assert len(codes) == 1, page
        return str(codes.pop())

    def page_of(self, answer: requests.Response) -> str:
        return str(self._get(answer.headers["Location"]).text if answer.status_code == 303 else answer.text)

    def _get(self, url: str, **options: Any) -> requests.Response:
        where = urljoin(self.clinic.site.url, url)
        return self.browser.get(where, allow_redirects=False, timeout=20, **options)

    def _post(self, **form: str) -> requests.Response:
        return self.browser.post(self.page, data=form, allow_redirects=False, timeout=20)
