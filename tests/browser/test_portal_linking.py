"""A card is added, named and taken away, in a browser. The card is of the tests, so that the provider is too."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Locator, expect

from demo.servers import Servers
from tests.browser.conftest import Visit
from tests.browser.people import on_every_screen
from tests.browser.visitor import Visitor
from tests.fakes import national_card
from tests.fakes.installed import Installation
from tests.fakes.national_card import ANNE
from tests.fakes.provider import PASSWORD, Provider

METHODS = ["email_otp", "password", "national_card"]
CARD, OWN_NAME, SERVICE = "Carte d'essai", "Carte du bureau", "Dossier de soins"
MEANS = "Gérer mes dispositifs d'authentification forte", "Manage my strong authentication devices"
LOGIN = "Accès sécurisé au service : Portail", "Secure access to the service: Portail"


@pytest.fixture
def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A provider on a free port of the loopback, with Anne, her portal, and a service that wants a card."""
    national_card.install(monkeypatch)
    made = Installation.make(
        tmp_path / "provider", methods=METHODS, brand={"name": "ESEA", "support_email": "support@esea.example"}
    )
    provider = made.provider
    provider.add_client(
        "portail",
        methods=tuple(METHODS),
        auth_method="none",
        redirect_uris=(f"{made.settings.issuer}/compte/callback",),
        name="Portail",
    )
    provider.add_client("care", methods=("national_card",), name=SERVICE)
    servers = Servers()
    servers.add(provider.app, made.settings.port)
    with servers:
        yield provider
    made.close()


@on_every_screen
def test_a_card_is_added_named_and_taken_away(
    visit: Visit, issuer: Provider, screen: str, look: dict[str, Any]
) -> None:
    holder = Holder(visit(**look), issuer, is_english=look["locale"].startswith("en"))
    holder.arrives()
    holder.proves_both()
    holder.presents_the_card()
    holder.says_yes()

    holder.gives_it_a_name()
    holder.takes_it_away()


def test_no_is_an_answer_too(visit: Visit, issuer: Provider) -> None:
    holder = Holder(visit(locale="fr-FR"), issuer, is_english=False)
    holder.arrives()
    holder.proves_both()
    holder.presents_the_card()
    holder.page.get_by_role("button", name="Ne pas relier").click()
    holder.sees(*MEANS)
    expect(holder.row).to_have_count(0)
    expect(holder.page.get_by_role("button", name=f"Ajouter {CARD}")).to_be_enabled()


def test_a_card_of_other_names_is_for_support(visit: Visit, issuer: Provider) -> None:
    holder = Holder(visit(locale="fr-FR"), issuer, is_english=False)
    holder.arrives()
    holder.proves_both()
    holder.presents_the_card(family_name="DURAND")
    with holder.visitor.watch.expecting(403):
        holder.page.get_by_role("button", name="Relier", exact=True).click()
        expect(holder.page.locator("#error-page")).to_be_visible()
        holder.visitor.check()
    holder.page.goto(urljoin(issuer.services.settings.issuer, "/compte/means"))
    holder.sees(*MEANS)
    expect(holder.row).to_have_count(0)


class Holder:
    """Anne, who signed in by password and has a card in her hand."""

    def __init__(self, visitor: Visitor, provider: Provider, *, is_english: bool) -> None:
        self.visitor, self.page, self.provider = visitor, visitor.page, provider
        self.is_english = is_english

    def read(self, french: str, english: str) -> str:
        return english if self.is_english else french

    def sees(self, french: str, english: str) -> None:
        self.visitor.sees(self.read(french, english))

    @property
    def row(self) -> Locator:
        """The card in the list of means."""
        return self.page.locator("li[id^=means-]")

    def arrives(self) -> None:
        """At the list of means, where nothing of a card stands, and on the way to add it."""
        self.page.goto(urljoin(self.provider.services.settings.issuer, "/compte/means"))
        self.sees(*LOGIN)
        self.types_password()
        self.sees(*MEANS)
        expect(self.row).to_have_count(0)
        self.page.get_by_role("button", name=f"{self.read('Ajouter', 'Add')} {CARD}").click()

    def types_password(self) -> None:
        self.page.fill("#login-username", "anne.pierre")
        self.page.fill("#login-password", PASSWORD)
        self.page.click("#login-submit")

    def proves_both(self) -> None:
        """Both anew: what is linked is as good as they are. The card itself is not offered yet."""
        self.sees(*LOGIN)
        expect(self.page.locator("#method-national_card")).to_have_count(0)
        self.page.click("#method-email_otp")
        self.sees("Identifiant - Mot de passe", "Username - Password")
        self.types_password()
        self.sees("Saisissez le code reçu par e-mail", "Enter the code received by e-mail")
        self.page.fill("#otp-code", self.provider.last_code())
        self.page.click("#otp-submit")

    def presents_the_card(self, **other: str) -> None:
        asked = self.read("Présentez ce que vous voulez relier.", "Present what you want to link.")
        expect(self.page.get_by_text(asked)).to_be_visible()
        self.sees(*LOGIN)
        self.page.click("#method-national_card")
        self.sees(CARD, CARD)
        for name, value in {**ANNE, **other}.items():
            self.page.fill(f"[name={name}]", value)
        self.page.get_by_role("button", name="Présenter").click()
        self.sees("Relier ce mode d'authentification à votre compte ?", "Link this sign-in method to your account?")
        for shown in (ANNE["rpps"], "anne.pierre", "Anne Pierre"):
            expect(self.page.locator("dl.facts")).to_contain_text(shown)

    def says_yes(self) -> None:
        self.page.get_by_role("button", name=self.read("Relier", "Link"), exact=True).click()
        self.sees(*MEANS)
        expect(self.row).to_contain_text(CARD)
        expect(self.page.get_by_role("button", name=f"{self.read('Ajouter', 'Add')} {CARD}")).to_have_count(0)

    def gives_it_a_name(self) -> None:
        field = self.row.get_by_label(self.read("Nouveau nom", "New name"))
        expect(field).to_be_hidden()
        self.row.locator("summary").click()
        field.fill("nom\u200binvisible")
        self.visitor.check()
        self.row.get_by_role("button").click()
        expect(self.page.locator("#error-summary")).to_be_focused()
        expect(field).to_have_attribute("aria-invalid", "true")
        self.visitor.check()
        field.fill(OWN_NAME)
        self.row.get_by_role("button").click()
        expect(self.page.get_by_role("status")).to_have_text(self.read("Le nom est enregistré.", "The name is saved."))
        self.sees(*MEANS)
        expect(self.row.locator("strong")).to_have_text(OWN_NAME)

    def takes_it_away(self) -> None:
        """What it ends is said before, and agreed to."""
        self.row.get_by_role("link", name=f"{self.read('Retirer', 'Remove')} {OWN_NAME}").click()
        self.sees(f"Retirer « {OWN_NAME} » ?", f"Remove “{OWN_NAME}”?")
        expect(self.page.locator("#lost")).to_have_text(SERVICE)
        self.page.locator("form.card").evaluate("form => form.noValidate = true")
        self.page.click("#means-remove")
        expect(self.page.locator("#error-summary")).to_be_focused()
        self.visitor.check()
        self.page.check("#understood")
        self.page.click("#means-remove")
        self.sees("Le moyen d'authentification est retiré", "The means of signing in is removed")
        self.page.locator("main a.button").click()
        self.sees(*LOGIN)
