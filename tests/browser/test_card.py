"""« Carte CPS » from the ROR's button to the ROR, through the helper, a reader and a card that are all there."""

from contextlib import closing
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from idp.store import Database
from tests.browser.card_holder import WRONG, CardHolder
from tests.browser.conftest import Visit
from tests.browser.visitor import CODE, COMPLETE, ROR_LOGIN, Visitor

KARIM = "karim.benali"


@pytest.fixture
def holder(visit: Visit) -> CardHolder:
    return CardHolder(visit(), visit())


def unlink(visitor: Visitor, login: str) -> None:
    """As its holder does in « Gérer mes dispositifs »."""
    with closing(Database(f"sqlite:///{visitor.demo.folder / 'sesame.db'}")) as database, database.write() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        for link in tx.means.links(account.account_id):
            assert tx.means.remove(account.account_id, link.link_id, datetime.now(UTC))


def test_anne_reaches_the_ror_with_her_card_and_then_nothing_is_asked(holder: CardHolder) -> None:
    holder.visitor.opens("ror")
    holder.page.click("#login")
    holder.visitor.sees(ROR_LOGIN)
    offered = holder.page.locator(".method-name").all_inner_texts()
    assert offered == ["Carte CPS", "OTP", "QR code", "Pro Santé Connect"], "the order of the portal"
    holder.page.click("#method-cps_card")
    holder.goes_on()
    holder.is_shown("insert")
    holder.desk.get_by_role("button", name="Insérer la carte : Anne Pierre, Médecin").click()
    holder.is_shown("ready")
    holder.presses()

    expect(holder.desk.locator("#pad-number")).to_have_text(holder.page.locator(".card-number").inner_text())
    expect(holder.desk.locator("#pad-origin")).to_have_text(holder.visitor.demo.description["issuer"])
    expect(holder.desk.locator("#pad-service")).to_have_text("ROR Nouvelle-Aquitaine")
    expect(holder.pad).to_be_focused()
    expect(holder.desk).to_have_title("Code porteur demandé – Carte CPS de démonstration")
    for key in holder.workstation.pin:
        holder.desk.locator(f"[data-key='{key}']").click()
    holder.desk.get_by_role("button", name="Valider").click()

    holder.arrives()
    assert holder.visitor.claim("rpps") == holder.visitor.demo.account("anne.pierre")["rpps"]
    assert holder.visitor.claim("acr") == "eidas3"
    assert set(holder.visitor.claim("amr").split()) == {"sc", "pin", "mfa", "hwk"}
    holder.visitor.opens("espace-pro", "/login")
    holder.arrives()


def test_a_wrong_pin_is_said_with_what_is_left_and_the_right_one_still_works(holder: CardHolder) -> None:
    holder.chooses_the_card()
    holder.workstation.insert("anne")
    with holder.visitor.watch.expecting(409):
        for tries in ("low", "final"):
            holder.presses()
            holder.types(WRONG)
            holder.is_told("pin_incorrect")
            expect(holder.page.locator(f"[data-tries='{tries}']")).to_be_visible()
            holder.visitor.check()
    holder.presses()
    expect(holder.desk.locator("#pad-warning")).to_have_text("Attention : dernier essai avant blocage de la carte")

    holder.types()

    holder.arrives()


def test_a_blocked_card_is_said_and_the_other_methods_work(holder: CardHolder) -> None:
    holder.chooses_the_card()
    holder.workstation.insert("anne")
    with holder.visitor.watch.expecting(409):
        for _ in range(3):
            holder.presses()
            holder.types(WRONG)
        holder.is_told("pin_locked")
    holder.is_shown("locked")
    expect(holder.page.locator("#card-sign")).to_be_hidden()
    expect(holder.state("locked").get_by_text("support@esea.example")).to_be_visible()
    holder.visitor.check()
    holder.desk.get_by_role("button", name="Débloquer la carte").click()
    holder.is_shown("ready")

    holder.goes_back_to_other_methods()
    holder.visitor.types_password("anne.pierre")
    holder.visitor.sees(CODE)
    holder.visitor.types_code("anne.pierre")
    holder.arrives()


def test_cancelled_and_taken_out_are_said_and_nothing_is_lost(holder: CardHolder) -> None:
    holder.chooses_the_card()
    holder.workstation.insert("anne")
    with holder.visitor.watch.expecting(409):
        holder.presses()
        holder.desk.get_by_role("button", name="Annuler").click()
        holder.is_told("pin_cancelled")
        holder.presses()
        holder.desk.get_by_role("button", name="Retirer la carte").click()
        expect(holder.desk.locator("#slot")).to_contain_text("Aucune carte")
        holder.types()
        holder.is_told("no_card")
        holder.is_shown("insert")
        holder.visitor.check()

    holder.signs("anne")

    holder.arrives()


def test_the_window_of_the_helper_goes_away_with_the_page(holder: CardHolder) -> None:
    holder.chooses_the_card()
    holder.workstation.insert("anne")
    holder.presses()

    holder.page.goto("about:blank")

    expect(holder.pad).to_have_count(0)


def test_cards_that_are_not_accepted_are_said_and_the_other_methods_work(holder: CardHolder) -> None:
    holder.chooses_the_card()
    for card, title, code in (
        ("expired", "Cette carte a expiré", "CPS-40"),
        ("revoked", "Cette carte a été révoquée", "CPS-42"),
        ("test", "Cette carte est une carte de test", "CPS-46"),
    ):
        holder.signs(card)
        holder.is_refused(title, code)
        holder.tries_again()

    holder.signs("expired")
    holder.page.click("#method-email_otp")
    expect(holder.page.locator("#login-username")).to_be_visible()


def test_a_card_that_nobody_linked_is_linked_once_and_a_link_that_was_removed_is_said(holder: CardHolder) -> None:
    holder.chooses_the_card()
    holder.signs("karim")
    expect(holder.page.get_by_text("Votre carte CPS n'est pas encore reliée à un compte.")).to_be_visible()
    links_it(holder)
    assert holder.visitor.claim("preferred_username") == KARIM

    unlink(holder.visitor, KARIM)
    assert "Un mode d'authentification a été relié" in holder.visitor.demo.mail(KARIM).text
    holder.page.context.clear_cookies()
    holder.visitor.opens("ror", "/login")
    holder.page.click("#method-cps_card")
    holder.presses()
    holder.types()
    expect(holder.page.get_by_text("Votre carte CPS n'est plus reliée à votre compte.")).to_be_visible()
    links_it(holder)


def links_it(holder: CardHolder) -> None:
    """Two proofs of the account, then « Relier »."""
    holder.visitor.gives_both_factors(KARIM, COMPLETE)
    holder.visitor.sees("Relier ce mode d'authentification à votre compte ?")
    holder.page.get_by_role("button", name="Relier", exact=True).click()
    holder.arrives()


def test_somebody_without_an_account_is_told_whom_to_ask(holder: CardHolder) -> None:
    holder.chooses_the_card()
    holder.signs("camille")

    expect(holder.page.get_by_text("Votre carte CPS n'est pas encore reliée à un compte.")).to_be_visible()
    expect(holder.page.locator("main").get_by_text("support@esea.example")).to_be_visible()
    holder.visitor.check()


def test_the_page_says_what_to_do_until_the_helper_runs_and_then_goes_on_by_itself(holder: CardHolder) -> None:
    holder.workstation.insert("anne")
    holder.workstation.stop()
    with holder.visitor.watch.expecting_no_answer(holder.workstation.helper):
        holder.chooses_the_card()
        holder.is_shown("missing")
        holder.visitor.check()
        holder.workstation.start()
        holder.is_shown("ready")

    holder.presses()
    holder.types()
    holder.arrives()
