"""« Modifier mes données personnelles », in a browser: civility, address, number, picture."""

import io
from typing import Any

from PIL import Image
from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.people import PHONE, Person, on_every_screen
from tests.browser.test_screens import fits_all
from tests.browser.visitor import Visitor

PERSONAL = "Modifier mes données personnelles", "Change my personal data"


def at_the_page(visit: Visit, login: str, look: dict[str, Any]) -> Person:
    """In two clicks: the sign-in, and the side menu."""
    person = Person(visit, login, look)
    person.arrives()
    person.follows(*PERSONAL)
    person.sees(*PERSONAL)
    return person


@on_every_screen
def test_the_civility_is_kept(visit: Visit, screen: str, look: dict[str, Any]) -> None:
    person = at_the_page(visit, f"alice.{screen}", look)
    civility = person.page.get_by_label(person.read("Civilité", "Title"))
    expect(civility).to_have_value("")

    civility.select_option("Mme")
    person.page.click("#personal-submit")

    person.is_told("Vos données sont enregistrées.", "Your data are saved.")
    person.sees(*PERSONAL)
    expect(civility).to_have_value("Mme")
    person.page.reload()
    expect(person.page.get_by_role("status")).to_have_count(0)
    expect(civility).to_have_value("Mme")


@on_every_screen
def test_the_address_is_changed_by_a_code_that_is_sent_there(visit: Visit, screen: str, look: dict[str, Any]) -> None:
    title = "Modifier mon adresse e-mail", "Change my e-mail address"
    person = at_the_page(visit, f"bruno.{screen}", look)
    page, demo, new = person.page, person.visitor.demo, f"bruno.{screen}@clinique.example"
    page.click("#personal-email")
    person.confirms()
    person.sees(*title)

    page.fill("#contact-email", "bruno@nowhere")
    page.click("#contact-submit")
    is_refused(person.visitor, "contact-email")
    person.sees(*title)
    page.fill("#contact-email", new)
    page.click("#contact-submit")
    person.sees("Saisissez le code reçu par e-mail", "Enter the code received by e-mail")
    expect(page.locator("#contact-sent")).to_contain_text(new)
    expect(page.locator("#contact-resend")).to_be_disabled()
    code = demo.mail_to(new).code
    page.fill("#contact-code", f"{(int(code) + 1) % 1_000_000:06d}")
    page.click("#contact-submit")
    is_refused(person.visitor, "contact-code")
    person.visitor.check()
    page.fill("#contact-code", code)
    page.click("#contact-submit")

    person.is_told("Votre adresse e-mail est changée.", "Your e-mail address is changed.")
    person.sees(*PERSONAL)
    expect(page.get_by_text(new)).to_be_visible()
    assert new not in demo.mail(person.login).text, "whoever reads the former mailbox does not learn the new one"


@on_every_screen
def test_a_number_is_given_and_taken_back(visit: Visit, screen: str, look: dict[str, Any]) -> None:
    title = "Modifier mon numéro de téléphone", "Change my telephone number"
    person = at_the_page(visit, f"chloe.{screen}", look)
    page = person.page
    page.click("#personal-phone")
    person.confirms()
    person.sees(*title)
    expect(page.locator("#contact-remove")).to_have_count(0)

    page.fill("#contact-phone", "06 12")
    page.click("#contact-submit")
    is_refused(person.visitor, "contact-phone")
    person.sees(*title)
    page.fill("#contact-phone", "0612345678")
    page.click("#contact-submit")
    person.is_told("Votre numéro de téléphone est enregistré.", "Your telephone number is saved.")
    person.sees(*PERSONAL)
    expect(page.get_by_text("+33 6 12 34 56 78")).to_be_visible()

    page.click("#personal-phone")
    person.sees(*title)
    page.click("#contact-remove")
    person.is_told("Votre numéro de téléphone est supprimé.", "Your telephone number is removed.")
    person.sees(*PERSONAL)
    expect(page.get_by_text("+33 6 12 34 56 78")).to_have_count(0)


@on_every_screen
def test_a_picture_is_shown_until_it_is_removed(visit: Visit, screen: str, look: dict[str, Any]) -> None:
    person = at_the_page(visit, f"david.{screen}", look)
    page, portrait = person.page, person.page.locator("#menu img.portrait")
    sends(person, "photo.txt", "text/plain", b"not a picture")
    is_refused(person.visitor, "personal-picture")
    person.sees(*PERSONAL)
    expect(portrait).to_have_count(0)

    sends(person, "photo.png", "image/png", picture())

    person.is_told("Votre photo est enregistrée.", "Your picture is saved.")
    person.sees(*PERSONAL)
    follows_everywhere(person)
    page.click("#personal-picture-remove")
    person.is_told("Votre photo est supprimée.", "Your picture is removed.")
    person.sees(*PERSONAL)
    expect(portrait).to_have_count(0)


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(visit: Visit) -> None:
    person = at_the_page(visit, "emma.large", {"locale": "fr-FR"})
    field, told = person.page.locator("#personal-picture"), person.page.locator("#personal-picture-too-large")
    expect(told).to_be_hidden()

    field.set_input_files({"name": "large.png", "mimeType": "image/png", "buffer": bytes(2_000_001)})

    expect(told).to_contain_text("Ce fichier dépasse 2 Mo.")
    expect(field).to_have_value("")
    person.visitor.check()


def test_it_fits_the_narrowest_screen(visit: Visit) -> None:
    person = at_the_page(visit, "fanny.narrow", {**PHONE, "locale": "fr-FR"})
    fits_all(person.visitor, PERSONAL[0])
    person.page.click("#personal-email")
    person.confirms()
    fits_all(person.visitor, "Modifier mon adresse e-mail")
    person.page.goto(person.visitor.demo.description["issuer"] + "/compte/personal/phone")
    fits_all(person.visitor, "Modifier mon numéro de téléphone")


def follows_everywhere(person: Person) -> None:
    """The picture is beside the name in the side menu, on other pages too, and it is really drawn."""
    page, portrait = person.page, person.page.locator("#menu img.portrait")
    for path in ("/compte", "/compte/personal"):
        page.goto(person.visitor.demo.description["issuer"] + path)
        expect(portrait).to_be_visible()
        expect(portrait).to_have_js_property("complete", value=True)
        assert portrait.evaluate("image => image.naturalWidth") > 0
        person.visitor.check()


def sends(person: Person, name: str, media_type: str, content: bytes) -> None:
    """Choose a file and press the button."""
    file = {"name": name, "mimeType": media_type, "buffer": content}
    person.page.locator("#personal-picture").set_input_files(file)  # type: ignore[arg-type]
    person.page.click("#personal-picture-submit")


def picture() -> bytes:
    """A PNG, wider than high."""
    written = io.BytesIO()
    Image.new("RGB", (400, 300), (10, 120, 200)).save(written, "PNG")
    return written.getvalue()


def is_refused(visitor: Visitor, field: str) -> None:
    """Said above everything, with the focus, with a way to the field, and beside the field."""
    page = visitor.page
    expect(page.locator("#error-summary")).to_be_focused()
    expect(page.locator(f"#error-summary a[href='#{field}']")).to_have_count(1)
    expect(page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
    expect(page.locator(f"#{field}-error")).to_be_visible()
