"""The card's page before helpers, permissions and extensions of every kind: it never loops, and always has a way on."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.browser.card_holder import STATUS as SEEN
from tests.browser.conftest import DEADLINE_MS
from tests.fakes import card
from tests.fakes.provider import ISSUER
from tests.fakes.relying_party import RelyingParty

PORTS = (35810, 35812)
LOOK = 3  # requests of one look at all ports
NOT_ALLOWED = {"product": "sesame-reader", "version": "0.1.0", "allowed": False}
UNUSUAL: dict[str, dict[str, Any]] = {
    "insert": {"card": "absent"},
    "no_reader": {"card": "absent", "reason": "no_reader"},
    "unreadable": {"card": "unreadable"},
    "no_certificate": {"card": "unreadable", "reason": "no_certificate"},
    "no_module": {"card": "no_module"},
    "allow": {"allowed": False},
}
CORS = {"Access-Control-Allow-Origin": "*"}
PERMISSION = """navigator.permissions.query = async () => {
  if (window.permission === "unknown") throw new TypeError("unknown");
  return { state: window.permission };
}"""
# Its headers come, and its body never does.
STALLED = """const ask = window.fetch;
window.fetch = (url, { signal }) => String(url).includes(":%d/")
  ? Promise.resolve(new Response(new ReadableStream({ start(body) {
      signal.addEventListener("abort", () => body.error(signal.reason));
    } })))
  : ask(url, { signal })"""
EXTENSION = """addEventListener("message", ({ data }) => {
  const say = (suffix) => window.postMessage({ action: data.action + suffix }, window.location.origin);
  if (data.action === "web-eid:status") ["-ack", "-success"].forEach(say);
})"""


class Desk:
    """A person on the card's page of a provider in this process; helpers answer as told, `None` is a closed port."""

    def __init__(self, page: Page, rp: RelyingParty) -> None:
        self.page, self.rp, self.path = page, rp, rp.open_login()
        self.helpers: dict[int, Any] = {}
        self.asked: list[str] = []
        self.posts = 0
        self.may("granted")
        page.add_init_script(PERMISSION)
        page.clock.install(time=0)
        page.clock.pause_at(1)
        page.route(f"{ISSUER}/**", self._serve)
        page.route(re.compile(r"^http://127\.0\.0\.1:"), self._answer)

    def opens(self) -> None:
        card.begin(self.rp, self.path)
        self.page.goto(f"{ISSUER}{self.path}/cps_card")

    def may(self, permission: str) -> None:
        """What the Permissions API says; of the page that is open, too."""
        self.page.add_init_script(f"window.permission = '{permission}'")
        self.page.evaluate(f"window.permission = '{permission}'")

    def waits(self, seconds: int) -> None:
        """The page's own clock, which stands still otherwise, jumps forward: what is due happens once."""
        self.page.clock.fast_forward(seconds * 1000)

    def presses(self, button: str) -> None:
        self.page.click(f"#card-{button}")

    def is_shown(self, state: str) -> None:
        expect(self.page.locator(f"#card-status > [data-state~='{state}']").first).to_be_visible()

    def has_only(self, button: str) -> None:
        expect(self.page.locator("#cps-card .buttons button:visible")).to_have_id(f"card-{button}")

    def looks_in_vain(self, seconds: int) -> None:
        """After that time it looks again, and finds every port closed."""
        closed: list[Request] = []

        def is_last(request: Request) -> bool:
            closed.append(request)
            return len(closed) == LOOK

        with self.page.expect_event("requestfailed", is_last):
            self.waits(seconds)

    def _serve(self, route: Route) -> None:
        request, browser = route.request, self.rp.browser
        path, kind = urlsplit(request.url).path, request.headers.get("content-type")
        self.posts += request.method == "POST"
        answer = browser.open(path, method=request.method, data=request.post_data_buffer, content_type=kind)
        if answer.status_code == 303:
            answer = browser.get(answer.headers["Location"])
        headers = {name: value for name, value in answer.headers if name not in ("Set-Cookie", "Content-Length")}
        route.fulfill(status=answer.status_code, headers=headers, body=answer.data)

    def _answer(self, route: Route) -> None:
        parts = urlsplit(route.request.url)
        name, helper = parts.path.removeprefix("/v1/"), self.helpers.get(parts.port or 0)
        self.asked.append(f"{parts.port} {name}")
        if helper is None:
            route.abort("connectionrefused")
        else:
            route.fulfill(json=helper(name) if callable(helper) else helper, headers=CORS)


@pytest.fixture
def desk(chromium: Browser, start: Callable[..., Any], tmp_path: Path) -> Iterator[Desk]:
    provider = card.provider(start, tmp_path, card={"reader_ports": PORTS})
    context = chromium.new_context(locale="fr-FR")
    context.set_default_timeout(DEADLINE_MS)
    errors: list[str] = []
    context.on("weberror", lambda event: errors.append(str(event.error)))
    yield Desk(context.new_page(), RelyingParty(provider, "ror"))
    context.close()
    assert errors == []


def test_a_refusal_in_the_helper_can_be_undone_at_a_press_and_is_forgotten_with_the_helper(desk: Desk) -> None:
    def helper(name: str) -> dict[str, Any]:
        return {"allowed": False} if name == "allow" else NOT_ALLOWED

    desk.helpers = {35810: helper}
    desk.opens()
    desk.presses("allow")
    desk.is_shown("refused")
    desk.has_only("retry")
    desk.presses("retry")
    desk.is_shown("allow")
    desk.presses("allow")
    desk.is_shown("refused")

    desk.helpers = {}
    desk.waits(1)
    desk.is_shown("searching")
    desk.waits(2)
    desk.is_shown("missing")
    desk.helpers = {35810: helper}
    desk.waits(4)
    desk.is_shown("allow")
    desk.has_only("allow")


def test_where_requests_get_through_unasked_the_page_goes_on_and_explains_it_once(desk: Desk) -> None:
    desk.helpers = {35810: SEEN}
    desk.may("prompt")
    desk.opens()
    desk.is_shown("ask")
    assert desk.asked == []

    desk.presses("continue")
    desk.is_shown("ready")

    desk.page.reload()
    desk.is_shown("ready")


def test_a_question_of_the_browser_that_was_closed_is_not_asked_again_by_itself(desk: Desk) -> None:
    desk.may("prompt")
    desk.opens()
    desk.presses("continue")
    desk.is_shown("unanswered")
    expect(desk.page.locator("[data-if='unsure']")).to_be_visible()
    desk.has_only("retry")
    assert desk.asked == ["35810 status"]

    desk.waits(60)
    assert desk.asked == ["35810 status"]
    desk.presses("retry")
    desk.is_shown("ask")


@pytest.mark.parametrize(("permission", "is_said"), [("granted", False), ("unknown", True)])
def test_a_browser_that_may_block_the_helper_is_spoken_of_where_that_is_not_known(
    desk: Desk, permission: str, is_said: bool
) -> None:
    desk.may(permission)
    desk.opens()

    desk.is_shown("missing")
    expect(desk.page.locator("[data-if='unsure']")).to_be_visible(visible=is_said)


def test_two_helpers_that_allow_the_site_are_told_and_neither_is_asked(desk: Desk) -> None:
    desk.helpers = {35810: SEEN, 35812: SEEN}
    desk.opens()
    desk.is_shown("several_helpers")
    desk.has_only("retry")
    expect(desk.page.locator(".ways a")).to_be_visible()
    assert len(desk.asked) == LOOK

    desk.helpers = {35812: SEEN}
    desk.waits(60)
    desk.is_shown("several_helpers")
    desk.presses("retry")
    desk.is_shown("ready")


def test_of_several_helpers_the_one_that_allows_the_site_is_taken(desk: Desk) -> None:
    desk.helpers = {35810: NOT_ALLOWED, 35811: SEEN, 35812: NOT_ALLOWED}
    desk.opens()

    desk.is_shown("ready")
    desk.presses("sign")
    expect(desk.page.locator("[data-error~='failed']")).to_be_visible()
    assert [each for each in desk.asked if each.endswith("authenticate")] == ["35811 authenticate"]


def test_an_answer_that_never_ends_keeps_nobody_waiting(desk: Desk) -> None:
    desk.page.add_init_script(STALLED % 35810)
    desk.opens()
    desk.is_shown("searching")
    desk.waits(5)
    desk.is_shown("missing")


def test_a_helper_that_stays_away_is_looked_for_less_and_less_and_then_no_more(desk: Desk) -> None:
    desk.opens()
    desk.is_shown("missing")
    for number, pause in enumerate((2, 4, 8, 16, 20, 20), start=1):
        desk.waits(pause - 1)
        assert len(desk.asked) == LOOK * number
        desk.looks_in_vain(1)

    desk.waits(180)
    desk.is_shown("stale")
    desk.has_only("retry")
    desk.waits(120)
    assert len(desk.asked) == LOOK * 7


def test_a_request_that_ran_out_is_renewed_at_a_press_only_and_what_was_said_stays(desk: Desk) -> None:
    desk.helpers = {35810: SEEN}
    desk.opens()
    desk.presses("sign")
    expect(desk.page.locator("[data-error~='failed']")).to_be_visible()
    desk.is_shown("ready")
    nonce = desk.page.locator("#cps-card").get_attribute("data-nonce")

    desk.waits(181)
    desk.is_shown("stale")
    desk.has_only("retry")
    expect(desk.page.locator("[data-error~='failed']")).to_be_visible()
    assert desk.posts == 0
    desk.presses("retry")

    desk.is_shown("ready")
    assert desk.posts == 1
    assert desk.page.locator("#cps-card").get_attribute("data-nonce") != nonce


def test_after_too_many_tries_no_pin_is_asked_in_vain(desk: Desk) -> None:
    desk.helpers = {35810: lambda name: {"token": {}} if name == "authenticate" else SEEN}
    page = card.begin(desk.rp, desk.path)
    for _ in range(5):
        desk.rp.browser.post(page, data={**card.asked(desk.rp, page), "token": "{}"})
    desk.opens()
    desk.presses("sign")

    expect(desk.page.locator("#error-summary")).to_contain_text("Trop d'essais")
    expect(desk.page.locator("#cps-card")).to_have_count(0)
    expect(desk.page.locator(".ways a")).to_be_visible()

    desk.page.get_by_role("button", name="Réessayer").click()
    desk.is_shown("ready")


def test_the_web_eid_application_is_offered_wherever_the_person_waits(desk: Desk) -> None:
    desk.page.add_init_script(EXTENSION)
    desk.may("denied")
    desk.opens()
    button = desk.page.locator("#card-web-eid")

    def is_offered(state: str) -> None:
        desk.is_shown(state)
        expect(button).to_be_visible()

    is_offered("denied")
    for permission, state in (("prompt", "ask"), ("granted", "missing")):
        desk.may(permission)
        desk.page.reload()
        is_offered(state)
    for state, seen in UNUSUAL.items():
        desk.helpers = {35810: SEEN | seen}
        desk.waits(10)
        is_offered(state)
    desk.presses("allow")
    is_offered("refused")
    desk.helpers = {35810: SEEN}
    desk.waits(10)
    desk.is_shown("ready")
    expect(button).to_be_hidden()
