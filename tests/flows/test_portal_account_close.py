"""A request to close one's account: asked once, decided by support, taken back."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from idp.domain.alert import CLOSE_REQUESTED, NOT_ME
from idp.flows.operators import alerts
from idp.store.conformance import RACERS, race
from tests.fakes.holder import Holder
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import path_of

ACCOUNT, CLOSE = "/compte/account", "/compte/account/close"
WITHDRAW = f"{CLOSE}/withdraw"
SUPPORT = "support@region.example"
COOKIES = ("__Host-sesame-browser", "__Host-sesame-session")


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(brand={"support_email": SUPPORT})
    made.add_account("anne.pierre")
    made.add_account("karim.benali")
    return made


@pytest.fixture
def anne(provider: Provider) -> Holder:
    return Holder.proven(provider, CLOSE)


def requests(provider: Provider, *, closed: bool = False) -> list[Any]:
    with provider.services.db.read() as tx:
        return [alert for alert in tx.alerts.latest(10, closed=closed) if alert.kind == CLOSE_REQUESTED]


# -- refusals ----------------------------------------------------------------------------


def test_it_wants_a_fresh_proof(provider: Provider, anne: Holder) -> None:
    fresh = Holder.signed_in(provider)
    assert path_of(fresh.browser.get(CLOSE)).startswith("/login/")
    assert path_of(fresh.post(CLOSE, page=ACCOUNT)).startswith("/login/")
    token = anne.csrf()
    provider.clock.advance(minutes=6)
    assert path_of(anne.browser.post(CLOSE, data={"csrf": token})).startswith("/login/")
    assert requests(provider) == []


@pytest.mark.parametrize("path", [CLOSE, WITHDRAW])
def test_a_form_of_another_is_refused(provider: Provider, anne: Holder, path: str) -> None:
    anne.post(CLOSE)
    before = requests(provider)
    assert anne.browser.post(path, data={"csrf": Holder.signed_in(provider).csrf()}).status_code == 403
    assert requests(provider) == before


def test_looking_asks_for_nothing(provider: Provider, anne: Holder) -> None:
    assert anne.browser.get(CLOSE).status_code == 200
    assert anne.browser.get(WITHDRAW).status_code == 405
    assert requests(provider) == []


def test_a_reason_that_is_too_long_is_refused_and_kept(provider: Provider, anne: Holder) -> None:
    html = anne.post(CLOSE, reason="é" * 501).text
    assert "500 caractères" in html
    assert 'aria-invalid="true"' in html
    assert "é" * 501 in html
    assert requests(provider) == []
    assert anne.post(CLOSE, reason="é" * 500).status_code == 303


def test_asking_again_and_again_is_no_flood(provider: Provider, anne: Holder) -> None:
    """Each request is a letter to the holder and one to support."""
    sent, token = len(provider.mails()), anne.csrf()
    for number in range(3):
        assert path_of(anne.browser.post(CLOSE, data={"csrf": token, "reason": f"x{number}"})) == ACCOUNT
        assert path_of(anne.browser.post(WITHDRAW, data={"csrf": token})) == ACCOUNT
    response = anne.browser.post(CLOSE, data={"csrf": token, "reason": "encore"})
    assert "plusieurs fois" in response.text
    assert "dans 24 h" in response.text
    assert "encore" in response.text
    assert requests(provider) == []
    assert len(provider.events("account.close_requested")) == 3
    assert len(provider.mails()) == sent + 6
    karim = Holder.proven(provider, CLOSE, "karim.benali")
    assert path_of(karim.post(CLOSE)) == ACCOUNT
    provider.clock.advance(hours=24)
    assert path_of(Holder.proven(provider, CLOSE).post(CLOSE)) == ACCOUNT


# -- the request -------------------------------------------------------------------------


def test_support_is_alerted_and_the_holder_told(provider: Provider, anne: Holder) -> None:
    sent = len(provider.mails())
    assert path_of(anne.post(CLOSE, reason="Retraite\r\n\x00\u202efin")) == ACCOUNT
    told, alert = sorted(provider.mails()[sent:], key=lambda mail: mail.to == SUPPORT)
    assert told.to == "anne.pierre@chu.example"
    assert "fermeture" in told.subject
    assert "La fermeture de votre compte a été demandée." in told.text
    assert "retirer la demande" in told.text
    assert (alert.to, "Retraite\nfin" in alert.text, "anne.pierre" in alert.text) == (SUPPORT, True, True)
    (found,) = requests(provider)
    (event,) = provider.events("account.close_requested")
    assert (event.actor, event.subject, dict(event.detail)) == (found.account_id, found.account_id, {})
    html = anne.browser.get(ACCOUNT).text
    assert "transmise à l&#39;assistance" in html
    assert "Vous avez demandé la fermeture de votre compte le 2 novembre 2026 à 09:00" in html
    assert 'id="close-link"' not in html
    assert path_of(anne.browser.get(CLOSE)) == f"{ACCOUNT}#close"


def test_the_account_goes_on_meanwhile(provider: Provider, anne: Holder) -> None:
    anne.post(CLOSE)
    assert Holder.signed_in(provider).browser.get("/compte").status_code == 200


@pytest.mark.parametrize("minutes", [0, 61])
def test_two_tabs_ask_once(provider: Provider, anne: Holder, minutes: int) -> None:
    token = anne.csrf()
    for _ in range(2):
        assert path_of(anne.browser.post(CLOSE, data={"csrf": token})) == ACCOUNT
        if minutes:
            provider.clock.advance(minutes=minutes)
            anne = Holder.proven(provider, ACCOUNT + "/export")
            token = anne.csrf()
    assert len(requests(provider)) == 1
    assert len(provider.events("account.close_requested")) == 1


def test_of_several_at_once_one_counts(provider: Provider, anne: Holder) -> None:
    token, cookies = anne.csrf(), {c: anne.browser.get_cookie(c) for c in COOKIES}
    browsers = []
    for _ in range(RACERS):
        tab = provider.browser()
        for name, cookie in cookies.items():
            assert cookie
            tab.set_cookie(name, cookie.value, secure=True)
        browsers.append(tab)
    sent = len(provider.mails())
    answers = race(lambda number: browsers[number].post(CLOSE, data={"csrf": token}).status_code)
    assert set(answers) == {303}
    assert len(requests(provider)) == 1
    assert len(provider.events("account.close_requested")) == 1
    assert len(provider.mails()) == sent + 2


def test_the_link_in_the_letter_ends_what_asked(provider: Provider, anne: Holder) -> None:
    anne.post(CLOSE)
    told = next(mail for mail in reversed(provider.mails()) if "fermeture" in mail.subject)
    found = re.search(rf"{ISSUER}(/not-me/[\w-]+)", told.text)
    assert found
    assert "La fermeture de votre compte a été demandée." in provider.browser().get(found.group(1)).text
    provider.browser().post(found.group(1))
    assert anne.browser.get("/compte").status_code == 303
    with provider.services.db.read() as tx:
        assert {alert.kind for alert in tx.alerts.latest(10)} == {CLOSE_REQUESTED, NOT_ME}


# -- and back ----------------------------------------------------------------------------


def test_it_is_taken_back_and_may_be_asked_again(provider: Provider, anne: Holder) -> None:
    anne.post(CLOSE)
    assert path_of(anne.post(WITHDRAW, page=ACCOUNT)) == ACCOUNT
    html = anne.browser.get(ACCOUNT).text
    assert "est retirée" in html
    assert 'id="close-link"' in html
    assert requests(provider) == []
    (alert,) = requests(provider, closed=True)
    assert alert.closed_by == alert.account_id
    (event,) = provider.events("account.close_withdrawn")
    assert event.detail == {"alert": alert.alert_id}
    anne.post(CLOSE)
    assert len(requests(provider)) == 1


def test_what_is_not_there_is_not_taken_back(provider: Provider, anne: Holder) -> None:
    karim = Holder.proven(provider, CLOSE, "karim.benali")
    karim.post(CLOSE)
    assert path_of(anne.post(WITHDRAW, page=ACCOUNT)) == ACCOUNT
    assert len(requests(provider)) == 1
    assert not provider.events("account.close_withdrawn")


def test_support_closes_it(provider: Provider, anne: Holder) -> None:
    anne.post(CLOSE)
    (alert,) = requests(provider)
    alerts.close(provider.desk, alert.alert_id, "answered")
    assert 'id="close-link"' in anne.browser.get(ACCOUNT).text
