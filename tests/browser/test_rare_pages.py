"""Pages that few people see, and letters: axe finds nothing there either."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect

from idp.settings import Settings
from idp.web.browser import Browser
from idp.web.pages import Pages
from idp.web.texts import CHANGES
from tests.browser.conftest import Visit
from tests.browser.demo_process import Demo, Mail
from tests.browser.test_form_action import authorize_url
from tests.browser.test_password_reset import NEW_PASSWORD
from tests.browser.visitor import PORTAL_LOGIN, Visitor, Watch, axe_finds_nothing

# A letter is a part of the mail program's page, which has the landmarks and the heading of its own.
OF_A_WHOLE_PAGE = ("landmark-one-main", "page-has-heading-one", "region")
AS_A_LETTER = {"rules": {rule: {"enabled": False} for rule in OF_A_WHOLE_PAGE}}
LEA, KARIM, SUPPORT = "lea.martin", "karim.benali", "support@esea.example"
LINK = {"not_me_url": "https://idp.example/not-me/x"}
AT = datetime(2026, 7, 1, 8, tzinfo=UTC)
WHERE: dict[str, Any] = {"at": AT, "browser": "Firefox", "browser_parts": {}, "network": "192.0.2.0/24"}
NOTICES: list[tuple[str, dict[str, Any]]] = [
    ("means_changed", {**LINK, "event": "means.linked", "change": CHANGES["means.linked"], "method": "Carte CPS"}),
    ("new_browser", {**LINK, **WHERE, "method": "Carte CPS"}),
    ("qr_refused", {**WHERE, "service": "ROR", "reason": "not_me", "known": True}),
    ("qr_refused", {**WHERE, "service": "ROR", "reason": "number_wrong", "known": False}),
    ("codes_guessed", {"tries": "5", "after": "password", "blocked": False}),
    ("codes_guessed", {"tries": "50", "after": "password", "blocked": True}),
    *(
        ("emergency_code", {**LINK, **WHERE, "event": event, "change": CHANGES[event], "until": AT})
        for event in ("emergency_code.issued", "emergency_code.used")
    ),
    (
        "emergency_told",
        {"event": "emergency_code.issued", "login": LEA, "by": "eva", "reason": "x", "at": AT, "until": AT},
    ),
    ("contact_changed", {**LINK, "event": "account.email_changed", "value": "a•••@clinique.example"}),
    *(
        (
            "identity_change",
            {"what": what, "value": value, "method": by, "url": "https://x.example/identity-change/x", "until": AT},
        )
        for what, value, by in (("email", "a•••@clinique.example", ""), ("rpps", "•••6786", "Carte CPS"))
    ),
    ("email_code", {"code": "123456", "minutes": 10}),
    ("email_taken", {}),
    ("registration_code", {"code": "123456", "minutes": "10"}),
    ("registration_known", {"issuer": "https://x.example"}),
    ("registration_received", {"name": "Anne Pierre", "service": "ROR"}),
    ("registration_approved", {"url": "https://x.example/inscription/confirmer/x", "days": "7"}),
    ("registration_refused", {"reason": "Structure inconnue"}),
    ("registration_question", {"url": "https://x.example/inscription/question/x", "question": "Quel service ?"}),
    ("account_ready", {"url": "https://x.example", "login": "anne2", "wished": "anne", "service": "ROR"}),
    ("number_unchecked", {"url": "https://x.example"}),
    ("access_received", {"service": "ROR"}),
    ("access_granted", {"service": "ROR", "url": "https://x.example/compte", "until": AT}),
    ("access_granted", {"service": "ROR", "url": "https://x.example/compte"}),
    ("access_refused", {"service": "ROR", "url": "https://x.example/compte", "text": "Structure inconnue"}),
    ("access_question", {"service": "ROR", "url": "https://x.example/compte", "text": "Où exercez-vous ?"}),
    ("access_expiring", {"service": "ROR", "url": "https://x.example/compte", "until": AT}),
    ("completion_code", {"code": "123456", "service": "ROR", "means": "Pro Santé Connect", "minutes": "10"}),
]


def asks(visitor: Visitor, **asked: str) -> None:
    """The portal's client asks for something more of a person who is signed in."""
    visitor.page.goto(authorize_url(visitor, "portail", **asked)[0])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_consent_and_choice_of_account(visit: Visit, scheme: str) -> None:
    visitor = visit(color_scheme=scheme)
    visitor.signs_in_to_portal(LEA)

    asks(visitor, prompt="consent", scope="openid profile email")
    expect(visitor.page.locator("#consent-allow")).to_be_visible()
    visitor.check()

    asks(visitor, prompt="select_account")
    visitor.sees("Avec quel compte continuer ?")
    expect(visitor.page.locator("#account-other")).to_be_visible()


def test_another_account_than_the_one_that_is_signed_in(visitor: Visitor) -> None:
    visitor.signs_in_to_portal(LEA)
    asks(visitor, prompt="login")
    visitor.sees(PORTAL_LOGIN)

    visitor.types_password(KARIM)

    visitor.sees("Ce n'est pas le même compte")
    expect(visitor.page.locator("#other-switch")).to_contain_text("Karim Benali")


@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/authorize", 400), ("/login/nowhere", 410)])
def test_an_error_is_a_page_with_a_reference(visitor: Visitor, path: str, status: int) -> None:
    with visitor.watch.expecting(status):
        visitor.page.goto(visitor.demo.description["issuer"] + path)
        expect(visitor.page.locator("h1")).to_be_visible()
        visitor.check()


def test_the_page_that_posts_an_answer_when_no_script_presses_its_button(visitor: Visitor) -> None:
    """axe needs scripts, so that only the page's own is taken away."""
    visitor.page.route("**/form_post.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    url, _ = authorize_url(visitor, "ror", response_mode="form_post", prompt="none")

    visitor.page.goto(url)

    visitor.sees("Retour au service")
    expect(visitor.page.get_by_role("button", name="Continuer")).to_be_visible()


def test_the_page_that_posts_an_answer_as_it_is_when_its_script_has_pressed_the_button(visitor: Visitor) -> None:
    """The service answers 204, so that the browser stays on the page."""
    url, redirect_uri = authorize_url(visitor, "ror", response_mode="form_post", prompt="none")
    visitor.page.route(f"{redirect_uri}**", lambda route: route.fulfill(status=204))

    with visitor.page.expect_request(lambda request: request.url.startswith(redirect_uri)) as posted:
        visitor.page.goto(url, wait_until="commit")  # `load` never comes: the page was left, for nothing

    assert posted.value.method == "POST"
    expect(visitor.page.locator("h1")).to_have_text("Retour au service")
    visitor.fits()
    axe_finds_nothing(visitor.page)


def judge_letter(visitor: Visitor, letter: Mail, lang: str) -> None:
    """What axe says of a letter as a mail program shows it."""
    page = visitor.page
    assert letter.html
    page.goto("about:blank")  # our Content Security Policy is not for letters
    page.set_content(letter.html)
    expect(page.locator("html")).to_have_attribute("lang", lang)
    visitor.fits()
    axe_finds_nothing(page, AS_A_LETTER)


@pytest.fixture(scope="module")
def mail_program(chromium: Chromium) -> Iterator[Visitor]:
    """Shows one letter after another: a browser of its own for each would take longer than to judge it."""
    context = chromium.new_context(locale="fr-FR")
    yield Visitor(context.new_page(), cast(Demo, None), Watch(context), has_scripts=True)
    context.close()


@pytest.mark.parametrize("lang", ["fr", "en"])
@pytest.mark.parametrize(("name", "values"), NOTICES)
def test_the_letters_about_changes(mail_program: Visitor, name: str, values: dict[str, Any], lang: str) -> None:
    """Drawn from their templates: what is in them, the journeys' tests say."""
    settings = Settings(issuer="https://idp.example")
    subject, text, html = Pages(settings, Browser(settings, lambda *_: "")).letter(lang, name, **values)
    judge_letter(mail_program, Mail(1, "", subject, text, html, ""), lang)
    assert mail_program.watch.problems == []


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_letters(visit: Visit, lang: str) -> None:
    visitor = visit(locale=lang)
    page = visitor.page
    visitor.opens("ror", "/login")
    page.click("#method-email_otp")
    visitor.types_password(KARIM)
    expect(page.locator("#otp-code")).to_be_visible()
    code = visitor.demo.mail(KARIM)
    page.goto(visitor.demo.description["issuer"] + "/password/forgot")
    page.fill("input[name=login]", visitor.demo.account(KARIM)["email"])
    page.click("#forgot-submit")
    link = visitor.demo.mail(KARIM)

    for letter in (code, link):
        judge_letter(visitor, letter, lang)


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_the_letter_that_says_that_a_password_was_changed(visit: Visit, lang: str) -> None:
    """To somebody of the test's own: a new password makes the mailbox one factor, and others want theirs strong."""
    visitor, login = visit(locale=lang), f"nina.{lang}"
    page, issuer = visitor.page, visitor.demo.description["issuer"]
    person = {"login": login, "email": f"{login}@chu.example", "password": None}
    names = ("--given-name", "Nina", "--family-name", "Roy", "--email", person["email"])
    made = visitor.demo.sesame("account", "create", login, *names)
    assert made.returncode == 0, made.stderr
    visitor.demo = replace(visitor.demo)  # reads demo.json anew: the other tests do not see who is added
    visitor.demo.description["accounts"].append(person)
    page.goto(f"{issuer}/password/forgot")
    page.fill("#login-username", login)
    page.click("#forgot-submit")
    page.goto(visitor.demo.mail(login).link)
    page.fill("#new-password", NEW_PASSWORD)
    page.fill("#new-password-confirmation", NEW_PASSWORD)
    page.click("#new-password-submit")
    page.wait_for_url("**/password/done")

    letter = visitor.demo.mail(login)

    judge_letter(visitor, letter, lang)
    page.goto(visitor.demo.description["mail"]["page"])
    visitor.check()
    expect(page.get_by_role("heading", name=letter.subject).first).to_be_visible()
    presses_that_it_was_not_them(visitor, letter.link, lang)
    judge_letter(visitor, visitor.demo.mail(login), lang)
    alert = visitor.demo.mail_to(SUPPORT)
    while login not in alert.text:  # another test's
        alert = visitor.demo.mail_to(SUPPORT)
    judge_letter(visitor, alert, "fr")


def presses_that_it_was_not_them(visitor: Visitor, link: str, lang: str) -> None:
    """The pages behind the link of a letter, and the one behind a link that is broken."""
    page = visitor.page
    page.goto(link)
    visitor.sees("Ce n'était pas vous ?" if lang == "fr" else "It was not you?")
    visitor.check()
    page.click("#not-me-submit")
    visitor.sees("L'accès est bloqué" if lang == "fr" else "Access is blocked")
    visitor.check()
    with visitor.watch.expecting(410):
        page.goto(link[:-5])
        visitor.sees("Ce lien n'est plus valable" if lang == "fr" else "This link is no longer valid")
        visitor.check()


def test_every_letter_is_judged_here() -> None:
    folder = Path(__file__).parents[2] / "idp" / "templates" / "mail"
    letters = {file.stem for file in folder.glob("[a-z]*.html")} - {"phone_code"}  # an SMS is text alone
    assert letters == {"email_otp", "password_reset", "password_changed", "not_me", "alert", *{n for n, _ in NOTICES}}
    assert all('extends "mail/_layout.html"' in (folder / f"{name}.html").read_text() for name in letters)
