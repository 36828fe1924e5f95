"""The page of a card, and the settings that it needs."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from idp.app import build_services
from idp.methods.cps_card import CpsCard
from idp.methods.registry import Registry
from idp.settings import SettingsError
from tests.fakes import card
from tests.fakes.card import RPPS, asked, begin, present, said, send
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty

pytestmark = pytest.mark.embedded  # asks nothing of a store


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path) -> Provider:
    made = card.provider(start, tmp_path)
    made.add_account("anne.pierre", rpps=RPPS)
    return made


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider, "ror")


# -- the page -----------------------------------------------------------------------------------


def test_the_page_alone_may_reach_the_helper(provider: Provider, rp: RelyingParty) -> None:
    path = rp.open_login()
    page = begin(rp, path)
    shown_page = rp.browser.get(page)
    assert "connect-src http://127.0.0.1:*;" in shown_page.headers["Content-Security-Policy"]
    assert "'unsafe-inline'" not in shown_page.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]* src=)|\son\w+=|style=", shown_page.text)
    refused = send(rp, page, asked(rp, page))
    assert said("token_missing") in refused.text
    assert "connect-src" not in refused.headers["Content-Security-Policy"]
    for other in (path, f"{path}/email_otp", "/password/forgot"):
        assert "connect-src" not in rp.browser.get(other).headers.get("Content-Security-Policy", "")


def test_the_page_has_what_the_helper_needs(start: Callable[..., Provider], tmp_path: Path) -> None:
    help_url = "https://region.example/lecteur"
    made = card.provider(start, tmp_path, card={"reader_ports": (40000, 40003), "help_url": help_url})
    rp = RelyingParty(made, "card")
    page = rp.browser.get(begin(rp, rp.open_login())).text
    for part in ('data-first-port="40000"', 'data-last-port="40003"', 'data-left-s="300"', 'data-lang="fr"', help_url):
        assert part in page
    number = re.search(r'data-number="(\d\d)"', page)
    assert number
    assert f'<strong class="card-number">{number.group(1)}</strong>' in page
    assert 'role="status"' in page
    assert "<noscript>" in page


def test_a_page_that_was_not_begun_offers_to_begin(provider: Provider, rp: RelyingParty) -> None:
    path = rp.open_login()
    page = rp.browser.get(f"{path}/cps_card")
    assert "Commencer" in page.text
    assert "data-nonce" not in page.text


def test_the_page_speaks_english(provider: Provider, rp: RelyingParty) -> None:
    page = rp.browser.get(f"{begin(rp, rp.open_login(ui_locales='en'))}").text
    assert 'data-lang="en"' in page
    assert "Insert your CPS card into the reader" in page
    assert "Saisissez" not in page


# -- settings -----------------------------------------------------------------------------------


def test_the_start_needs_the_authorities_and_names_the_key(provider: Provider) -> None:
    chosen = provider.services.settings
    without = chosen.model_copy(update={"card": chosen.card.model_copy(update={"authorities": None})})
    with pytest.raises(SettingsError, match=r"^card\.authorities: "):
        build_services(without)


def test_where_it_is_not_enabled_no_card_is_believed(start: Callable[..., Provider]) -> None:
    made = start(methods=("email_otp", "password"))
    assert made.services.card_trust is None
    enabled = made.with_services(registry=Registry([*made.services.registry.values(), CpsCard()]))
    enabled.add_client("card", methods=("cps_card",))
    rp = RelyingParty(enabled, "card")
    assert said("unknown_authority") in present(rp, rp.open_login()).text


def test_the_origin_is_written_as_browsers_do(provider: Provider) -> None:
    for issuer, origin in (
        ("https://idp.example:443", "https://idp.example"),
        ("https://idp.example:8443", "https://idp.example:8443"),
        ("http://localhost:80", "http://localhost"),
    ):
        assert provider.services.settings.model_copy(update={"issuer": issuer}).origin == origin
