"""From a card and no account to a service that gives roles: what the card says is verified all the way."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from demo.cards import CAMILLE
from idp.domain.rights import Role
from tests.browser.card_holder import CardHolder
from tests.browser.conftest import Visit
from tests.browser.demo_process import Demo
from tests.browser.people import lose_number
from tests.browser.registering import (
    ACCEPTED,
    ASKED_BY,
    GIVEN,
    OF,
    REASON,
    REGISTRATIONS,
    REQUESTS,
    Newcomer,
    Operator,
    appoint,
)

ROR = "ROR Nouvelle-Aquitaine"
CHANGED = "Cette demande a changé depuis que vous l'avez ouverte. Relisez-la avant de décider."


@pytest.fixture
def camille(demo: Demo) -> Iterator[str]:
    """She has a card and no account; after the test nobody holds her number, as before."""
    login = "camille.moreau"
    yield login
    lose_number(demo, login)


def test_by_card_from_nobody_to_the_roles_of_the_ror(visit: Visit, camille: str) -> None:
    newcomer = Newcomer(visit(), camille)
    newcomer.given_name, newcomer.family_name = "CAMILLE", "MOREAU"  # as her card says it
    page = newcomer.page
    newcomer.begins_at("ror")
    holder = CardHolder(newcomer.visitor, visit())
    newcomer.reads_card(holder, "camille")
    newcomer.is_at(2)
    newcomer.has(family_name="MOREAU", given_name="CAMILLE", rpps=CAMILLE)
    newcomer.fills_in()
    newcomer.goes_on()
    newcomer.types_code()
    newcomer.is_at(3)
    newcomer.has(login=camille)
    newcomer.chooses()
    newcomer.is_at(4)
    newcomer.joins(REASON)

    support = Operator(visit(), "nadia.lefevre")
    support.takes(REGISTRATIONS, newcomer.name, OF, "registration")
    verified = support.page.get_by_role("region", name="Ce qui est vérifié")
    for proven in (CAMILLE, "MOREAU", "CAMILLE", "Selon : Carte CPS"):
        expect(verified).to_contain_text(proven)
    expect(support.page.get_by_role("region", name="Ce qui est seulement déclaré")).not_to_contain_text("MOREAU")
    support.approves("registration", ACCEPTED)

    newcomer.confirms(camille)
    newcomer.visitor.opens("ror", "/login")
    page.click("#method-cps_card")
    with newcomer.visitor.watch.expecting(403):
        holder.presses()
        holder.types()
        newcomer.begins_to_ask()
    asks_for_a_role(newcomer)
    two_operators_decide(visit, support, newcomer)

    newcomer.opens_the_service(ROR)
    expect(page.locator("#roles li")).to_have_count(2)
    expect(page.locator("#roles li").first).to_contain_text("Porteur d'offre")
    expect(page.locator("#roles li").first).to_contain_text("Établissements (FINESS) : 330781196, 330781204")
    expect(page.locator("#roles li").last).to_contain_text("Sans établissement en particulier")
    assert newcomer.visitor.claim("rpps") == CAMILLE
    assert set(newcomer.visitor.claim("amr").split()) >= {"sc", "pin", "hwk"}


def asks_for_a_role(newcomer: Newcomer) -> None:
    page = newcomer.page
    page.select_option("#access-profile", "Porteur d'offre")
    page.fill("#access-finess", "Clinique des Lilas, 330781196")
    page.fill("#access-reason", REASON)
    page.get_by_label("J'accepte les Conditions d'Utilisation", exact=True).check()
    page.click("#access-submit")
    newcomer.visitor.sees("Votre demande d'accès")


def two_operators_decide(visit: Visit, support: Operator, newcomer: Newcomer) -> None:
    """Both have the page open. One presses twice, which counts once; the other is told who was faster."""
    colleague = appoint(visit(), "hugo.second", Role.SUPPORT)
    for each in (support, colleague):
        each.opens(REQUESTS, newcomer.name, f"{ASKED_BY} {newcomer.name}")
        expect(each.page.locator("#perimeter-2")).to_be_hidden()
        each.page.get_by_label("Porteur d'offre PORTEUR_OFFRE").check()
        each.page.fill("#perimeter-2", "33078119")
        each.page.get_by_label("Professionnel de Santé Libéral").check()
    support.page.click("#request-approve")
    expect(support.page.locator("#error-summary")).to_contain_text("Un numéro FINESS compte neuf caractères.")
    expect(support.page.get_by_label("Porteur d'offre PORTEUR_OFFRE")).to_be_checked()
    support.visitor.check()
    support.page.fill("#perimeter-2", "330781196, 330781204")
    support.page.dblclick("#request-approve")
    expect(support.page.get_by_role("status")).to_have_text(GIVEN)

    colleague.page.click("#request-approve")
    expect(colleague.page.locator("#error-summary")).to_contain_text(CHANGED)
    expect(colleague.page.locator("#error-summary")).to_contain_text("nadia.lefevre en a décidé entre-temps.")
    expect(colleague.page.locator("#request-approve")).to_have_count(0)
    colleague.visitor.check()
