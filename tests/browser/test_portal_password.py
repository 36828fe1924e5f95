"""« Modifier mon mot de passe »: the meter says while one types what the provider says after."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.people import settle
from tests.browser.visitor import CODE, PORTAL, Visitor

TITLE, DONE = "Modifier mon mot de passe", "Votre mot de passe est enregistré"
NEW = "quatre nouveaux mots ensemble"
SCREENS = [("paule.desk", {"width": 1280, "height": 900}), ("paule.phone", {"width": 360, "height": 740})]


def arrive(visitor: Visitor, login: str) -> Page:
    """Somebody of the test's own: a card that another test linked would be asked for."""
    settle(visitor, login)
    page = visitor.page
    visitor.signs_in_to_portal(login)
    page.get_by_role("link", name=TITLE).click()
    page.click("#method-email_otp")  # the password was given a moment ago
    visitor.sees(CODE)
    visitor.types_code(login)
    visitor.sees(TITLE)
    return page


@pytest.mark.parametrize(("login", "screen"), SCREENS)
def test_a_password_is_changed(visit: Visit, login: str, screen: dict[str, int]) -> None:
    visitor = visit(viewport=screen)
    page, person = arrive(visitor, login), visitor.demo.account(login)
    meter = page.locator("[data-meter]")
    expect(meter).to_be_hidden()
    for typed, said in (
        ("court", "très faible Le mot de passe doit compter au moins 12 caractères."),
        ("vive les vacances", "faible Le mot de passe compte trop peu de mots"),
        (NEW, "correcte"),
        ("lapin rouge table vélo nuage", "bonne"),
        ("hyxwof-1derca-Vyvnek-Qm8", "excellente"),
    ):
        page.fill("#new-password", typed)
        expect(meter).to_contain_text(f"Sûreté du mot de passe : {said}")
        visitor.check()
    page.fill("#new-password", "vive les vacances")
    page.fill("#new-password-confirmation", "vive les vacances")
    page.fill("#current-password", "wrong")
    with visitor.watch.expecting(400):
        page.click("#new-password-submit")
        visitor.sees(TITLE)
    expect(page.locator("#error-summary")).to_contain_text("Le mot de passe actuel est incorrect.")
    expect(page.locator("#new-password-error")).to_contain_text("trop peu de mots")

    new = f"{NEW} {screen['width']}"
    page.fill("#current-password", person["password"])
    page.fill("#new-password", new)
    page.fill("#new-password-confirmation", new)
    page.click("#new-password-submit")
    visitor.sees(DONE)
    person["password"] = new
    page.get_by_role("link", name=PORTAL).click()
    visitor.types_password(login)
    visitor.sees(PORTAL)


def test_without_scripts_there_is_no_meter(visit: Visit) -> None:
    visitor = visit(java_script_enabled=False)
    page = arrive(visitor, "paule.plain")
    page.fill("#new-password", "court")
    expect(page.locator("[data-meter]")).to_be_hidden()
    page.fill("#current-password", visitor.demo.account("paule.plain")["password"])
    with visitor.watch.expecting(400):
        page.click("#new-password-submit")
        visitor.sees(TITLE)
    expect(page.locator("#new-password-error")).to_contain_text("au moins 12 caractères")
