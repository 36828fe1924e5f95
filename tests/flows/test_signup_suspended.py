"""Who registers by a method that is suspended: it is not offered, and what it read is only declared."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest

from idp.domain.authn import IdentityRef
from idp.flows.operators import registrations as desk_of
from tests.fakes import national_card
from tests.fakes.console import Console
from tests.fakes.portal import METHODS
from tests.fakes.provider import Provider
from tests.fakes.registering import PROVEN, WISHED, link_in, submit
from tests.fakes.relying_party import path_of
from tests.fakes.signup import ENTRY, PERSONAL, Wizard, started
from tests.fakes.suspending import HOUR, suspend

CARD = "national_card"


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    national_card.install(monkeypatch)
    return started(start, methods=METHODS)


def test_it_is_not_offered(provider: Provider) -> None:
    wizard = Wizard(provider)
    suspend(provider, CARD)
    text = unescape(wizard.get(ENTRY).text)
    assert f'value="{CARD}"' not in text
    assert "est suspendue jusqu'au" in text
    refused = wizard.post(ENTRY, choice=CARD)
    assert refused.status_code == 200
    assert wizard.maybe() is None, "nothing is begun by it"


def test_a_card_that_is_shown_after_it_began_is_not_read(provider: Provider) -> None:
    wizard = Wizard(provider)
    page = path_of(wizard.post(ENTRY, choice=CARD))
    sent = {"hidden": {"csrf": wizard.get(page).text.split('name="csrf" value="')[1].split('"')[0]}}
    suspend(provider, CARD)
    assert path_of(wizard.post(page, **sent, **national_card.ANNE)) == page.rpartition("/")[0]
    assert wizard.registration().proven is None


def test_what_was_read_before_is_typed_over(provider: Provider) -> None:
    wizard = Wizard(provider)
    page = path_of(wizard.post(ENTRY, choice=CARD))
    assert path_of(wizard.post(page, **{**national_card.ANNE, "rpps": "10100000016"})) == PERSONAL
    assert wizard.registration().locked
    suspend(provider, CARD)
    assert "Les champs « Vérifié »" not in unescape(wizard.get(PERSONAL).text)
    wizard.type(family_name="Autre")
    found = wizard.registration()
    assert (found.proven, found.form["family_name"]) == (None, "Autre")


@pytest.mark.parametrize("is_void", [True, False], ids=["void", "of afterwards"])
def test_what_was_read_before_makes_no_identity(provider: Provider, is_void: bool) -> None:
    at = provider.clock.now() + (timedelta(0) if is_void else HOUR)
    made = submit(provider, proven={**PROVEN, "method": CARD, "at": at.isoformat()})
    suspend(provider, CARD)
    provider.clock.advance(hours=1)
    desk = provider.desk
    desk_of.claim(desk, made.registration_id, made.version)
    desk_of.approve(provider.services, desk, made.registration_id, made.version + 1)
    assert Wizard(provider).post(link_in(provider)).status_code == 303
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(WISHED)
        assert account
        links, holder = tx.means.links(account.account_id), tx.accounts.find(IdentityRef("rpps", "10000000017"))
    assert (holder is None) is is_void
    assert (not links) is is_void


def test_the_desk_sees_it_as_declared(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> None:
    national_card.install(monkeypatch)
    console = Console.start(start, methods=METHODS, registration={"enabled": True})
    at = console.provider.clock.now().isoformat()
    made = submit(console.provider, proven={**PROVEN, "method": CARD, "at": at})
    page = f"/console/registrations/{made.registration_id}"
    before = unescape(console.support.browser.get(page).text)
    suspend(console.provider, CARD)
    after = unescape(console.support.browser.get(page).text)
    label = console.provider.services.registry[CARD].offer.label
    assert label in before
    assert label not in after


def test_nor_does_the_list_of_the_desk_say_that_it_is_proven(
    start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch
) -> None:
    national_card.install(monkeypatch)
    console = Console.start(start, methods=METHODS, registration={"enabled": True})
    at = console.provider.clock.now().isoformat()
    made = submit(console.provider, proven={**PROVEN, "method": CARD, "at": at})
    assert "Identité prouvée" in console.support.browser.get("/console/registrations").text
    suspend(console.provider, CARD)
    listed = console.support.browser.get("/console/registrations").text
    assert made.registration_id in listed
    assert "Identité prouvée" not in listed
