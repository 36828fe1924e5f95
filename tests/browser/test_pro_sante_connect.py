"""The simulator of Pro Santé Connect before a person: the button leads there and back, and its pages can be read."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.test_screens import PHONE
from tests.browser.visitor import PORTAL, ROR_LOGIN, Visitor

CHOICE = "Se connecter à Espace de connexion ESEA"


def chooses(visitor: Visitor, person: str, means: str) -> None:
    visitor.page.click("#method-pro_sante_connect")
    visitor.sees(CHOICE)
    expect(visitor.page.get_by_text("Ceci n'est pas Pro Santé Connect")).to_be_visible()
    visitor.page.check(f"#person-{person}")
    visitor.check()
    visitor.page.click(f"button[value={means}]")


@pytest.mark.parametrize("look", [{}, PHONE, {"java_script_enabled": False}], ids=["desk", "phone", "no scripts"])
@pytest.mark.parametrize("means", ["CARD", "MOBILE"])
def test_the_button_leads_to_the_simulator_and_back(visit: Visit, look: dict[str, object], means: str) -> None:
    visitor = visit(**look)
    visitor.opens("ror", "/login")
    chooses(visitor, "anne", means)
    visitor.sees("Bonjour Anne Pierre")


def test_whoever_gives_up_is_back_at_the_login_page(visitor: Visitor) -> None:
    visitor.opens("ror", "/login")
    visitor.sees(ROR_LOGIN)
    chooses(visitor, "karim", "cancel")
    expect(visitor.page.locator("#error-summary")).to_be_visible()
    assert visitor.page.url.startswith(visitor.demo.description["issuer"])


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
def test_the_page_of_the_switches(visit: Visit, look: dict[str, object]) -> None:
    visitor = visit(**look)
    visitor.opens("ror", "/login")
    chooses(visitor, "anne", "CARD")
    visitor.page.goto(visitor.demo.description["pro_sante_connect"]["page"])
    visitor.sees("Réglages du simulateur")
    expect(visitor.page.get_by_text("Anne Pierre, CARD").first).to_be_visible()
    visitor.page.check("#switch-acr_missing")
    visitor.page.get_by_role("button", name="Appliquer").click()
    expect(visitor.page.locator("#switch-acr_missing")).to_be_checked()
    visitor.page.locator("summary").click()
    visitor.check()
    visitor.page.get_by_role("button", name="Tout remettre en ordre").click()
    expect(visitor.page.locator("#switch-acr_missing")).not_to_be_checked()


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
def test_whoever_logs_out_may_leave_pro_sante_connect_too(visit: Visit, look: dict[str, object]) -> None:
    visitor = visit(**look)
    visitor.opens("portail")
    chooses(visitor, "anne", "CARD")
    visitor.sees(PORTAL)
    visitor.page.get_by_role("button", name="Me déconnecter").click()
    expect(visitor.page.get_by_text("Votre session Pro Santé Connect reste ouverte")).to_be_visible()
    visitor.check()
    visitor.page.click("#leave-upstream")
    visitor.page.wait_for_url(f"{visitor.demo.description['issuer']}/**")
    visitor.check()
    visitor.opens("portail")
    chooses(visitor, "anne", "CARD")  # asked anew
    visitor.sees(PORTAL)
