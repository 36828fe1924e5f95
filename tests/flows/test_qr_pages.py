"""What the pages of a QR code say, and what they keep of what was typed."""

import re
from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from tests.fakes.phone import given_phone
from tests.fakes.provider import Provider
from tests.fakes.qr_login import Computer, Handset, with_phones


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_phones(start)


def kept_number(shown: TestResponse) -> str:
    found = re.search(r'id="approve-number"[^>]* value="([^"]*)"', shown.text)
    assert found, shown.text
    return found[1]


def test_a_wrong_pin_keeps_the_right_number(provider: Provider) -> None:
    computer, phone = Computer(provider).open(), Handset(provider, own=given_phone(provider))
    refused = phone.approve(phone.scanned(computer), computer.number(), pin="000001")
    assert (refused.status_code, kept_number(refused)) == (400, computer.number())


def test_a_wrong_number_is_not_kept(provider: Provider) -> None:
    computer, phone = Computer(provider).open(), Handset(provider, own=given_phone(provider))
    wrong = "11" if phone.scanned(computer) and computer.number() != "11" else "12"
    refused = phone.approve(phone.scanned(computer), wrong)
    assert (refused.status_code, kept_number(refused)) == (400, "")


@pytest.mark.parametrize(("end", "title"), [("refused", "Refusée – QR code"), ("expired", "Expirée – QR code")])
def test_an_end_is_said_on_the_computer(provider: Provider, end: str, title: str) -> None:
    """Its title and its first focus, for who does not see the page change."""
    computer, phone = Computer(provider).open(), Handset(provider)
    if end == "refused":
        phone.refuse(phone.scanned(computer))
    else:
        provider.clock.advance(seconds=121)
    shown = computer.shown().text
    assert f"<title>{title}" in shown
    assert re.search(r'id="qr-over" tabindex="-1" autofocus', shown)


def test_a_press_after_the_end_says_it_once(provider: Provider) -> None:
    computer, phone = Computer(provider).open(), Handset(provider)
    phone.refuse(phone.scanned(computer))
    shown = computer.press().text
    assert shown.count("a été refusée sur le téléphone") == shown.count(" autofocus") == 1


def test_the_button_of_who_approved_is_there_once_a_phone_has_scanned(provider: Provider) -> None:
    """Before, it is only where there are no scripts."""
    computer, phone = Computer(provider).open(), Handset(provider)
    assert 'data-qr="scanned" hidden><button class="button second" id="qr-approved"' in computer.shown().text
    phone.scanned(computer)
    assert 'data-qr="scanned"><button class="button second" id="qr-approved"' in computer.shown().text


def test_who_is_on_a_phone_already_is_led_to_another_mode(provider: Provider) -> None:
    computer = Computer(provider).open()
    shown = computer.shown().text
    assert re.search(rf'class="on-phone">[^<]*<a class="inline-link" href="{re.escape(computer.path)}"', shown)
