"""« Carte CPS » by the browser's own dialog, before the demo's listener; the files of the demo stand for a card."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.card_holder import CardHolder
from tests.browser.conftest import Visit
from tests.browser.demo_process import Demo
from tests.browser.visitor import ROR_LOGIN


def with_certificate(demo: Demo, name: str) -> dict[str, Any]:
    """Options of a browser in which this file was imported, and the demo's server accepted."""
    card = demo.description["card"]
    chosen = {"origin": card["dialog"], "pfxPath": f"{card['certificates']}/{name}.p12", "passphrase": card["pin"]}
    return {"client_certificates": [chosen], "ignore_https_errors": True}


@pytest.fixture
def person_with(visit: Visit, demo: Demo) -> Callable[[str], CardHolder]:
    """Make a person whose browser has this certificate, at a computer without a reader."""

    def make(name: str) -> CardHolder:
        holder = CardHolder(visit(**with_certificate(demo, name)), visit())
        holder.workstation.stop()
        return holder

    return make


def chooses_the_certificate(holder: CardHolder) -> None:
    """The dialog is what the page offers first where no helper answers."""
    with holder.visitor.watch.expecting_no_answer(holder.workstation.helper):
        holder.chooses_the_card()
        expect(holder.page.locator("#card-dialog")).to_be_visible()
        holder.visitor.check()
        holder.page.click("#card-dialog")


def test_anne_reaches_the_ror_with_the_certificate_that_her_browser_shows(
    person_with: Callable[[str], CardHolder],
) -> None:
    holder = person_with("anne")
    holder.at_desk.sees("Carte CPS de démonstration")
    asked: list[str] = []
    holder.page.on("request", lambda request: asked.append(request.url))

    chooses_the_certificate(holder)

    holder.arrives()
    assert holder.visitor.claim("rpps") == holder.visitor.demo.account("anne.pierre")["rpps"]
    assert set(holder.visitor.claim("amr").split()) == {"sc", "pin", "mfa", "hwk"}
    (visa,) = (url.rpartition("/")[2] for url in asked if "/carte/" in url)
    log = (holder.visitor.demo.folder / "provider.log").read_text(encoding="utf-8")
    assert "/carte/<visa>" in log
    assert visa not in log


def test_a_revoked_card_is_told_why_and_the_other_methods_work(person_with: Callable[[str], CardHolder]) -> None:
    holder = person_with("revoked")

    chooses_the_certificate(holder)

    expect(holder.page.locator("h1")).to_contain_text("Cette carte a été révoquée")
    expect(holder.page.locator("#card-code")).to_have_text("CPS-42")
    holder.visitor.check()
    holder.page.click("#method-email_otp")
    expect(holder.page.locator("#login-username")).to_be_visible()
    holder.visitor.opens("ror", "/login")
    holder.visitor.sees(ROR_LOGIN)
