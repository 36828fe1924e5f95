"""How the pages of a QR code look, and what they say when something changes by itself."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.qr_people import APPROVE, ASKED, QR, Computer, Meet, Phone, two_devices
from tests.fakes.provider import Provider

NARROW = {"width": 320, "height": 640}  # CSS pixels
REM = 16


@pytest.fixture
def meet(start: Callable[..., Provider], chromium: Browser) -> Iterator[Meet]:
    with two_devices(start, chromium) as (_, made):
        yield made


def look(page: Page, selector: str) -> dict[str, Any]:
    """Its box in CSS pixels, its weight, and whether it is filled."""
    found: dict[str, Any] = page.locator(selector).evaluate("""(element) => {
      const { x, y, width, height } = element.getBoundingClientRect();
      const { fontWeight, backgroundColor } = getComputedStyle(element);
      const around = getComputedStyle(element.closest(".card")).backgroundColor;
      return { x, y, width, height, weight: fontWeight, isFilled: backgroundColor !== around };
    }""")
    return found


def assert_alike(page: Page, yes: str, no: str) -> None:
    """RFC 10027: it is as easy to refuse as to approve."""
    first, second = look(page, yes), look(page, no)
    gap = second["y"] - first["y"] - first["height"]
    assert 0 < gap <= REM
    for name in ("x", "width", "height", "weight", "isFilled"):
        assert first[name] == second[name], name
    assert second["isFilled"]


@pytest.mark.parametrize("locale", ["fr-FR", "en-GB"], ids=["french", "english"])
def test_to_refuse_is_as_easy_as_to_approve(meet: Meet, locale: str) -> None:
    computer, phone = meet(Computer, locale=locale), meet(Phone, locale=locale, viewport=NARROW)
    computer.shows_qr()
    phone.opens(computer.address)
    phone.sees(ASKED)
    assert_alike(phone.page, "#approve-scan", "#approve-no")
    phone.page.click("#approve-scan")
    phone.sees(APPROVE)
    assert_alike(phone.page, "#passkey-use", "#approve-no")


def test_the_first_page_refuses_and_the_computer_is_taken_to_why(meet: Meet) -> None:
    computer, phone = meet(Computer), meet(Phone)
    computer.shows_qr()
    phone.opens(computer.address)
    phone.page.click("#approve-no")
    phone.sees(("C'est refusé", "Refused"))
    expect(computer.page.locator("#qr-over")).to_be_focused()
    expect(computer.page).to_have_title("Refusée – QR code – Service portail")
    computer.sees(QR)


def test_what_was_wrong_before_is_gone_once_the_phone_has_scanned(meet: Meet) -> None:
    computer, phone = meet(Computer), meet(Phone)
    computer.shows_qr()
    expect(computer.page.locator("#qr-approved")).to_be_hidden()
    with computer.watch.expecting(400):
        computer.page.locator("#qr-watch").evaluate("(form) => form.submit()")  # pressed early
        expect(computer.page.locator("#error-summary")).to_be_focused()
    phone.scans(computer.address)
    computer.number()
    expect(computer.page.locator("#error-summary")).to_have_count(0)
    expect(computer.page.locator("#qr-said")).to_be_focused()
    expect(computer.page).to_have_title("QR code – Service portail")
    expect(computer.page.locator("#qr-approved")).to_be_visible()


def test_a_fields_card_has_one_gap_between_two_fields(meet: Meet) -> None:
    phone = meet(Phone)
    phone.opens("/qr")
    margins = phone.page.locator(".card.fields > *").evaluate_all(
        "(all) => all.map((e) => getComputedStyle(e).marginTop)"
    )
    assert set(margins) == {"0px"}


def test_who_is_on_a_phone_is_led_to_another_mode(meet: Meet) -> None:
    small, wide = meet(Computer, viewport=NARROW), meet(Computer)
    for screen in (small, wide):
        screen.shows_qr()
    expect(small.page.locator(".on-phone")).to_be_visible()
    expect(wide.page.locator(".on-phone")).to_be_hidden()
