"""Steps 2 to 4: into « Mon compte », into the services with one more step, and out of everything."""

from playwright.sync_api import Locator, expect

from tests.browser.visitor import CODE, PORTAL, PORTAL_LOGIN, ROR_LOGIN, Visitor


def is_drawn(image: Locator) -> bool:
    """The picture came and was let in by the Content Security Policy."""
    return bool(image.evaluate("image => image.decode().then(() => image.naturalWidth > 0, () => false)"))


def test_mon_compte_opens_with_a_password_and_shows_the_tiles(visitor: Visitor) -> None:
    visitor.opens("portail")

    expect(visitor.page).to_have_title(PORTAL_LOGIN)
    visitor.sees(PORTAL_LOGIN)
    visitor.types_password("anne.pierre")

    visitor.sees(PORTAL)
    assert visitor.page.locator(".tile:not(.own) strong").all_inner_texts() == [
        "Espace Pro ORU NA",
        "ROR Nouvelle-Aquitaine",
    ]
    assert [is_drawn(logo) for logo in visitor.page.locator(".tile img").all()] == [True, True]


def test_afficher_shows_the_password_and_hides_it_again(visitor: Visitor) -> None:
    visitor.opens("portail")
    field = visitor.page.locator("#login-password")
    field.fill("a phrase to read")

    visitor.page.get_by_role("button", name="Afficher le mot de passe").click()
    expect(field).to_have_attribute("type", "text")
    visitor.check()

    visitor.page.get_by_role("button", name="Masquer le mot de passe").click()
    expect(field).to_have_attribute("type", "password")


def test_a_verified_email_is_an_identifier(visitor: Visitor) -> None:
    visitor.opens("portail")
    visitor.types_password("anne.pierre", typed=visitor.demo.account("anne.pierre")["email"])

    visitor.sees(PORTAL)
    expect(visitor.page.get_by_text("Anne Pierre")).to_be_visible()


def test_the_login_page_has_what_the_inventory_promises(visitor: Visitor) -> None:
    visitor.opens("portail")
    visitor.sees(PORTAL_LOGIN)
    page = visitor.page

    for words in (
        "Choisissez votre mode d'authentification",
        "Face aux risques cyber : soyez vigilants !",
        "Assistance Technique",
        "Tutoriels vidéos :",
    ):
        expect(page.get_by_text(words, exact=True)).to_be_visible()
    for link in (
        "Retour sur le Portail GIP ESEA",
        "Découvrez les bons réflexes",
        "05 64 090 090",
        "support@esea.example",
        "Comment s'authentifier de manière sécurisée ?",
        "Mot de passe oublié ?",
        "Confidentialité",
        "Mentions légales",
    ):
        expect(page.get_by_role("link", name=link, exact=True)).to_be_visible()
    built = ["Carte CPS", "OTP", "QR code", "Clé d'accès", "Application d'authentification", "Pro Santé Connect"]
    assert page.locator(".method-name").all_inner_texts() == built, "a method that is not built has no button"


def test_the_ror_asks_one_more_step_says_why_and_knows_the_right_person(visitor: Visitor) -> None:
    visitor.signs_in_to_portal("anne.pierre")
    visitor.page.get_by_role("link", name="ROR Nouvelle-Aquitaine").click()

    visitor.sees(ROR_LOGIN)
    expect(visitor.page.get_by_text("Ce service n'accepte pas le mot de passe seul")).to_be_visible()
    assert is_drawn(visitor.page.locator("img.service-logo")), "the service's own logo, of another origin"
    expect(visitor.page.locator("#login-password")).to_have_count(0)
    offered = visitor.page.locator(".method-name").all_inner_texts()
    assert offered == ["Carte CPS", "OTP", "QR code", "Pro Santé Connect"]
    visitor.page.click("#method-email_otp")

    visitor.sees(CODE)
    expect(visitor.page.locator("#otp-sent")).to_contain_text("a•••@chu.example")
    expect(visitor.page.locator("#otp-code")).to_be_focused()
    visitor.types_code("anne.pierre")

    expect(visitor.page.locator("#who")).to_be_visible()
    visitor.check()
    assert visitor.page.url == visitor.demo.description["services"]["ror"] + "/"
    assert visitor.claim("preferred_username") == "anne.pierre"
    assert visitor.claim("rpps") == visitor.demo.account("anne.pierre")["rpps"]
    assert visitor.claim("acr") == "eidas1"
    assert visitor.claim("amr").split() == ["pwd", "otp", "mfa"]


def test_a_wrong_code_is_said_and_the_right_one_still_works(visitor: Visitor) -> None:
    visitor.signs_in_to_portal("anne.pierre")
    visitor.opens("ror", "/login")
    visitor.page.click("#method-email_otp")
    visitor.sees(CODE)
    code = visitor.demo.mail("anne.pierre").code

    visitor.page.fill("#otp-code", f"{(int(code) + 1) % 1_000_000:06}")
    visitor.page.click("#otp-submit")
    expect(visitor.page.locator("#otp-code")).to_have_attribute("aria-invalid", "true")
    visitor.check()
    assert visitor.page.title().startswith("Erreur :")

    visitor.page.fill("#otp-code", code)
    visitor.page.click("#otp-submit")
    expect(visitor.page.locator("#who")).to_be_visible()


def test_after_one_strong_login_nothing_is_asked_until_one_logout_ends_it_for_all(visitor: Visitor) -> None:
    page, asked = visitor.page, []
    visitor.signs_in_to_ror("anne.pierre")
    page.on("framenavigated", lambda frame: asked.append(frame.url))

    visitor.opens("espace-pro")
    visitor.check()
    page.get_by_role("link", name="Connexion via l'Espace régional").click()
    expect(page.locator("#who")).to_be_visible()
    visitor.check()
    assert visitor.claim("amr").split() == ["pwd", "otp", "mfa"]
    visitor.opens("portail")
    visitor.sees(PORTAL)
    assert not [url for url in asked if "/login/" in url], "single sign-on shows no login page"

    visitor.opens("ror")
    page.click("#logout")
    visitor.sees("Voulez-vous vous déconnecter ?")
    page.click("#logout-confirm")
    expect(page.get_by_text("Vous êtes déconnecté.")).to_be_visible()
    visitor.check()

    visitor.opens("portail")
    visitor.sees(PORTAL_LOGIN)


def test_staying_signed_in_is_a_choice_of_the_logout_page(visitor: Visitor) -> None:
    visitor.signs_in_to_portal("karim.benali")
    visitor.page.goto(visitor.demo.description["issuer"] + "/logout")
    visitor.sees("Voulez-vous vous déconnecter ?")

    visitor.page.click("#logout-cancel")

    visitor.sees(PORTAL)


def test_mon_compte_logs_out_with_its_own_button(visitor: Visitor) -> None:
    visitor.signs_in_to_portal("karim.benali")

    visitor.page.click("#portal-logout")

    visitor.sees("Vous êtes déconnecté")
    visitor.opens("portail")
    visitor.sees(PORTAL_LOGIN)


def test_giving_up_leads_back_to_the_service(visitor: Visitor) -> None:
    visitor.opens("ror", "/login")
    visitor.sees(ROR_LOGIN)

    with visitor.watch.expecting(400):
        visitor.page.click("#login-cancel")
        visitor.sees("Vous n'êtes pas connecté")
    expect(visitor.page.locator("#error")).to_have_text("access_denied")


def test_an_account_without_access_is_refused_with_a_way_back_to_the_service(visitor: Visitor) -> None:
    visitor.signs_in_to_portal("lea.martin")
    expect(visitor.page.get_by_text("Aucun service n'est encore ouvert à votre compte.")).to_be_visible()

    visitor.opens("ror", "/login")
    visitor.page.click("#method-email_otp")
    visitor.sees(CODE)
    with visitor.watch.expecting(403):
        visitor.types_code("lea.martin")
        visitor.sees("Accès refusé")
    expect(visitor.page.get_by_text("Face aux risques cyber : soyez vigilants !")).to_be_visible()
    expect(visitor.page.locator("main").get_by_text("support@esea.example")).to_be_visible()

    with visitor.watch.expecting(400):
        visitor.page.click("#denied-back")
        visitor.sees("Vous n'êtes pas connecté")
    expect(visitor.page.locator("#error")).to_have_text("access_denied")
