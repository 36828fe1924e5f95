"""A ticket behind the "#" of the card's page: it leaves the address at once, and is posted once."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect

from tests.browser.conftest import DEADLINE_MS
from tests.fakes import card, card_host
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty


class Desk:
    """A person's browser on the card's page of a provider in this process; no helper answers."""

    def __init__(self, page: Page, rp: RelyingParty) -> None:
        self.page, self.rp = page, rp
        self.path = card.begin(rp, rp.open_login())
        self.posted: list[dict[str, list[str]]] = []
        self.asked: list[str] = []
        self.hashes: list[str] = []
        page.route(f"{ISSUER}/**", self._serve)
        page.route(re.compile(r"^http://127\.0\.0\.1:"), self._knocked)

    def comes_back(self, fragment: str) -> None:
        self.page.goto(f"{ISSUER}{self.path}#{fragment}")

    def _serve(self, route: Route, request: Request) -> None:
        url = urlsplit(request.url)
        if request.method == "POST":
            self.posted.append(parse_qs(request.post_data or "", keep_blank_values=True))
            self.hashes.append(urlsplit(self.page.url).fragment)
            answer = self.rp.browser.post(
                url.path, data=request.post_data or "", content_type="application/x-www-form-urlencoded"
            )
        else:
            self.asked.append(request.url)
            answer = self.rp.browser.get(url.path)
        if answer.status_code == 303:  # a route cannot answer with a redirect that is routed again
            body = f'<meta http-equiv="refresh" content="0;url={answer.headers["Location"]}">'
            route.fulfill(status=200, content_type="text/html", body=body)
            return
        route.fulfill(status=answer.status_code, headers=dict(answer.headers), body=answer.data)

    def _knocked(self, route: Route) -> None:
        self.asked.append("the helper")
        route.abort()


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path) -> Provider:
    return card_host.provider(start, tmp_path, card={"reader_ports": (35810, 35811)})


@pytest.fixture
def desk(chromium: Browser, provider: Provider) -> Iterator[Desk]:
    page = chromium.new_page()
    page.set_default_timeout(DEADLINE_MS)
    yield Desk(page, RelyingParty(provider, "ror"))
    page.close()


def test_it_is_posted_once_and_stands_nowhere_any_more(desk: Desk) -> None:
    desk.comes_back("ticket=a-sealed_ticket")
    expect(desk.page.locator("body")).to_contain_text("CPS-36")  # it was not one of ours
    (form,) = desk.posted
    assert form["ticket"] == ["a-sealed_ticket"]
    assert form["token"] == [""]
    assert desk.hashes == [""], "the address was clean before anything was sent"
    assert "the helper" not in desk.asked
    assert "ticket" not in desk.page.url
    assert not any("a-sealed_ticket" in url for url in desk.asked)


@pytest.mark.parametrize("fragment", ["ticket=", "ticket=<b>", "ticket=a b", "x=ticket=a", "_"])
def test_what_is_no_ticket_is_dropped(desk: Desk, fragment: str) -> None:
    desk.comes_back(fragment)
    expect(desk.page.locator("#cps-card")).to_be_visible()
    assert desk.posted == []
    assert urlsplit(desk.page.url).fragment == ""


def test_it_stays_in_the_address_of_no_page(desk: Desk) -> None:
    """Whoever were talked into handing the address on would hand the card's login on."""
    for path in ("/login/of-another-browser/cps_card", "/password/forgot", desk.path.rpartition("/")[0]):
        desk.page.goto(f"{ISSUER}{path}#ticket=a-sealed_ticket")
        assert urlsplit(desk.page.url).fragment == "", path
    desk.page.route("**/card_reader.js*", lambda route: route.abort())
    desk.comes_back("ticket=a-sealed_ticket")
    assert urlsplit(desk.page.url).fragment == ""
    assert desk.posted == []
