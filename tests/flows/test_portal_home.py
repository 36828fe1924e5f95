"""The first page of the portal: what may be opened, what may be asked for, and a region's own links."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from idp.flows.operators import accounts, clients
from tests.fakes.holder import Holder
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty

ASK = re.compile(r'<div class="tile ask">.*?<strong>([^<]+)</strong>', re.DOTALL)
LINKS = [{"label": "Actualités", "url": "https://region.example/news"}]
BARS = ("/compte/personal", "/compte/password", "/compte/means")


@pytest.fixture
def begin(start: Callable[..., Provider]) -> Callable[..., Provider]:
    def make(**brand: Any) -> Provider:
        made = start(brand=brand)
        for client_id, name, needed in (("ror", "ROR", True), ("elea", "ELEA", True), ("open", "Ouvert", False)):
            uri = f"https://rp.example/{client_id}/start"
            made.add_client(client_id, name=name, needs_entitlement=needed, initiate_login_uri=uri)
        made.add_client("hidden", name="Sans tuile", needs_entitlement=True)
        made.add_account("anne.pierre")
        return made

    return make


def entitle(provider: Provider, client_id: str, days: int | None = None) -> None:
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        until = None if days is None else provider.clock.now() + timedelta(days=days)
        accounts.entitle(provider.desk, tx, account, client_id, until)


def askable(holder: Holder) -> list[str]:
    return ASK.findall(holder.browser.get("/compte").text)


def test_what_one_has_not_may_be_asked_for(begin: Callable[..., Provider]) -> None:
    provider = begin(support_email="support@region.example")
    anne = Holder.signed_in(provider)
    assert askable(anne) == ["ELEA", "ROR"]
    entitle(provider, "ror")
    entitle(provider, "elea", days=0)
    assert askable(anne) == ["ELEA"]
    accounts.withdraw(provider.desk, "anne.pierre", "ror")
    assert askable(anne) == ["ELEA", "ROR"]
    clients.set_enabled(provider.desk, "elea", enabled=False)
    assert askable(anne) == ["ROR"]
    html = anne.browser.get("/compte").text
    assert '<a class="inline-link" href="/compte/access/ror">Demander votre accès' in html
    assert "https://rp.example/ror/start" not in html
    assert html.count('class="tile"') == 1


def test_without_an_address_of_support_there_is_no_dead_button(begin: Callable[..., Provider]) -> None:
    anne = Holder.signed_in(begin())
    assert askable(anne) == ["ELEA", "ROR"]
    assert "mailto:" not in anne.browser.get("/compte").text


def test_who_has_all_is_offered_nothing(begin: Callable[..., Provider]) -> None:
    provider = begin()
    entitle(provider, "ror")
    entitle(provider, "elea")
    html = Holder.signed_in(provider).browser.get("/compte").text
    assert "Services que vous pouvez demander" not in html
    assert html.count('class="tile"') == 3


def test_a_regions_links_are_shown_when_they_are_set(begin: Callable[..., Provider]) -> None:
    plain = begin()
    html = Holder.signed_in(plain).browser.get("/compte").text
    assert "Décisionnel" not in html
    assert 'class="region"' not in html
    dashboards = [{"label": "Accéder aux tableaux de bord", "url": "https://bi.region.example/a?b=1"}]
    provider = begin(header_links=LINKS, dashboards=dashboards)
    anne = Holder.signed_in(provider)
    html = anne.browser.get("/compte").text
    assert ">Décisionnel</h2>" in html
    assert 'href="https://bi.region.example/a?b=1">Accéder aux tableaux de bord</a>' in html
    assert 'href="https://region.example/news">Actualités</a>' in html
    assert "Actualités" in anne.browser.get("/compte/account").text
    assert "Actualités" not in provider.browser().get("/password/forgot").text


# -- « Accès refusé » --------------------------------------------------------------------


def test_who_is_refused_finds_the_account_and_the_way_back(begin: Callable[..., Provider]) -> None:
    provider = begin()
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    rp.give_password(path)
    denied = rp.browser.get(path)
    assert denied.status_code == 403
    bar = denied.text.partition('class="denied-bar"')[2].partition("</nav>")[0]
    assert all(f'href="{url}"' in bar for url in BARS)
    assert "Retour sur ROR" in bar
    assert f'action="{path}/cancel"' in bar
    answer = rp.post(f"{path}/cancel", page=path)
    assert "error=access_denied" in answer.headers["Location"]


def test_who_is_refused_the_portal_is_not_sent_there(begin: Callable[..., Provider]) -> None:
    provider = begin()
    clients.change(provider.desk, "portail", {"needs_entitlement": True})
    rp = RelyingParty(provider, "open")
    rp.login()
    login = rp.browser.get(rp.browser.get("/compte").headers["Location"])
    denied = rp.browser.get(login.headers["Location"])
    assert denied.status_code == 403
    assert "Accès refusé" in denied.text
    assert not any(f'href="{url}"' in denied.text for url in BARS)
