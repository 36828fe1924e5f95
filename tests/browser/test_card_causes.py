"""Every page and every state that says why a card does not sign in: readable on every screen, and axe finds nothing."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from idp.methods.card_causes import REFUSED
from idp.methods.reader_causes import AFTER_A_TRY, AT_THE_READER
from idp.pki import CardRefused
from tests.browser.conftest import DEADLINE_MS
from tests.browser.test_card_states import Desk
from tests.browser.visitor import FOUND_ACCESSIBLE, SHOT_NUMBERS, SHOTS, axe_finds_nothing
from tests.fakes import card, card_host
from tests.fakes.card import RPPS, asked, begin
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
LOOKS: dict[str, dict[str, Any]] = {
    "fr": {"locale": "fr-FR"},
    "en": {"locale": "en-GB", "color_scheme": "dark", **PHONE},
}
WIDTHS_PX = (1280, 390, 320)
# As card.js does, without what makes it change its mind.
SHOW = """({ state, tries, error }) => {
  const root = document.getElementById("cps-card");
  root.hidden = false;
  const all = (name) => [...root.querySelectorAll(`[data-${name}]`)];
  for (const part of all("state")) part.hidden = !part.dataset.state.split(" ").includes(state);
  for (const part of all("tries")) part.hidden = part.dataset.tries !== tries;
  for (const part of all("error")) part.hidden = !part.dataset.error.split(" ").includes(error);
  root.querySelector("#card-error").hidden = !error;
  for (const part of root.querySelectorAll("details")) part.open = true;
}"""
OTHER_STATES = ("starting", "ask", "asking", "searching", "unanswered", "allow", "allowing", "ready", "pin", "sending")


class Refusing:
    """Trusts no card, for a reason that the test chooses."""

    cause = "expired"

    def authenticate(self, *_: Any, **__: Any) -> None:
        raise CardRefused(self.cause)


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path) -> Provider:
    made = card_host.provider(start, tmp_path)
    made.add_account("anne.pierre", rpps=RPPS)
    return made


@contextmanager
def at_a_desk(chromium: Browser, provider: Provider, **look: Any) -> Iterator[Desk]:
    """A page of this provider, in this process; card.js is not there."""
    context = chromium.new_context(**look)
    context.set_default_timeout(DEADLINE_MS)
    page = context.new_page()
    desk = Desk(page, RelyingParty(provider, "ror"))
    page.clock.resume()
    page.route("**/card.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    yield desk
    context.close()


def judge(page: Page) -> None:
    """By axe, once for pages that differ by their words and icons only; and on every screen."""
    colours = page.evaluate("String(matchMedia('(prefers-color-scheme: dark)').matches)")
    skeleton = re.sub(r">[^<]+<|#\w+|[\w-]{20,}|[0-9]", "", page.content())
    if (seen := (colours, skeleton)) not in FOUND_ACCESSIBLE:
        axe_finds_nothing(page)
        FOUND_ACCESSIBLE.add(seen)
    fits(page)


def fits(page: Page) -> None:
    """No need to scroll sideways (WCAG 1.4.10)."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{next(SHOT_NUMBERS):03}.png", full_page=True)
    usual = page.viewport_size
    assert usual
    for width in WIDTHS_PX:
        page.set_viewport_size({**usual, "width": width})
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), width
    page.set_viewport_size(usual)


def in_english(look: dict[str, Any]) -> dict[str, str]:
    return {"ui_locales": "en"} if look["locale"].startswith("en") else {}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_the_page_of_each_refusal(chromium: Browser, provider: Provider, look: dict[str, Any]) -> None:
    refusing = Refusing()
    with at_a_desk(chromium, provider.with_services(card_trust=refusing), **look) as desk:
        desk.rp, path = RelyingParty(desk.rp.provider, "ror"), ""
        for name, cause in REFUSED.items():
            provider.clock.advance(hours=1)
            path = desk.rp.open_login(**in_english(look))
            page = begin(desk.rp, path)
            refusing.cause = name if name not in ("token_missing", "challenge_expired") else "expired"
            form = asked(desk.rp, page) | {"token": "" if name == "token_missing" else "{}"}
            if name == "challenge_expired":
                form["nonce"] = "another"
            assert path_of(desk.rp.browser.post(page, data=form)) == page
            desk.page.goto(f"{ISSUER}{page}")
            expect(desk.page.locator("#card-code")).to_have_text(cause.code)
            if look is LOOKS["fr"]:
                expect(desk.page.locator("h1")).to_have_text(cause.title)
            judge(desk.page)
        desk.page.reload()
        expect(desk.page.locator("#card-code")).to_have_text(cause.code)
        desk.page.click("#method-email_otp")
        expect(desk.page.locator("#login-username")).to_be_visible()


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
@pytest.mark.parametrize("has_dialog", [True, False])
def test_each_state_at_the_reader(
    chromium: Browser, start: Callable[..., Provider], tmp_path: Path, look: dict[str, Any], has_dialog: bool
) -> None:
    maker = card_host.provider if has_dialog else card.provider
    made = maker(start, tmp_path, brand={"support_email": "support@region.example", "support_phone": "05 64 09 00 90"})
    with at_a_desk(chromium, made, **look) as desk:
        desk.path = desk.rp.open_login(**in_english(look))
        desk.opens()
        main = desk.page.locator("#cps-card .buttons .button:not(.second):visible")
        for state in (*AT_THE_READER, *OTHER_STATES):
            desk.page.evaluate(SHOW, {"state": state, "tries": "final" if state == "ready" else "", "error": ""})
            expect(desk.page.locator(f"#card-status [data-state~='{state}']").first).to_be_visible()
            assert main.count() <= 1, state
            if state in AT_THE_READER:
                expect(desk.page.locator("#card-status .ref code:visible")).to_have_text(AT_THE_READER[state].code)
            if state == "missing":
                desk.page.evaluate("for (const part of document.querySelectorAll('details')) part.open = false")
                expect(desk.page.locator("#cps-card .ref code:visible")).to_have_count(0 if has_dialog else 1)
                desk.page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
                expect(main).to_have_id("card-dialog" if has_dialog else "card-retry")
            is_whole = has_dialog and look is LOOKS["fr"]
            judge(desk.page) if is_whole or state == "missing" else fits(desk.page)
        for names, cause in AFTER_A_TRY.items():
            for error in names.split():
                desk.page.evaluate(SHOW, {"state": "ready", "tries": "low", "error": error})
                expect(desk.page.locator("#card-error .ref code:visible")).to_have_text(cause.code)
            fits(desk.page)
        judge(desk.page)


def test_where_one_must_wait_and_where_the_account_is_the_wrong_one(chromium: Browser, provider: Provider) -> None:
    """Answers of a POST: shown as they come."""
    provider.add_account("karim.benali")
    other = RelyingParty(provider, "rp")
    other.give_password(other.open_login(), "karim.benali")
    with at_a_desk(chromium, provider, locale="fr-FR") as desk:
        page = begin(desk.rp, desk.path)
        for _ in range(6):
            answer = desk.rp.browser.post(page, data={**asked(desk.rp, page), "token": "{}"})
        assert "Trop d&#39;essais" in answer.text
        desk.page.route("**/delayed", lambda route: route.fulfill(body=answer.data, content_type="text/html"))
        desk.page.goto(f"{ISSUER}/delayed")
        expect(desk.page.locator("#cps-card")).to_have_count(0)
        judge(desk.page)

        desk.rp = RelyingParty(provider, "ror", other.browser)
        desk.path = desk.rp.open_login()
        card.present(desk.rp, desk.path)
        desk.page.goto(f"{ISSUER}{desk.path}")
        expect(desk.page.locator(".ref code").first).to_have_text("CPS-62")
        judge(desk.page)


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_changing_cards_and_taking_the_card_out(chromium: Browser, provider: Provider, look: dict[str, Any]) -> None:
    with at_a_desk(chromium, provider, **look) as desk:
        rp, language = desk.rp, in_english(look)
        path = rp.open_login(**language)
        begin(rp, path)
        desk.page.route("**/aide/**", lambda route: route.fulfill(
            body=rp.browser.get(route.request.url.removeprefix(ISSUER)).data, content_type="text/html"
        ))  # fmt: skip
        desk.page.goto(f"{ISSUER}{path}/cps_card")
        desk.page.evaluate(SHOW, {"state": "insert", "tries": "", "error": ""})
        desk.page.get_by_role("link", name="Change card" if language else "Changer de carte").click()
        expect(desk.page.locator("#back-to-login")).to_be_visible()
        judge(desk.page)
        desk.page.click("#back-to-login")
        expect(desk.page.locator("#cps-card")).to_have_count(1)

        hint = rp.redeem(answer_of(card.present(rp, path))["code"])["id_token"]
        back = "https://rp.example/ror/"
        wanted = {"id_token_hint": hint, "post_logout_redirect_uri": back, **language}
        page = path_of(rp.browser.get("/logout", query_string=wanted))
        desk.page.goto(f"{ISSUER}{page}")
        judge(desk.page)
        desk.page.click("#logout-confirm")
        expect(desk.page.locator("#logged-out-service")).to_have_attribute("href", back)
        judge(desk.page)
