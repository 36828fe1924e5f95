"""Somebody who registers: a browser in the wizard."""

from collections.abc import Callable
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from idp.domain.registration import Registration
from tests.fakes.provider import Provider
from tests.fakes.relying_party import hidden_of, path_of

ENTRY, PERSONAL, CODE = "/inscription", "/inscription/2", "/inscription/2/code"
LOGIN, JOINING, WAITING = "/inscription/3", "/inscription/4", "/inscription/attente"
EMAIL = "claire.nouvelle@chu.example"
STRONG = "7 girafes mangent un violon bleu"
RPPS = "10100000016"
PERSON = {
    "civility": "MME",
    "family_name": "Nouvelle",
    "given_name": "Claire",
    "email": EMAIL,
    "email_again": EMAIL,
    "practice_place": "CHU de Bordeaux",
    "birth": "14/07",
    "profession": "10",
    "address": "12 rue Dubernat",
    "postal_code": "33400",
    "city": "Talence",
    "department": "33",
    "phone": "05 56 79 56 79",
}
JOIN = {"reason": "besoin de me connecter pour le capacitaire du 33", "terms": "accept"}


def started(start: Callable[..., Provider], **settings: object) -> Provider:
    made = start(**{"registration": {"enabled": True}, **settings})
    made.add_client("espace-pro", needs_entitlement=True)
    made.add_account("anne.pierre")
    return made


@dataclass
class Wizard:
    provider: Provider
    browser: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.browser = self.provider.browser()

    def get(self, path: str) -> TestResponse:
        return self.browser.get(path)

    def post(self, path: str, *, page: str | None = None, hidden: Any = None, **typed: str) -> TestResponse:
        kept = hidden if hidden is not None else hidden_of(self.browser.get(page or path))
        kept.pop("resend", None)  # of the other form of a page that has two
        return self.browser.post(path, data={**kept, **typed})

    def begin(self, service: str = "") -> TestResponse:
        page = f"{ENTRY}?service={service}" if service else ENTRY
        return self.post(ENTRY, page=page, choice="none")

    def type(self, **changes: str) -> TestResponse:
        return self.post(PERSONAL, **{**PERSON, **changes})

    def give_code(self, code: str | None = None) -> TestResponse:
        return self.post(CODE, code=code or self.provider.last_code())

    def choose(self, login: str = "claire.nouvelle", password: str = STRONG, again: str | None = None) -> TestResponse:
        return self.post(LOGIN, login=login, password=password, confirmation=password if again is None else again)

    def join(self, **changes: str) -> TestResponse:
        return self.post(JOINING, **{**JOIN, **changes})

    def to_code(self, **changes: str) -> None:
        self.begin()
        assert path_of(self.type(**changes)) == CODE

    def to_login(self, **changes: str) -> None:
        self.to_code(**changes)
        assert path_of(self.give_code()) == LOGIN

    def to_joining(self, **changes: str) -> None:
        self.to_login(**changes)
        assert path_of(self.choose()) == JOINING

    def submitted(self) -> Registration:
        self.to_joining()
        assert path_of(self.join()) == WAITING
        return self.registration()

    def registration(self) -> Registration:
        found = self.maybe()
        assert found
        return found

    def maybe(self) -> Registration | None:
        cookie = self.browser.get_cookie("__Host-sesame-signup")
        if cookie is None:
            return None
        with self.provider.services.db.read() as tx:
            return tx.registrations.of_browser(cookie.value, self.provider.clock.now())

    def tab(self) -> "Wizard":
        """Another tab of this browser."""
        other = Wizard(self.provider)
        other.browser = self.browser
        return other


def said(response: TestResponse) -> str:
    return unescape(response.text)
