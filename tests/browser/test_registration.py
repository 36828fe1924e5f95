"""From nobody to a service: the four steps of « Inscription », the desk, the account, and the request for access."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from demo.cards import CAMILLE
from tests.browser.card_holder import CardHolder
from tests.browser.conftest import Visit
from tests.browser.people import PHONE
from tests.browser.registering import (
    ACCEPTED,
    ASKED_BY,
    ESPACE_PRO,
    FORM,
    GIVEN,
    OF,
    REASON,
    REGISTRATIONS,
    REQUESTS,
    Newcomer,
    Operator,
)
from tests.browser.test_pro_sante_connect import CHOICE


def test_from_nobody_to_a_service(visit: Visit) -> None:
    newcomer = Newcomer(visit(), "zoe.marchand")
    registers_going_back(newcomer)

    support = Operator(visit(), "nadia.lefevre")
    support.takes(REGISTRATIONS, newcomer.name, OF, "registration")
    support.approves("registration", ACCEPTED)

    newcomer.confirms("zoe.m")
    newcomer.visitor.opens("espace-pro", "/login")
    with newcomer.visitor.watch.expecting(403):
        newcomer.visitor.gives_both_factors(newcomer.login, f"Accès sécurisé au service : {ESPACE_PRO}")
        newcomer.begins_to_ask()
    asks_for_espace_pro(newcomer)

    support.takes(REQUESTS, newcomer.name, ASKED_BY, "request")
    support.approves("request", "Votre accord est enregistré. L'équipe du service décide maintenant.")
    expect(support.page.locator("#request-approve")).to_have_count(0)
    approver = Operator(visit(), "claire.roche")
    expect(approver.page.get_by_role("link", name=REGISTRATIONS)).to_have_count(0)
    approver.takes(REQUESTS, newcomer.name, ASKED_BY, "request")
    approver.approves("request", GIVEN)

    newcomer.opens_the_service(ESPACE_PRO)


def registers_going_back(newcomer: Newcomer) -> None:
    """« Non », then all four steps, each left once towards the one before."""
    page = newcomer.page
    newcomer.begins_at("espace-pro")
    expect(page.get_by_text(f"Votre inscription demandera aussi l'accès au service : {ESPACE_PRO}")).to_be_visible()
    page.get_by_role("button", name="Non, je n'ai pas de carte CPS").click()
    newcomer.is_at(2)
    newcomer.fills_in()
    newcomer.goes_on()
    newcomer.is_at(2, "Vérifiez votre adresse e-mail")
    page.get_by_role("link", name="Modifier l'adresse").click()
    newcomer.is_at(2)
    newcomer.has(**FORM, family_name=newcomer.family_name, email=newcomer.address, email_again=newcomer.address)
    newcomer.goes_on()
    newcomer.types_code()

    newcomer.is_at(3)
    newcomer.has(login=newcomer.login)
    page.fill("#signup-login", "zoe.m")
    newcomer.goes_back()
    newcomer.is_at(2)
    newcomer.goes_back()
    newcomer.is_at(1)
    expect(page.get_by_text("Une inscription est commencée dans ce navigateur.")).to_be_visible()
    page.click("#signup-resume")
    newcomer.is_at(2)
    newcomer.has(**FORM)
    newcomer.goes_on()
    newcomer.is_at(3)  # the address is proven, and not asked for again
    newcomer.has(login="zoe.m")
    newcomer.chooses()

    newcomer.is_at(4)
    expect(page.get_by_text(f"Adhésion à {ESPACE_PRO}")).to_be_visible()
    page.fill("#signup-reason", REASON)
    newcomer.goes_back()
    newcomer.is_at(3)
    expect(page.get_by_text("Votre mot de passe est déjà enregistré.")).to_be_visible()
    newcomer.goes_on()
    newcomer.is_at(4)
    newcomer.has(reason=REASON)
    newcomer.joins(REASON)
    expect(page.get_by_text("Elle est en attente : l'assistance vérifie vos informations.")).to_be_visible()
    newcomer.letter("Votre demande d'inscription est enregistrée")


def asks_for_espace_pro(newcomer: Newcomer) -> None:
    visitor, page = newcomer.visitor, newcomer.page
    expect(page.locator("#access-phone")).to_have_value(FORM["mobile"])
    page.click("#access-submit")
    expect(page.locator("#error-summary")).to_be_focused()
    visitor.check()
    expect(page.locator("#access-function_other")).to_be_hidden()
    page.select_option("#access-function", "- Autre -")
    expect(page.locator("#access-function_other")).to_be_visible()
    page.select_option("#access-function", "Sage-femme")
    page.select_option("#access-speciality", "Sans objet")
    page.select_option("#access-you_are", "Un professionnel libéral")
    page.fill("#access-reason", REASON)
    page.get_by_label("J'accepte les Conditions d'Utilisation", exact=True).check()
    page.click("#access-submit")
    visitor.sees("Votre demande d'accès")
    newcomer.letter(f"Votre demande d'accès à {ESPACE_PRO} est enregistrée")


def by_card(visit: Visit, newcomer: Newcomer) -> None:
    newcomer.reads_card(CardHolder(newcomer.visitor, visit()), "camille")


def by_pro_sante_connect(_visit: Visit, newcomer: Newcomer) -> None:
    newcomer.page.click("#signup-pro_sante_connect")
    newcomer.visitor.sees(CHOICE)
    newcomer.page.check("#person-camille")
    newcomer.page.click("button[value=MOBILE]")


# Camille has a card and no account. What comes from where: a card says less of where she works, and that in capitals.
PROVEN = {"family_name": "MOREAU", "rpps": CAMILLE}


@pytest.mark.parametrize(
    ("proves", "means", "given_name"),
    [(by_card, "Carte CPS", "CAMILLE"), (by_pro_sante_connect, "Pro Santé Connect", "Camille")],
    ids=["card", "Pro Santé Connect"],
)
def test_what_was_proven_is_filled_in_and_locked(
    visit: Visit, proves: Callable[[Visit, Newcomer], None], means: str, given_name: str
) -> None:
    newcomer = Newcomer(visit(), "camille.moreau")
    page = newcomer.page
    newcomer.begins_at("espace-pro")
    proves(visit, newcomer)

    newcomer.is_at(2)
    for name, value in {**PROVEN, "given_name": given_name}.items():
        field = page.locator(f"#signup-{name}")
        expect(field).to_have_value(value)
        expect(field).not_to_be_editable()
        expect(page.locator(f"#signup-{name}-hint")).to_contain_text(f"Vérifié : {means}")
        assert field.get_attribute("name") is None, "nothing of it is sent"
    for name in ("email", "birth"):
        expect(page.locator(f"#signup-{name}")).to_be_editable()
    newcomer.goes_back()
    newcomer.is_at(1)
    expect(page.get_by_text(f"Vos informations ont été lues : {means}")).to_be_visible()
    expect(page.locator("dl.facts code")).to_have_text(CAMILLE)
    page.get_by_role("button", name="Ce n'est pas la mienne : recommencer").click()
    newcomer.is_at(1)
    page.click("#signup-none")
    newcomer.is_at(2)
    newcomer.has(family_name="", rpps="")


def test_the_steps_in_the_dark_in_both_languages_and_the_queue_on_a_phone(visit: Visit) -> None:
    newcomer = Newcomer(visit(**PHONE, color_scheme="dark"), "emmanuelle.vandenbroucke")
    page = newcomer.page
    newcomer.begins_at("ror")
    newcomer.reads_english()
    page.click("#signup-none")
    newcomer.is_at(2)
    newcomer.reads_english()
    newcomer.goes_on()
    expect(page.locator("#error-summary")).to_be_focused()
    newcomer.is_at(2)
    newcomer.fills_in()
    newcomer.goes_on()
    newcomer.types_code()
    newcomer.is_at(3)
    newcomer.reads_english()
    newcomer.goes_on()
    expect(page.locator("#error-summary")).to_be_focused()
    newcomer.is_at(3)
    newcomer.chooses()
    newcomer.is_at(4)
    newcomer.reads_english()
    newcomer.goes_on()
    expect(page.locator("#error-summary")).to_be_focused()
    newcomer.is_at(4)
    newcomer.joins(REASON)

    support = Operator(visit(**PHONE), "nadia.lefevre")
    support.takes(REGISTRATIONS, newcomer.name, OF, "registration")
    support.page.click("#registration-show-birth")
    expect(support.page.locator("#registration-birth")).to_have_text("14/07")
    support.visitor.check()
    support.lists(REGISTRATIONS)
    expect(support.page.get_by_role("row").filter(has_text=newcomer.name)).to_contain_text("nadia.lefevre")
