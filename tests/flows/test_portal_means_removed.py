"""Taking a means away: what it ends, what must be agreed to, and what stays."""

import re
from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from idp.domain.alert import NOT_ME, Alert
from idp.domain.authn import Assurance, IdentityRef
from idp.domain.ids import new_id
from idp.flows.portal import removal
from tests.fakes.national_card import ANNE
from tests.fakes.portal import MEANS, by_card, by_password, copy_of, enter, link_of, live, present, remove, with_card
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, path_of

UNKNOWN = "018f0000-0000-7000-8000-000000000000"
RPPS = IdentityRef("rpps", ANNE["rpps"])


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    return with_card(start, monkeypatch)


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    """At the list of means, the card presented at this instant."""
    return enter(provider, by_card)


@pytest.mark.parametrize("proven", ["long ago", "by less"])
def test_taking_away_wants_a_fresh_proof_of_the_highest_level(
    provider: Provider, rp: RelyingParty, proven: str
) -> None:
    page = f"{MEANS}/{link_of(provider)}/remove"
    if proven == "long ago":
        provider.clock.advance(minutes=5, seconds=1)
    else:
        rp = enter(provider, by_password)
    csrf = csrf_of(rp.browser.get(MEANS))
    asked = rp.browser.post(page, data={"csrf": csrf, "understood": "yes"})
    assert live(provider) == [("national_card", None)]
    assert path_of(rp.browser.get(page)).startswith("/login/")
    assert path_of(present(rp, path_of(asked))) == page
    assert rp.browser.get(page).status_code == 200
    assert live(provider) == [("national_card", None)]  # what was asked before is asked again


def test_the_last_means_stays(provider: Provider) -> None:
    provider.add_account("luc.martin", password=None, rpps="10109876543", given_name="Luc", family_name="Martin")
    rp = RelyingParty(provider, "portail")
    login = path_of(rp.browser.get(path_of(rp.browser.get(MEANS))))
    rp.browser.get(path_of(present(rp, login, rpps="10109876543", given_name="LUC", family_name="MARTIN")))
    link = link_of(provider, "luc.martin")
    shown = rp.browser.get(f"{MEANS}/{link}/remove")
    assert "dernier moyen" in shown.text
    assert "support@region.example" in shown.text
    assert 'id="means-remove"' not in shown.text
    refused = remove(rp, link, understood="yes")
    assert refused.status_code == 409
    assert live(provider, "luc.martin") == [("national_card", None)]
    assert not provider.events("means.removed")
    assert rp.browser.get(MEANS).status_code == 200


def test_a_mailbox_that_is_closed_is_no_other_means(provider: Provider) -> None:
    provider.add_client("codes", methods=("email_otp:alone",))
    luc = provider.add_account("luc.martin", password=None, rpps="10109876543", given_name="Luc", family_name="Martin")
    rp = RelyingParty(provider, "portail")
    login = path_of(rp.browser.get(path_of(rp.browser.get(MEANS))))
    rp.browser.get(path_of(present(rp, login, rpps="10109876543", given_name="LUC", family_name="MARTIN")))
    page = f"{MEANS}/{link_of(provider, 'luc.martin')}/remove"
    assert 'id="means-remove"' in rp.browser.get(page).text
    with provider.services.db.write() as tx:
        tx.alerts.add(Alert(new_id(), NOT_ME, provider.clock.now(), luc.account_id, {"means": "password"}))
    assert "dernier moyen" in rp.browser.get(page).text


def test_what_became_the_last_since_the_page_was_shown_stays(provider: Provider) -> None:
    luc = provider.add_account("luc.martin", password=None, rpps="10109876543", given_name="Luc", family_name="Martin")
    rp = RelyingParty(provider, "portail")
    login = path_of(rp.browser.get(path_of(rp.browser.get(MEANS))))
    rp.browser.get(path_of(present(rp, login, rpps="10109876543", given_name="LUC", family_name="MARTIN")))
    now = provider.clock.now()
    with provider.services.db.write() as tx:
        digest = provider.services.hasher.hash(PASSWORD)
        password = tx.accounts.set_password(luc.account_id, digest, "knowledge", now)
    link = link_of(provider, "luc.martin")
    assert 'id="means-remove"' in rp.browser.get(f"{MEANS}/{link}/remove").text
    with provider.services.db.write() as tx:
        tx.means.remove(luc.account_id, password, now)
    page = rp.browser.get(MEANS)
    refused = rp.browser.post(f"{MEANS}/{link}/remove", data={"csrf": csrf_of(page), "understood": "yes"})
    assert refused.status_code == 409
    assert live(provider, "luc.martin") == [("national_card", None)]


def test_services_that_would_close_are_named_and_agreed_to(provider: Provider, rp: RelyingParty) -> None:
    provider.add_client("strict", methods=("national_card",), name="Service strict")
    provider.add_client("theirs", methods=("national_card",), name="Service d'autrui", needs_entitlement=True)
    provider.add_client("closed", methods=("email_otp",), name="Service jamais ouvert", min_assurance=Assurance.MEDIUM)
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        tx.accounts.set_password(account.account_id, "of the mailbox", "mailbox", provider.clock.now())
    link = link_of(provider)
    shown = rp.browser.get(f"{MEANS}/{link}/remove").text
    lost = re.search(r'<ul class="plain" id="lost">(.*?)</ul>', shown, re.S)
    assert lost
    assert re.findall(r"<li>(.*?)</li>", lost.group(1)) == ["Service strict"]
    refused = remove(rp, link)
    assert refused.status_code == 200
    assert 'aria-invalid="true"' in refused.text
    assert 'id="error-summary"' in refused.text
    assert live(provider) == [("national_card", None)]
    assert path_of(remove(rp, link, understood="yes")) == f"{MEANS}/removed"
    assert live(provider) == []


def test_a_session_that_ends_meanwhile_takes_nothing_away(
    provider: Provider, rp: RelyingParty, monkeypatch: pytest.MonkeyPatch
) -> None:
    link, count = link_of(provider), removal._remove

    def overtaken(services: Any, tx: Any, visitor: Any, *args: Any, **values: Any) -> Any:
        tx.sessions.end_all(visitor.account.account_id, provider.clock.now())
        return count(services, tx, visitor, *args, **values)

    monkeypatch.setattr(removal, "_remove", overtaken)
    assert remove(rp, link).status_code == 410
    assert live(provider) == [("national_card", None)]


def test_two_tabs_take_it_away_once(provider: Provider, rp: RelyingParty) -> None:
    link = link_of(provider)
    form = {"csrf": csrf_of(rp.browser.get(MEANS))}
    statuses: list[int] = []

    def press() -> None:
        tab = copy_of(rp, provider)
        statuses.append(tab.post(f"{MEANS}/{link}/remove", data=form).status_code)

    tabs = [Thread(target=press) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert set(statuses) <= {303, 404, 410}
    assert len(provider.events("means.removed")) == 1
    assert sum("retiré" in mail.text for mail in provider.mails()) == 1


# -- taken away --------------------------------------------------------------------------


def test_what_rests_on_it_ends(provider: Provider, rp: RelyingParty) -> None:
    elsewhere = RelyingParty(provider)
    tokens = elsewhere.tokens(scope="openid")
    assert "code" in RelyingParty(provider, "rp", rp.browser).silent()
    done = remove(rp, link_of(provider))
    assert path_of(done) == f"{MEANS}/removed"
    assert "retiré" in rp.browser.get(f"{MEANS}/removed").text
    assert elsewhere.silent()["error"] == "login_required"
    assert elsewhere.userinfo(tokens["access_token"]).status_code == 401
    assert RelyingParty(provider, "rp", rp.browser).silent()["error"] == "login_required"
    (event,) = provider.events("means.removed")
    assert event.detail["method"] == "national_card"


def test_the_identity_stays_and_the_card_signs_nobody_in(provider: Provider, rp: RelyingParty) -> None:
    remove(rp, link_of(provider))
    with provider.services.db.read() as tx:
        holder = tx.accounts.find(RPPS)
    assert holder
    assert holder.login_name == "anne.pierre"
    again = RelyingParty(provider)
    shown = again.browser.get(path_of(present(again, again.open_login())))
    assert "plus relié" in shown.text
    assert again.silent()["error"] == "login_required"
