"""Every state of the card's page and of the desk, on four screens; the browser's permission; the Web eID extension."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from demo.cards import Drawer
from tests.browser.card_holder import WRONG, CardHolder, pretend
from tests.browser.conftest import ARGUMENTS, DEADLINE_MS, Visit
from tests.browser.demo_process import Demo
from tests.browser.visitor import Visitor, Watch
from tests.fakes import igc

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
UNUSUAL: dict[str, dict[str, Any]] = {
    "several_cards": {"card": "unreadable", "reason": "several_cards"},
    "no_certificate": {"card": "unreadable", "reason": "no_certificate"},
    "unreadable": {"card": "unreadable", "reason": "failed"},
    "no_module": {"card": "no_module", "reason": "no_module"},
    "locked": {"card": "locked"},
    "insert": {"card": "absent"},
    "no_reader": {"card": "absent", "reason": "no_reader"},
    "allow": {"allowed": False},
}
# Speaks to a page as web-eid-webextension does; `signInTest` is a card of the demo.
EXTENSION = """addEventListener("message", async ({ source, data }) => {
  if (source !== window || !["web-eid:status", "web-eid:authenticate"].includes(data.action)) return;
  const say = (suffix, more) => window.postMessage({ action: data.action + suffix, ...more }, window.location.origin);
  say("-ack");
  if (data.action === "web-eid:status") return say("-success", { library: "2.0.0", extension: "2.3.0" });
  const token = await window.signInTest(data.challengeNonce, window.location.origin);
  if (token) say("-success", JSON.parse(token)); else say("-failure", { error: { code: "ERR_WEBEID_USER_CANCELLED" } });
})"""


@pytest.mark.parametrize(
    ("look", "other_width_px"), [({}, 390), ({**PHONE, "locale": "en-GB"}, 1280)], ids=["fr", "en"]
)
def test_every_state_of_the_page_can_be_read(visit: Visit, look: dict[str, Any], other_width_px: int) -> None:
    holder = CardHolder(visit(**look), visit())
    visitor, page = holder.visitor, holder.page

    def is_readable() -> None:
        visitor.check()
        usual = page.viewport_size
        assert usual
        page.set_viewport_size({**usual, "width": other_width_px})
        visitor.fits()
        page.set_viewport_size(usual)

    visitor.opens("ror", "/login")
    name = "CPS card" if "locale" in look else "Carte CPS"
    expect(page.locator("#method-cps_card")).to_contain_text(name)
    is_readable()
    page.click("#method-cps_card")
    holder.is_shown("ask")
    is_readable()
    pretend(page, card="present")
    holder.goes_on()
    holder.is_shown("ready")
    for state, status in UNUSUAL.items():
        pretend(page, **status)
        holder.is_shown(state)
        is_readable()
    pretend(page, card="present", tries="final")
    expect(page.locator("[data-tries='final']")).to_be_visible()
    is_readable()
    page.route("**/v1/authenticate", lambda route: route.fulfill(
        status=409, json={"error": "busy", "tries": "final"}, headers={"Access-Control-Allow-Origin": "*"}
    ) if route.request.method == "POST" else route.continue_())  # fmt: skip
    with visitor.watch.expecting(409):
        page.click("#card-sign")
        holder.is_told("busy")
        is_readable()


def test_the_desk_can_be_read(visit: Visit) -> None:
    for look in ({}, PHONE):
        holder = CardHolder(visit(), visit(**look))
        holder.at_desk.check()
        holder.chooses_the_card()
        holder.workstation.insert("anne")
        with holder.visitor.watch.expecting(409):
            for _ in range(2):
                holder.presses()
                holder.types(WRONG)
            holder.presses()
            expect(holder.desk.locator("#pad-warning")).to_be_visible()
            holder.at_desk.check()
            holder.types(WRONG)
            holder.is_told("pin_locked")
        expect(holder.desk.get_by_text("Bloquée")).to_be_visible()
        holder.workstation.press("remove")
        holder.workstation.stop()
        with holder.visitor.watch.expecting_no_answer(holder.workstation.helper):
            expect(holder.desk.get_by_role("button", name="Le démarrer")).to_be_visible()
            holder.at_desk.check()
            holder.page.goto("about:blank")


def test_without_scripts_the_page_says_so_and_the_other_methods_work(visit: Visit) -> None:
    visitor = visit(java_script_enabled=False)
    visitor.opens("ror", "/login")
    visitor.page.click("#method-cps_card")

    # Chromium draws no <noscript> where its debugger alone switched scripts off, as here, and Playwright reads none.
    assert "cette page a besoin de JavaScript" in visitor.page.content()
    expect(visitor.page.locator("#cps-card")).to_be_hidden()

    visitor.page.locator(".ways a").click()
    visitor.page.click("#method-email_otp")
    expect(visitor.page.locator("#login-username")).to_be_visible()


# --- the browser's permission ---


@pytest.fixture
def outsider(chromium: Browser, demo: Demo, visit: Visit) -> Iterator[CardHolder]:
    """In a Chromium for which the provider is on the Internet: it asks before a page may reach this device."""
    web_sites = ("DEMO_PORT", "DEMO_ROR_PORT", "DEMO_CARD_PORT")  # the login page shows the logo of the service
    public = ",".join(f"127.0.0.1:{demo.ports[name]}=public" for name in web_sites)
    override = f"--ip-address-space-overrides={public}"
    path = shutil.which("chromium")
    browser = chromium.browser_type.launch(executable_path=path, args=(*ARGUMENTS, override))
    context = browser.new_context(locale="fr-FR")
    context.set_default_timeout(DEADLINE_MS)
    watch = Watch(context)
    holder = CardHolder(Visitor(context.new_page(), demo, watch, has_scripts=True), visit())
    holder.workstation.insert("anne")
    holder.visitor.opens("ror", "/login")
    yield holder
    browser.close()
    assert watch.problems == []


def decide(holder: CardHolder, setting: str) -> None:
    """As the person does behind the icon at the left of the address."""
    session = holder.page.context.new_cdp_session(holder.page)
    of = {"browserContextId": session.send("Target.getTargetInfo")["targetInfo"]["browserContextId"]}
    for name in ("loopback-network", "local-network-access"):
        asked = {"permission": {"name": name}, "setting": setting, "origin": holder.visitor.demo.description["issuer"]}
        session.send("Browser.setPermission", {**asked, **of})


def test_a_question_of_the_browser_is_explained_before_and_a_refusal_can_be_undone(outsider: CardHolder) -> None:
    """Without a window, Chromium asks nobody and refuses."""
    with outsider.visitor.watch.expecting_no_answer(outsider.workstation.helper):
        outsider.page.click("#method-cps_card")
        outsider.goes_on()
        outsider.is_shown("denied")
        outsider.visitor.check()

    decide(outsider, "granted")
    outsider.page.click("#card-retry")

    outsider.presses()
    outsider.types()
    outsider.arrives()


def test_a_permission_that_was_given_is_not_spoken_of(outsider: CardHolder) -> None:
    decide(outsider, "granted")
    outsider.page.click("#method-cps_card")

    outsider.is_shown("ready")


def test_a_permission_that_was_refused_costs_no_request_and_the_other_methods_work(outsider: CardHolder) -> None:
    asked: list[str] = []
    outsider.page.on("request", lambda request: asked.append(request.url))
    decide(outsider, "denied")
    outsider.page.click("#method-cps_card")

    outsider.is_shown("denied")
    outsider.goes_back_to_other_methods()
    assert not [url for url in asked if url.startswith(outsider.workstation.helper)]


# --- the extension of Web eID ---


@pytest.fixture
def with_extension(visit: Visit) -> CardHolder:
    """No helper runs, and the extension has Anne's card."""
    holder = CardHolder(visit(), visit())
    card = Drawer(holder.visitor.demo.folder / "cards").cards()["anne"]
    answers = iter([False, True])

    def sign(nonce: str, origin: str) -> str:
        return igc.token(card, nonce=nonce, origin=origin) if next(answers) else ""

    holder.page.context.expose_function("signInTest", sign)
    holder.page.add_init_script(EXTENSION)
    return holder


def test_the_web_eid_application_signs_in_where_there_is_no_helper(with_extension: CardHolder) -> None:
    holder, button = with_extension, with_extension.page.locator("#card-web-eid")
    holder.workstation.insert("anne")
    holder.chooses_the_card()
    holder.is_shown("ready")
    expect(button).to_be_hidden()
    holder.workstation.stop()
    with holder.visitor.watch.expecting_no_answer(holder.workstation.helper):
        holder.is_shown("missing")
        holder.visitor.check()
        button.click()
        holder.is_told("web_eid")
        holder.is_shown("missing")
        holder.visitor.check()

        button.click()

        holder.arrives()
    assert holder.visitor.claim("preferred_username") == "anne.pierre"
