"""Step 6: « Mot de passe oublié ? », which is also the first login of an account imported without a password."""

import urllib.request

from playwright.sync_api import expect

from tests.browser.demo_process import DIRECTLY
from tests.browser.visitor import CODE, PORTAL, PORTAL_LOGIN, ROR_LOGIN, Visitor

NEW_PASSWORD = "Huit-Tasses-de-Tilleul-9"


def test_the_first_login_of_an_imported_account(visitor: Visitor) -> None:
    page, person = visitor.page, visitor.demo.account("jeanne.duval")
    assert person["password"] is None
    visitor.opens("portail")
    visitor.sees(PORTAL_LOGIN)
    page.get_by_role("link", name="Mot de passe oublié ?").click()

    visitor.sees("Mot de passe oublié ?")
    page.fill("#login-username", person["email"])
    page.click("#forgot-submit")
    visitor.sees("Regardez votre boîte mail")

    link = visitor.demo.mail("jeanne.duval").link
    for method in ("GET", "HEAD") * 10:  # as a mail gateway does
        DIRECTLY.open(urllib.request.Request(link, method=method), timeout=5).close()
    page.goto(link)
    visitor.sees("Choisissez votre mot de passe")
    page.fill("#new-password", "trop court")
    page.fill("#new-password-confirmation", "trop court")
    page.click("#new-password-submit")
    expect(page.locator("#error-summary")).to_contain_text("au moins 12 caractères")
    visitor.sees("Choisissez votre mot de passe")
    page.fill("#new-password", NEW_PASSWORD)
    page.fill("#new-password-confirmation", NEW_PASSWORD)
    page.click("#new-password-submit")

    visitor.sees("Votre mot de passe est enregistré")
    assert "mot de passe" in visitor.demo.mail("jeanne.duval").subject
    person["password"] = NEW_PASSWORD
    page.get_by_role("link", name="Mon compte ESEA").click()
    visitor.sees(PORTAL_LOGIN)
    visitor.types_password("jeanne.duval")
    visitor.sees(PORTAL)

    with visitor.watch.expecting(410):
        page.goto(link)
        visitor.sees("Ce lien n'est plus valable")

    page.goto(visitor.demo.description["services"]["portail"])
    page.get_by_role("link", name="ROR Nouvelle-Aquitaine").click()
    visitor.sees(ROR_LOGIN)
    page.click("#method-email_otp")
    visitor.sees(CODE)
    visitor.types_code("jeanne.duval")
    expect(page.get_by_text("Ce n'est pas suffisant pour ce service.")).to_be_visible()
    visitor.sees(ROR_LOGIN)
    assert page.url.startswith(visitor.demo.description["issuer"]), "one mailbox is one factor"
    expect(page.get_by_role("link", name="support@esea.example").first).to_be_visible()


def test_an_unknown_address_gets_the_same_page(visitor: Visitor) -> None:
    visitor.page.goto(visitor.demo.description["issuer"] + "/password/forgot")
    visitor.page.fill("#login-username", "personne@nulle-part.example")
    visitor.page.click("#forgot-submit")
    visitor.sees("Regardez votre boîte mail")


def test_the_mails_are_readable_in_the_mailbox(visitor: Visitor) -> None:
    visitor.page.goto(visitor.demo.description["issuer"] + "/password/forgot")
    visitor.page.fill("#login-username", "karim.benali")
    visitor.page.click("#forgot-submit")
    mail = visitor.demo.mail("karim.benali")

    visitor.page.goto(visitor.demo.description["mail"]["page"])
    visitor.sees("Messagerie de démonstration")
    expect(visitor.page.get_by_role("heading", name=mail.subject).first).to_be_visible()
    visitor.page.goto(f"{visitor.demo.description['mail']['page']}/messages/{mail.id}/html")
    expect(visitor.page.get_by_role("link", name="Choisir mon mot de passe")).to_be_visible()
