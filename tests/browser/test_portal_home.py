"""The portal's home: services that one may open or ask for; and the way there from « Accès refusé »."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.people import PHONE, Person, on_every_screen
from tests.browser.test_portal_means import MEANS, PASSWORD, PERSONAL
from tests.browser.test_screens import fits_all
from tests.browser.visitor import PORTAL

ROR, ESPACE_PRO = "ROR Nouvelle-Aquitaine", "Espace Pro ORU NA"
PROFILE = "Voir mon profil", "See my profile"
DEVICES = "Gérer mes dispositifs", "Manage my means of authentication"
DENIED = "Accès refusé", "Access denied"


@on_every_screen
def test_a_tile_opens_its_service(visit: Visit, screen: str, look: dict[str, Any]) -> None:
    person = Person(visit, f"louis.{screen}", look, "ror")
    page = person.page
    person.arrives()
    tiles = page.get_by_role("list", name=person.read("Vos services", "Your services")).get_by_role("link")
    expect(tiles).to_have_count(1)
    expect(tiles.locator("img")).to_have_js_property("complete", value=True)

    tiles.click()
    person.sees(f"Accès sécurisé au service : {ROR}", f"Secure access to the service: {ROR}")
    page.click("#method-email_otp")
    person.visitor.types_code(person.login)
    expect(page.locator("#who")).to_have_text(f"Louis {screen.title()}")


@on_every_screen
def test_what_is_not_open_may_be_asked_for(visit: Visit, screen: str, look: dict[str, Any]) -> None:
    person = Person(visit, f"manon.{screen}", look, "ror")
    page = person.page
    person.arrives()
    asked = page.get_by_role("list", name=person.read("Services que vous pouvez demander", "Services that you can ask"))
    expect(asked.get_by_role("listitem")).to_have_count(1)

    said = person.read("Demander votre accès", "Ask for your access")
    link = asked.get_by_role("link", name=said)
    expect(link).to_have_accessible_name(f"{said} : {ESPACE_PRO}")
    link.click()
    person.sees("Adhésion", "Membership")


def test_an_account_that_opens_nothing_is_told_so(visit: Visit) -> None:
    person = Person(visit, "noe.nothing", {**PHONE, "locale": "fr-FR"})
    person.arrives()
    expect(person.page.get_by_text("Aucun service n'est encore ouvert à votre compte.")).to_be_visible()
    fits_all(person.visitor, PORTAL)


WAYS = {"personal": (PROFILE, PERSONAL), "password": (PASSWORD, PASSWORD), "means": (DEVICES, MEANS)}


@pytest.mark.parametrize("way", WAYS)
@on_every_screen
def test_access_denied_leads_to_ones_own_pages(visit: Visit, screen: str, look: dict[str, Any], way: str) -> None:
    """Both factors were given a moment ago: nothing more is asked, also for a new password."""
    person = denied(visit, f"oscar.{way}-{screen}", look)
    link, heading = WAYS[way]

    bar = person.page.get_by_role("navigation", name=person.read("Votre compte", "Your account"))
    bar.get_by_role("link", name=person.read(*link)).click()

    person.sees(*heading)


def test_access_denied_leads_back_to_the_service(visit: Visit) -> None:
    person = denied(visit, "paul.back", {**PHONE, "locale": "fr-FR"})
    fits_all(person.visitor, DENIED[0])
    with person.visitor.watch.expecting(400):
        person.page.click("#denied-bar-back")
        person.visitor.sees("Vous n'êtes pas connecté")
    assert person.page.url.startswith(person.visitor.demo.description["services"]["ror"])


def denied(visit: Visit, login: str, look: dict[str, Any]) -> Person:
    """Somebody who proved who they are, and may not use the service."""
    person = Person(visit, login, look)
    person.visitor.opens("ror", "/login")
    person.page.click("#method-email_otp")
    person.visitor.types_password(login)
    with person.visitor.watch.expecting(403):
        person.visitor.types_code(login)
        person.sees(*DENIED)
    return person
