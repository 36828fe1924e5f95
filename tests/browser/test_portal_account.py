"""« Gérer votre compte », in a browser: each thing in two clicks, at a desk and on a phone, in both languages."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.test_screens import PHONE, fits_all
from tests.browser.visitor import PORTAL_LOGIN, Visitor

LEA = "lea.martin"
ACCOUNT = "Gérer votre compte"
LOOKS = [{}, PHONE, {"color_scheme": "dark"}]


def opens_account(visitor: Visitor) -> None:
    visitor.signs_in_to_portal(LEA)
    visitor.page.get_by_role("link", name=ACCOUNT).click()
    visitor.sees(ACCOUNT)


def proves_it(visitor: Visitor) -> None:
    """The fresh proof that a sensitive page asks for: the code, after the password."""
    visitor.check()
    page = visitor.page
    if page.locator("#method-email_otp").count():
        page.click("#method-email_otp")
    if page.locator("#login-username").count():
        visitor.types_password(LEA)
    visitor.types_code(LEA)


@pytest.mark.parametrize("look", LOOKS, ids=["desk", "phone", "dark"])
def test_a_session_that_is_not_ones_own_is_found_and_ended(visit: Visit, look: dict[str, Any]) -> None:
    other, visitor = visit(), visit(**look)
    other.signs_in_to_portal(LEA)
    opens_account(visitor)
    expect(visitor.page.get_by_text("cette session", exact=True)).to_have_count(1)

    visitor.page.click("#history-link")
    visitor.sees("Historique de vos connexions")
    visitor.page.get_by_role("link", name="Ce n'était pas moi").first.click()
    visitor.sees("Ce n'était pas vous ?")
    visitor.page.click("#sessions-end-others")
    visitor.sees(ACCOUNT)
    expect(visitor.page.get_by_role("status")).to_have_text("Vos autres sessions sont fermées.")

    other.page.reload()
    other.sees(PORTAL_LOGIN)


def test_the_data_are_downloaded(visitor: Visitor, tmp_path: Path) -> None:
    opens_account(visitor)
    visitor.page.click("#export-link")
    proves_it(visitor)
    visitor.sees("Télécharger mes données")
    with visitor.page.expect_download() as begun:
        visitor.page.click("#export-submit")
    assert begun.value.suggested_filename.startswith("sesame-lea.martin-")
    begun.value.save_as(tmp_path / "data.json")
    content = json.loads((tmp_path / "data.json").read_text(encoding="utf-8"))
    assert content["account"][0]["login_name"] == LEA


@pytest.mark.parametrize("look", LOOKS, ids=["desk", "phone", "dark"])
def test_the_account_is_asked_to_be_closed_and_it_is_taken_back(visit: Visit, look: dict[str, Any]) -> None:
    visitor = visit(**look)
    opens_account(visitor)
    visitor.page.click("#close-link")
    proves_it(visitor)
    visitor.sees("Demander la fermeture de mon compte")
    visitor.page.fill("#close-reason", "x" * 501)
    visitor.page.click("#close-submit")
    expect(visitor.page.locator("#error-summary")).to_be_focused()
    visitor.check()
    visitor.page.fill("#close-reason", "Je pars à la retraite.")
    visitor.page.click("#close-submit")
    visitor.sees(ACCOUNT)
    visitor.page.click("#close-withdraw")
    visitor.sees(ACCOUNT)
    expect(visitor.page.locator("#close-link")).to_be_visible()


def test_all_sessions_are_ended(visitor: Visitor) -> None:
    opens_account(visitor)
    visitor.page.click("#sessions-end-all")
    visitor.sees("Vous êtes déconnecté")


def test_it_fits_a_phone_and_a_zoom_in_english_too(visit: Visit) -> None:
    visitor = visit(**{**PHONE, "locale": "en-GB"})
    page = visitor.page
    visitor.opens("portail")
    visitor.types_password(LEA)
    page.goto(visitor.demo.description["issuer"] + "/compte/account")
    fits_all(visitor, "Manage your account")
    page.click("#history-link")
    fits_all(visitor, "Your sign-in history")
    page.get_by_role("link", name="It was not me").first.click()
    fits_all(visitor, "It was not you?")
