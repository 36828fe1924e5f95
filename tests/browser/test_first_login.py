"""First logins by Pro Santé Connect, in a browser: straight in, by the form, to support, and what goes wrong."""

import itertools
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from demo.cards import CAMILLE
from idp.domain.authn import IdentityRef
from tests.browser.conftest import Visit
from tests.browser.demo_process import Demo
from tests.browser.people import database_of, lose_number, settle
from tests.browser.test_pro_sante_connect import chooses
from tests.browser.test_screens import PHONE
from tests.browser.visitor import CODE, COMPLETE, PORTAL, PORTAL_LOGIN, ROR_LOGIN, Visitor
from tests.fakes.provider import PASSWORD

LOOKS = [{}, PHONE, {**PHONE, "color_scheme": "dark", "locale": "en-GB"}, {"java_script_enabled": False}]
on_every_look = pytest.mark.parametrize("look", LOOKS, ids=["desk", "phone", "dark English phone", "no scripts"])
IN_FRENCH = pytest.mark.parametrize("look", LOOKS[:2], ids=["desk", "phone"])
LINK = "Relier ce mode d'authentification à votre compte ?", "Link this sign-in method to your account?"
NUMBERS = itertools.count(1)
PASSWORD_PAGE = "Identifiant - Mot de passe", "Username - Password"


@pytest.fixture
def camille(demo: Demo) -> Iterator[str]:
    """A login name for an account. After the test nobody holds her number, as before."""
    login = f"camille.moreau{next(NUMBERS)}"
    yield login
    lose_number(demo, login)


def read(look: dict[str, Any], french: str, english: str) -> str:
    return english if look.get("locale", "fr").startswith("en") else french


def test_who_holds_the_number_is_in_at_once_and_told(visitor: Visitor, camille: str) -> None:
    settle(visitor, camille, name="Camille Moreau")
    with closing(database_of(visitor.demo)) as database, database.write() as tx:
        account = tx.accounts.find_by_login(camille)
        assert account
        tx.means.add_identity(account.account_id, IdentityRef("rpps", CAMILLE), "support", datetime.now(UTC))
    visitor.opens("portail")
    visitor.sees(PORTAL_LOGIN)
    chooses(visitor, "camille", "CARD")
    visitor.sees(PORTAL)
    assert "Un mode d'authentification a été relié" in visitor.demo.mail(camille).text


@on_every_look
def test_an_unknown_number_is_linked_once_by_the_address_and_the_password(
    visit: Visit, camille: str, look: dict[str, Any]
) -> None:
    visitor = visit(**look)
    settle(visitor, camille, "ror", "Camille Moreau")
    address = f"{camille}@chu.example"
    visitor.opens("ror", "/login")
    chooses(visitor, "camille", "MOBILE")

    visitor.sees(read(look, COMPLETE, "Complete your sign-in"))
    expect(visitor.page.locator("dl.facts")).to_contain_text("Camille MOREAU")
    visitor.page.fill("#completion-email", "camille@")
    visitor.page.click("#completion-submit")
    expect(visitor.page.locator("#completion-email")).to_have_attribute("aria-invalid", "true")
    visitor.check()
    visitor.page.fill("#completion-email", address)
    visitor.page.click("#completion-submit")
    visitor.sees(read(look, CODE, "Enter the code received by e-mail"))
    visitor.types_code(camille)

    visitor.sees(read(look, *PASSWORD_PAGE))
    expect(visitor.page.locator("#login-username")).to_have_value(address)
    visitor.page.fill("#login-password", PASSWORD)
    visitor.page.click("#login-submit")
    visitor.sees(read(look, *LINK))
    visitor.page.get_by_role("button", name=read(look, "Relier", "Link"), exact=True).click()
    expect(visitor.page.locator("#who")).to_be_visible()

    visitor.page.context.clear_cookies()
    visitor.opens("ror", "/login")
    chooses(visitor, "camille", "MOBILE")
    expect(visitor.page.locator("#who")).to_be_visible()


def test_whoever_knows_their_login_goes_by_it(visit: Visit, camille: str) -> None:
    visitor = visit()
    settle(visitor, camille, "ror", "Camille Moreau")
    visitor.opens("ror", "/login")
    chooses(visitor, "camille", "CARD")
    visitor.gives_both_factors(camille, COMPLETE)
    visitor.sees(LINK[0])
    visitor.page.get_by_role("button", name="Ne pas relier").click()
    expect(visitor.page.locator("#who")).to_be_visible()


@IN_FRENCH
def test_an_address_that_no_account_has_leads_to_support_and_may_be_put_right(
    visit: Visit, look: dict[str, Any]
) -> None:
    visitor = visit(**look)
    address = f"camille.{len(look)}@nulle-part.example"
    visitor.opens("ror", "/login")
    chooses(visitor, "camille", "CARD")
    visitor.sees(COMPLETE)
    visitor.page.fill("#completion-email", address)
    visitor.page.click("#completion-submit")
    visitor.sees(CODE)
    visitor.page.fill("#otp-code", "000000")
    visitor.page.click("#otp-submit")
    expect(visitor.page.locator("#error-summary")).to_be_focused()
    visitor.check()
    visitor.page.fill("#otp-code", visitor.demo.mail_to(address).code)
    visitor.page.click("#otp-submit")
    visitor.sees("Aucun compte n'a cette adresse")
    expect(visitor.page.locator("main").get_by_text("support@esea.example")).to_be_visible()
    visitor.page.get_by_role("link", name="Essayer une autre adresse").click()
    visitor.sees(COMPLETE)
    expect(visitor.page.locator("#completion-email")).to_have_value(address)


def test_somebody_without_a_name_is_told_before_and_after_that_support_links(visitor: Visitor) -> None:
    visitor.opens("ror", "/login")
    chooses(visitor, "sparse", "CARD")
    visitor.sees(COMPLETE)
    expect(visitor.page.get_by_text("seule l'assistance pourra relier votre compte")).to_be_visible()
    visitor.page.fill("#completion-email", "nadia@nulle-part.example")
    visitor.page.click("#completion-submit")
    expect(visitor.page.locator("#completion-given_name")).to_have_attribute("aria-invalid", "true")
    visitor.check()
    visitor.page.fill("#completion-given_name", "Nadia")
    visitor.page.fill("#completion-family_name", "Sobre")
    visitor.page.click("#completion-submit")
    visitor.sees(CODE)
    visitor.page.fill("#otp-code", visitor.demo.mail_to("nadia@nulle-part.example").code)
    visitor.page.click("#otp-submit")
    visitor.sees("L'assistance doit relier votre compte")


@contextmanager
def down(operator: Visitor) -> Iterator[None]:
    """Pro Santé Connect gives no token for a while, by the page of its switches.

    operator: somebody else, in another window: a page behind another is not drawn, and may not be judged.
    """
    page = operator.page
    page.goto(operator.demo.description["pro_sante_connect"]["page"])
    page.check("#switch-down")
    page.locator("summary").click()
    for box in page.locator('input[name="endpoints"]:not([value="token"])').all():
        box.uncheck()
    page.get_by_role("button", name="Appliquer").click()
    yield
    page.get_by_role("button", name="Tout remettre en ordre").click()


@IN_FRENCH
def test_when_it_is_down_that_is_said_and_the_other_methods_are_one_step_away(
    visit: Visit, look: dict[str, Any]
) -> None:
    visitor = visit(**look)
    with down(visit()):
        for _ in range(3):
            visitor.page.context.clear_cookies()
            visitor.opens("ror", "/login")
            chooses(visitor, "anne", "CARD")
            expect(visitor.page.locator("#error-summary")).to_contain_text("Pro Santé Connect ne répond pas.")
        visitor.check()
        visitor.page.get_by_role("link", name="Choisir un autre mode d'authentification").click()
        visitor.sees(ROR_LOGIN)
        expect(visitor.page.locator("#method-pro_sante_connect")).to_contain_text("ne répond pas en ce moment")
        expect(visitor.page.locator("#method-email_otp")).to_be_visible()
    visitor.page.context.clear_cookies()
    visitor.opens("ror", "/login")
    chooses(visitor, "anne", "CARD")
    visitor.sees("Bonjour Anne Pierre")
