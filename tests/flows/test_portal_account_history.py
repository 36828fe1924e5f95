"""The history of one's logins, and what to do about one that is not one's own."""

import re
from collections.abc import Callable
from uuid import uuid4

import pytest

from tests.fakes.holder import Holder
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, path_of

PAGE = "/compte/account/history"
ROW = re.compile(rf'href="{PAGE}/([0-9a-f-]{{36}})"')


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(brand={"support_email": "support@region.example"})
    made.add_client("rp", name="ROR")
    made.add_account("anne.pierre")
    made.add_account("karim.benali")
    return made


def rows(holder: Holder, page: str = PAGE) -> list[str]:
    """event_ids, as the page shows them."""
    return ROW.findall(holder.browser.get(page).text)


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}/018f0000-0000-7000-8000-000000000000"])
def test_who_is_not_signed_in_is_asked(provider: Provider, path: str) -> None:
    assert path_of(provider.browser().get(path)).startswith("/authorize?")


def test_the_login_of_another_account_does_not_exist(provider: Provider) -> None:
    karim, anne = Holder.signed_in(provider, "karim.benali"), Holder.signed_in(provider)
    (his,), (mine,) = rows(karim), rows(anne)
    assert his != mine
    for event_id in (his, str(uuid4()), "x", "%00", mine + "x"):
        assert anne.browser.get(f"{PAGE}/{event_id}").status_code == 404
        assert anne.browser.get(f"{PAGE}?after={event_id}").status_code == 404
    assert anne.browser.get(f"{PAGE}/{mine}").status_code == 200


def test_an_event_that_is_no_login_is_none(provider: Provider) -> None:
    anne = Holder.signed_in(provider)
    with provider.services.db.read() as tx:
        issued = tx.audit.latest(1, name="authorization.issued")[0]
    assert anne.browser.get(f"{PAGE}/{issued.event_id}").status_code == 404


def test_it_says_when_where_and_how_and_what_was_refused(provider: Provider) -> None:
    rp = RelyingParty(provider)
    rp.browser.environ_base |= {
        "HTTP_USER_AGENT": "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
    }
    rp.give_password(rp.open_login(), password="not the password")
    provider.clock.advance(hours=1)
    anne = Holder.signed_in(provider)
    html = anne.browser.get(PAGE).text
    succeeded, refused = html.index("Connexion réussie"), html.index("Essai refusé")
    assert succeeded < refused
    assert "2 novembre 2026 à 09:00 · ROR" in html[refused:]
    assert "Firefox sous Windows, 127.0.0.0/24" in html[refused:]
    assert "Identifiant - Mot de passe" in html[refused:]
    assert "Attempt refused" in anne.browser.get(f"{PAGE}?lang=en").text


def test_attempts_that_were_blocked_are_shown(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login()
    while not provider.events("login.throttled"):
        rp.give_password(path, password="not the password")
    provider.clock.advance(days=1)
    assert "Essai bloqué après trop d&#39;échecs" in Holder.signed_in(provider).browser.get(PAGE).text


def test_what_was_deleted_is_not_shown(provider: Provider) -> None:
    anne = Holder.signed_in(provider)
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        tx.audit.forget_personal_of(account.account_id)
    html = anne.browser.get(PAGE).text
    assert "127.0.0.0/24" not in html
    assert "Navigateur inconnu" not in html


def test_fifty_a_page_and_each_once(provider: Provider) -> None:
    rp = RelyingParty(provider)
    for _ in range(60):
        rp.login(prompt="login")
    anne = Holder.signed_in(provider)
    first = rows(anne)
    more = f"{PAGE}?after={first[-1]}"
    assert more in anne.browser.get(PAGE).text
    second = rows(anne, more)
    assert (len(first), len(second), len(set(first + second))) == (50, 11, 61)
    assert "history-more" not in anne.browser.get(more).text
    assert 'id="history-more"' not in anne.browser.get(f"{PAGE}?after={second[-1]}").text


def test_it_was_not_me(provider: Provider) -> None:
    thief = Holder.signed_in(provider)
    anne = Holder.signed_in(provider)
    page = f"{PAGE}/{rows(anne)[-1]}"
    html = anne.browser.get(page).text
    for shown in ("/compte/account/sessions/end-others", "/compte/password", "/compte/means", "support@region.example"):
        assert shown in html
    assert thief.browser.get("/compte").status_code == 200  # nothing was done yet
    anne.post("/compte/account/sessions/end-others", page=page)
    assert thief.browser.get("/compte").status_code == 303
    assert anne.browser.get("/compte").status_code == 200


def test_it_was_not_me_who_was_refused(provider: Provider) -> None:
    rp = RelyingParty(provider)
    rp.give_password(rp.open_login(), password="not the password")
    anne = Holder.signed_in(provider)
    html = anne.browser.get(f"{PAGE}/{rows(anne)[-1]}").text
    assert "Personne n'est entré" in html
    assert "end-others" not in html
