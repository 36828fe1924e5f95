"""A proof that is refused where it was to count leaves nothing behind: what comes next in this login finds none."""

from collections.abc import Callable
from typing import Any

import flask
import pytest

from demo.look_alike import ANNE as RPPS
from demo.pro_sante_connect import wallet
from idp.flows import counting
from idp.flows.alerts import raise_alert
from idp.methods.registry import Registry
from tests.fakes.completing import ADDRESS, SUPPORT, arrived, complete, give, give_password, links_it, proven
from tests.fakes.federated import PSC, back, leave, shown, through, with_upstreams
from tests.fakes.notices import anne, link_in
from tests.fakes.portal import MEANS, at_the_portal, links
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, hidden_of, path_of
from tests.fakes.upstream import FakeUpstream


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    made = with_upstreams(start(brand={"support_email": SUPPORT}), psc)
    made.add_client("low", methods=("password",))
    return made


def signed_in(provider: Provider, browser: Any = None) -> RelyingParty:
    """By the password alone, at a service that asks no more."""
    low = RelyingParty(provider, "low", browser) if browser else RelyingParty(provider, "low")
    answer_of(low.give_password(low.open_login()))
    return low


def close_mailbox(provider: Provider) -> None:
    with provider.services.db.write() as tx:
        raise_alert(
            provider.services, tx, "account.not_me", account_id=anne(provider).account_id, event="login.new_browser"
        )


def is_asked(rp: RelyingParty, path: str) -> bool:
    """The login page, and neither the service's answer nor « Relier »."""
    page = rp.browser.get(path)
    return page.status_code == 200 and f'action="{path}/link"' not in page.text


def test_a_code_of_a_closed_mailbox_is_none_with_a_session_of_the_account(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp = RelyingParty(provider, "ror", signed_in(provider).browser)
    close_mailbox(provider)
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    refused = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=provider.last_code())
    assert "mailbox_closed" in refused.text
    assert is_asked(rp, path)
    assert len(provider.events("authorization.issued")) == 1


def test_nor_does_it_link_anything(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    psc.pages = wallet.create_app(psc.simulator).test_client()
    rp = RelyingParty(provider, "ror", signed_in(provider).browser)
    path = rp.open_login()
    through(rp, psc, path)
    complete(rp, path, email=ADDRESS)
    give(rp, path, provider.last_code())
    close_mailbox(provider)
    assert "mailbox_closed" in give_password(rp, path).text
    assert is_asked(rp, path)
    assert path_of(links_it(rp, path)) == path
    assert links(provider) == []


def test_whom_the_holder_reported_links_nothing_by_a_session_that_a_password_opens(
    provider: Provider, psc: FakeUpstream
) -> None:
    provider.add_account("anne.pierre")
    rp, path = proven(provider, psc)
    give_password(rp, path)
    links_it(rp, path)
    assert links(provider) == [PSC]
    url = link_in(next(mail for mail in provider.mails() if "/not-me/" in mail.text and "Pro Sant" in mail.text))
    holder = provider.browser()
    holder.post(url, data=hidden_of(holder.get(url)))
    assert links(provider) == []
    thief, path = proven(provider, psc)
    assert "mailbox_closed" in give_password(thief, path).text
    signed_in(provider, thief.browser)
    assert is_asked(thief, path)
    assert path_of(links_it(thief, path)) == path
    assert links(provider) == []


def test_a_link_that_was_removed_while_the_upstream_was_asked(
    provider: Provider, psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "psc", signed_in(provider).browser)
    answer_of(through(rp, psc, rp.open_login()))
    count, issued = counting.count, len(provider.events("authorization.issued"))

    def late(*of: Any, **known: Any) -> flask.Response:
        with provider.services.db.write() as tx:
            for link in tx.means.links(account.account_id):
                tx.means.remove(account.account_id, link.link_id, provider.clock.now())
        return count(*of, **known)

    monkeypatch.setattr(counting, "count", late)
    path = rp.open_login(prompt="login")
    assert through(rp, psc, path).status_code == 410
    assert is_asked(rp, path)
    assert len(provider.events("authorization.issued")) == issued


def test_a_proof_that_was_refused_is_spent(provider: Provider) -> None:
    """The code that came by mail is not good a second time."""
    provider.add_account("anne.pierre")
    rp = RelyingParty(provider, "ror", signed_in(provider).browser)
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    code, account = provider.last_code(), anne(provider)
    close_mailbox(provider)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=code)
    with provider.services.db.write() as tx:
        for alert in tx.alerts.of_account(account.account_id, "account.not_me"):
            tx.alerts.close(alert.alert_id, "operator:test", "looked at", provider.clock.now())
    rp.post(f"{path}/email_otp", page=path, code=code)
    assert len(provider.events("authorization.issued")) == 1


def test_a_password_that_was_given_before_leads_to_no_dead_end(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    psc.pages = wallet.create_app(psc.simulator).test_client()
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password=PASSWORD)
    through(rp, psc, path)
    complete(rp, path, email=ADDRESS)
    give(rp, path, provider.last_code())
    assert 'name="password"' in rp.browser.get(f"{path}/email_otp").text
    give_password(rp, path)
    links_it(rp, path)
    assert "code" in answer_of(rp.browser.get(path))


def test_a_callback_that_is_sent_again_shows_the_form_again(provider: Provider, psc: FakeUpstream) -> None:
    psc.pages = wallet.create_app(psc.simulator).test_client()
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    query = psc.sign_in(leave(rp, path))
    assert path_of(back(rp, query)) == path
    again = back(rp, query)
    assert path_of(rp.browser.get(path_of(again))) == path
    assert "Finaliser votre connexion" in shown(rp.browser.get(path))
    assert not provider.events("login.method_refused")


def test_a_callback_leads_nowhere_but_to_a_method(provider: Provider, psc: FakeUpstream) -> None:
    rp, path = arrived(provider, psc)
    handle = path.rpartition("/")[2]
    assert path_of(back(rp, {"state": f"{handle}:../../compte:x", "code": "c"})) == path


def switch_off(rp: RelyingParty, provider: Provider) -> None:
    """The same browser, before a provider that has the upstream no more."""
    rest = [method for method in provider.services.registry.values() if method.id != PSC]
    rp.browser.application = provider.with_services(registry=Registry(rest)).app


def test_a_method_that_is_switched_off_ends_what_was_to_be_linked_by_it(provider: Provider, psc: FakeUpstream) -> None:
    rp, path = arrived(provider, psc)
    switch_off(rp, provider)
    assert path_of(rp.browser.get(f"{path}/complete")) == path
    assert "Choisissez votre mode" in shown(rp.browser.get(path))


def test_and_the_journey_of_the_portal_that_is_to_add_it(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    visitor = at_the_portal(provider)
    form = {"csrf": csrf_of(visitor.browser.get(MEANS)), "method": PSC}
    path = path_of(visitor.browser.post(f"{MEANS}/add", data=form))
    visitor.give_otp(path)
    switch_off(visitor, provider)
    assert visitor.browser.get(path).status_code == 410
