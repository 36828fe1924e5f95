"""People whom a test has in the demo for itself, and the screens that they look at."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from idp.clock import SystemClock
from idp.flows.operators import accounts
from idp.flows.operators.desk import Desk
from idp.hashing import PasswordHasher
from idp.methods.registry import Registry
from idp.store import Database
from tests.browser.conftest import Visit
from tests.browser.demo_process import Demo
from tests.browser.visitor import PORTAL, Visitor
from tests.fakes.provider import CHEAP, PASSWORD

DESK = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
SCREENS: tuple[tuple[str, dict[str, Any]], ...] = (  # each width and each language once
    ("desk", {**DESK, "locale": "fr-FR"}),
    ("english-phone", {**PHONE, "locale": "en-GB"}),
)
on_every_screen = pytest.mark.parametrize(("screen", "look"), SCREENS, ids=[screen for screen, _ in SCREENS])


class Person:
    """Somebody before a browser, with an account and a language of their own."""

    def __init__(self, visit: Visit, login: str, look: dict[str, Any], services: str = "") -> None:
        """login: first name, a dot, anything; services: client_ids that they may open."""
        self.visitor, self.login = visit(**look), login
        self.page, self.is_english = self.visitor.page, look["locale"].startswith("en")
        self.is_on_phone = look.get("is_mobile", False)
        settle(self.visitor, login, services)

    def read(self, french: str, english: str) -> str:
        """What stands on this person's screen."""
        return english if self.is_english else french

    def sees(self, french: str, english: str) -> None:
        """The page with this heading, and nothing wrong with it."""
        self.visitor.sees(self.read(french, english))

    def is_told(self, french: str, english: str) -> None:
        """What was just done, said once."""
        expect(self.page.get_by_role("status")).to_have_text(self.read(french, english))

    def follows(self, french: str, english: str) -> None:
        """A link with this text; on a phone the menu is below, where one scrolls to."""
        self.page.get_by_role("link", name=self.read(french, english)).click()

    def arrives(self) -> None:
        """At the portal's home, by password."""
        self.visitor.opens("portail")
        self.visitor.check()
        self.visitor.types_password(self.login)
        self.visitor.sees(PORTAL)

    def confirms(self) -> None:
        """The fresh proof on the way to a sensitive page; the password was given a moment ago."""
        self.sees("Accès sécurisé au service : Portail ESEA Nouvelle-Aquitaine",
                  "Secure access to the service: Portail ESEA Nouvelle-Aquitaine")  # fmt: skip
        expect(self.page.get_by_text(self.read("Confirmez que c'est vous.", "Confirm that it is you."))).to_be_visible()
        self.page.click("#method-email_otp")
        self.sees("Saisissez le code reçu par e-mail", "Enter the code received by e-mail")
        self.visitor.types_code(self.login)


def database_of(demo: Demo) -> Database:
    """The demo's, for a moment: close it."""
    return Database(f"sqlite:///{demo.folder / 'sesame.db'}")


def lose_number(demo: Demo, login: str) -> None:
    """Nobody holds this person's RPPS number any more, as before the test."""
    with closing(database_of(demo)) as database, database.write() as tx:
        account = tx.accounts.find_by_login(login)
        if account and "rpps" in account.identities:
            assert tx.means.drop_identity(account.account_id, "rpps", datetime.now(UTC))


def settle(visitor: Visitor, login: str, services: str = "", name: str = "") -> None:
    """As if the password had been handed over face to face: one of « Mot de passe oublié ? » rests on the mailbox.

    name: first name and last, if they are not those of the login.
    """
    demo, (given, _, family) = visitor.demo, (name or login.replace(".", " ", 1)).partition(" ")
    data = {"login": login, "email": f"{login}@chu.example", "given_name": given.title(), "family_name": family.title()}
    with closing(database_of(demo)) as database, database.write() as tx:
        made = accounts.create(Desk(database, SystemClock(), Registry(()), "test"), tx, {**data, "services": services})
        digest = PasswordHasher(CHEAP).hash(PASSWORD)
        tx.accounts.set_password(made.account_id, digest, "knowledge", datetime.now(UTC))
    visitor.demo = replace(demo)  # reads demo.json anew: the others do not see who is added
    visitor.demo.description["accounts"].append({"login": login, "email": data["email"], "password": PASSWORD})
