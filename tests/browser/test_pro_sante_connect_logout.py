"""Leaving Pro Santé Connect too, or not: both choices, before a person, once our own session is over."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.test_screens import PHONE
from tests.browser.visitor import Visitor

CHOICE = "Se connecter à Espace de connexion ESEA"
STAYS_OPEN = "Vous êtes déconnecté. Votre session Pro Santé Connect reste ouverte"
TAKE_IT_OUT = "Vous êtes déconnecté. Retirez votre carte du lecteur"


def signs_in_and_out(visitor: Visitor, means: str) -> None:
    visitor.opens("ror", "/login")
    visitor.page.click("#method-pro_sante_connect")
    visitor.page.check("#person-anne")
    visitor.page.click(f"button[value={means}]")
    visitor.sees("Bonjour Anne Pierre")
    visitor.page.click("#logout")
    visitor.page.click("#logout-confirm")
    visitor.sees(STAYS_OPEN)


@pytest.mark.parametrize("look", [{}, PHONE, {"java_script_enabled": False}], ids=["desk", "phone", "no scripts"])
def test_both_sessions_are_left(visit: Visit, look: dict[str, object]) -> None:
    visitor = visit(**look)
    signs_in_and_out(visitor, "CARD")
    visitor.page.click("#leave-upstream")
    visitor.sees(TAKE_IT_OUT)
    visitor.page.click("#logged-out-service")
    expect(visitor.page.locator("#login")).to_be_visible()
    visitor.opens("ror", "/login")
    visitor.page.click("#method-pro_sante_connect")
    visitor.sees(CHOICE)


def test_ours_alone_is_left(visitor: Visitor) -> None:
    signs_in_and_out(visitor, "MOBILE")
    visitor.page.click("#logged-out-service")
    expect(visitor.page.locator("#login")).to_be_visible()
    visitor.opens("ror", "/login")
    visitor.page.click("#method-pro_sante_connect")
    visitor.sees("Bonjour Anne Pierre")
