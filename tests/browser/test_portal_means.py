"""« Gérer mes dispositifs d'authentification forte », the side menu, and the proof that a sensitive page asks for."""

from typing import Any

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.people import PHONE, Person, on_every_screen
from tests.browser.test_screens import fits_all
from tests.browser.visitor import PORTAL

SERVICES = "Mes services", "My services"
PERSONAL = "Modifier mes données personnelles", "Change my personal data"
MEANS = "Gérer mes dispositifs d'authentification forte", "Manage my strong authentication devices"
PASSWORD = "Modifier mon mot de passe", "Change my password"
ACCOUNT = "Gérer votre compte", "Manage your account"
CLOSE = "Demander la fermeture de mon compte", "Ask for my account to be closed"


@on_every_screen
def test_what_one_signs_in_with_is_listed(visit: Visit, screen: str, look: dict[str, Any]) -> None:
    person = Person(visit, f"gilles.{screen}", look)
    page = person.page
    person.arrives()
    page.locator("main").get_by_role("link", name=person.read("Gestion de vos dispositifs", "Your strong")).click()
    person.sees(*MEANS)

    rows = page.locator("section[aria-labelledby=means-title] .rows > li")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text(person.read("dernière utilisation le", "last used on"))
    expect(rows.last).to_contain_text("g•••@chu.example")
    rows.last.get_by_role("link", name=person.read("Modifier mon adresse e-mail", "Change my e-mail address")).click()
    person.sees(*PERSONAL)


@on_every_screen
def test_each_page_is_two_clicks_away_from_home(visit: Visit, screen: str, look: dict[str, Any]) -> None:
    """To the menu, which a phone has below the page, and to the page."""
    person = Person(visit, f"hugo.{screen}", look)
    person.arrives()
    for words in (PERSONAL, MEANS, ACCOUNT):
        chooses(person, words)
        person.sees(*words)
        is_there(person, words)
        person.page.get_by_role("navigation", name=person.read("Fil d'Ariane", "Breadcrumb")).get_by_role(
            "link", name=person.read("mon compte", "my account"), exact=True
        ).click()
        person.visitor.sees(PORTAL)
        is_there(person, SERVICES)
    chooses(person, PASSWORD)
    person.confirms()
    person.sees(*PASSWORD)
    is_there(person, PASSWORD)
    chooses(person, SERVICES)
    person.visitor.sees(PORTAL)
    person.page.click("#portal-logout")
    person.sees("Vous êtes déconnecté", "You are signed out")


def chooses(person: Person, words: tuple[str, str]) -> None:
    """An item of the side menu."""
    to_menu = person.page.get_by_role("link", name=person.read("Menu de mon compte", "Account menu"))
    if person.is_on_phone:
        to_menu.click()
        expect(person.page.locator("#menu")).to_be_in_viewport()
    else:
        expect(to_menu).to_be_hidden()
    person.page.locator("#menu").get_by_role("link", name=person.read(*words)).click()


def is_there(person: Person, words: tuple[str, str]) -> None:
    """The menu says where one is, and the title of the page too."""
    expect(person.page.locator("#menu [aria-current=page]")).to_have_text(person.read(*words))
    assert person.page.title().endswith(PORTAL)


@on_every_screen
def test_a_sensitive_page_asks_for_a_proof_and_is_then_there(visit: Visit, screen: str, look: dict[str, Any]) -> None:
    person = Person(visit, f"irene.{screen}", look)
    person.arrives()
    chooses(person, ACCOUNT)
    person.page.click("#close-link")
    person.confirms()
    person.sees(*CLOSE)

    chooses(person, PASSWORD)
    person.sees(*PASSWORD)


@on_every_screen
def test_who_will_not_prove_it_is_back_at_home(visit: Visit, screen: str, look: dict[str, Any]) -> None:
    person = Person(visit, f"jules.{screen}", look)
    person.arrives()
    chooses(person, PASSWORD)
    expect(person.page.locator("#method-email_otp")).to_be_visible()
    person.page.click("#login-cancel")
    person.visitor.sees(PORTAL)


def test_it_fits_the_narrowest_screen(visit: Visit) -> None:
    person = Person(visit, "karine.narrow", {**PHONE, "locale": "fr-FR"})
    person.arrives()
    chooses(person, MEANS)
    fits_all(person.visitor, MEANS[0])
    chooses(person, PASSWORD)
    fits_all(person.visitor, "Accès sécurisé au service : Portail ESEA Nouvelle-Aquitaine")
