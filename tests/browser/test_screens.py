"""Keyboard, phone, zoom, dark mode, English, less motion."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.browser.visitor import CODE, PORTAL, PORTAL_LOGIN, ROR_LOGIN, Visitor

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
WIDTHS_PX = {"a small phone, and 400 % zoom": 320, "200 % zoom of 1280": 640, "a phone": 390}
MIN_TARGET_PX = 24  # WCAG 2.5.8
ANIMATED = """() => [...document.querySelectorAll("*")].filter((element) => {
  const style = getComputedStyle(element);
  return [style.transitionDuration, style.animationDuration].some((all) => all.split(", ").some((one) => one !== "0s"));
}).length + document.getAnimations().length"""
OUTLINE = """() => {
  const style = getComputedStyle(document.activeElement);
  return style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth);
}"""


def focused(page: Page) -> str:
    found: str = page.evaluate("document.activeElement.id || document.activeElement.dataset.reveal || ''")
    return found


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until this id has the focus, and see an outline on everything on the way."""
    for _ in range(20):
        page.keyboard.press("Tab")
        assert page.evaluate(OUTLINE) >= 2, page.evaluate("document.activeElement.outerHTML")
        if focused(page) == wanted:
            return
    raise AssertionError(f"Tab does not reach {wanted}")


def test_the_login_needs_nothing_but_a_keyboard(visitor: Visitor) -> None:
    page, person = visitor.page, visitor.demo.account("anne.pierre")
    visitor.opens("portail")
    visitor.sees(PORTAL_LOGIN)

    tab_to(page, "method-email_otp")
    tab_to(page, "login-username")
    page.keyboard.type(person["login"])
    tab_to(page, "login-password")
    page.keyboard.type("not the password")
    page.keyboard.press("Tab")
    assert focused(page) == "login-password", "the button « Afficher » speaks of its field"
    page.keyboard.press("Space")
    expect(page.locator("#login-password")).to_have_attribute("type", "text")
    page.keyboard.press("Tab")
    assert focused(page) == "login-submit"
    page.keyboard.press("Enter")

    expect(page.locator("#error-summary")).to_be_focused()
    expect(page).to_have_title(re.compile("^Erreur : "))
    visitor.check()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#login-username")).to_be_focused()
    expect(page.locator("#login-username")).to_have_value(person["login"])
    tab_to(page, "login-password")
    page.keyboard.type(person["password"])
    page.keyboard.press("Enter")
    visitor.sees(PORTAL)


def test_the_first_tab_offers_to_skip_to_the_content(visitor: Visitor) -> None:
    visitor.opens("portail")

    visitor.page.keyboard.press("Tab")
    expect(visitor.page.get_by_role("link", name="Aller au contenu")).to_be_focused()
    visitor.page.keyboard.press("Enter")

    expect(visitor.page.locator("main")).to_be_focused()


def test_every_page_fits_a_phone_and_a_zoom(visit: Visit) -> None:
    visitor = visit(**PHONE)
    page = visitor.page
    visitor.opens("portail")
    fits_all(visitor, PORTAL_LOGIN)
    page.get_by_role("link", name="Mot de passe oublié ?").click()
    fits_all(visitor, "Mot de passe oublié ?")
    visitor.opens("portail")
    visitor.types_password("lea.martin")
    fits_all(visitor, PORTAL)
    visitor.opens("ror", "/login")
    fits_all(visitor, ROR_LOGIN)
    page.click("#method-email_otp")
    fits_all(visitor, CODE)
    with visitor.watch.expecting(403):
        visitor.types_code("lea.martin")
        fits_all(visitor, "Accès refusé")
    page.goto(visitor.demo.description["issuer"] + "/logout")
    fits_all(visitor, "Voulez-vous vous déconnecter ?")
    page.click("#logout-confirm")
    fits_all(visitor, "Vous êtes déconnecté")


def test_the_services_of_the_demo_fit_a_phone(visit: Visit) -> None:
    visitor = visit(**PHONE)
    visitor.signs_in_to_ror("anne.pierre")
    visitor.opens("espace-pro")
    visitor.check()
    visitor.page.goto(visitor.demo.description["mail"]["page"])
    visitor.check()


def fits_all(visitor: Visitor, heading: str) -> None:
    """The page with this heading, at every width, and large enough for a finger."""
    visitor.sees(heading)
    assert too_small(visitor.page) == []
    for width in WIDTHS_PX.values():
        visitor.page.set_viewport_size({"width": width, "height": 844})
        visitor.fits()


def too_small(page: Page) -> list[str]:
    """What is pressed with a finger, and is too small for it."""
    targets = page.locator("a:visible, button:visible, input:visible").all()
    boxes = [(target.evaluate("element => element.outerHTML"), target.bounding_box()) for target in targets]
    return [html for html, box in boxes if box is None or box["height"] < MIN_TARGET_PX or box["width"] < MIN_TARGET_PX]


def test_letters_twice_as_large_stay_on_the_screen(visitor: Visitor) -> None:
    visitor.opens("ror", "/login")
    visitor.sees(ROR_LOGIN)

    visitor.page.evaluate("document.documentElement.style.fontSize = '200%'")

    visitor.fits()


def test_dark_mode(visit: Visit) -> None:
    visitor = visit(color_scheme="dark")
    visitor.opens("portail")
    visitor.sees(PORTAL_LOGIN)
    luminance = visitor.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert max(luminance) < 64, "the page itself is dark"
    visitor.page.fill("#login-username", "anne.pierre")
    visitor.page.fill("#login-password", "wrong")
    visitor.page.click("#login-submit")
    visitor.sees("Identifiant - Mot de passe")
    visitor.types_password("anne.pierre")
    visitor.sees(PORTAL)
    visitor.opens("ror", "/login")
    visitor.sees(ROR_LOGIN)
    visitor.page.click("#method-email_otp")
    visitor.sees(CODE)
    visitor.page.goto(visitor.demo.description["issuer"] + "/logout")
    visitor.sees("Voulez-vous vous déconnecter ?")
    visitor.page.click("#logout-confirm")
    visitor.sees("Vous êtes déconnecté")


def test_english_by_the_link_for_the_whole_journey(visitor: Visitor) -> None:
    page = visitor.page
    visitor.opens("portail")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.get_by_role("link", name="English").click()

    expect(page.locator("html")).to_have_attribute("lang", "en")
    visitor.sees("Secure access to the service: Portail ESEA Nouvelle-Aquitaine")
    expect(page.get_by_role("button", name="Show the password")).to_be_visible()
    page.fill("#login-username", "lea.martin")
    page.fill("#login-password", "wrong")
    page.click("#login-submit")
    expect(page).to_have_title(re.compile("^Error: "))
    visitor.types_password("lea.martin")
    expect(page.get_by_text("Your services")).to_be_visible()
    visitor.check()
    visitor.opens("ror", "/login")
    page.click("#method-email_otp")
    visitor.sees("Enter the code received by e-mail")
    assert visitor.demo.mail("lea.martin").subject == "Your sign-in code for the service ROR Nouvelle-Aquitaine"


def test_less_motion_means_none(visit: Visit) -> None:
    moving, still = visit(), visit(reduced_motion="reduce")
    for visitor in (moving, still):
        visitor.opens("portail")
        visitor.sees(PORTAL_LOGIN)
        visitor.page.hover("#method-email_otp")

    assert moving.page.evaluate(ANIMATED) > 0, "there is something to stop"
    assert still.page.evaluate(ANIMATED) == 0
