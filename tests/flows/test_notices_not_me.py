"""« Ce n'était pas moi »: what a link of a notice takes away."""

from collections.abc import Callable

import pytest

from tests.fakes import national_card
from tests.fakes.national_card import ANNE
from tests.fakes.notices import about_browsers, anne, has_password, link_in, linked, logged_in, mailbox_is_closed
from tests.fakes.portal import METHODS, by_card, by_code, enter, present
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of

PAGE = "/compte/means"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    national_card.install(monkeypatch)
    egress = [{"label": "CHU de Bordeaux", "networks": ["127.0.0.0/8"], "failures_per_10_min": 300}]
    made = start(methods=METHODS, egress=egress, brand={"support_email": "support@region.example"})
    made.clock.advance(seconds=1)
    made.set_policy("portail", METHODS)
    made.add_client("rp")
    made.add_client("card", methods=("national_card",))
    made.add_client("code", methods=("email_otp",))
    made.add_account("anne.pierre", rpps=ANNE["rpps"])
    made.clock.advance(seconds=1)
    return made


# -- « Ce n'était pas moi » --------------------------------------------------------------


def test_a_link_that_was_not_theirs_is_taken_away_with_those_after_it(provider: Provider) -> None:
    rp = enter(provider, by_card)
    path = link_in(provider.mails()[0])
    account_id, now = anne(provider).account_id, provider.clock.now()
    with provider.services.db.write() as tx:
        (first,) = tx.means.links(account_id)
        tx.means.remove(account_id, first.link_id, now)
        tx.means.add_link(account_id, "national_card", now)
        tx.means.add_link(account_id, "federation", now)
    provider.browser().get(path)
    assert linked(provider) == ["national_card", "federation"]
    assert provider.browser().post(path).status_code == 303
    assert linked(provider) == ["federation"]
    assert rp.browser.get(PAGE).status_code == 303
    assert has_password(provider)
    assert mailbox_is_closed(provider)
    thief = RelyingParty(provider, "card")
    assert "plus relié" in thief.browser.get(path_of(present(thief, thief.open_login()))).text


def test_a_login_by_password_that_was_not_theirs_costs_the_password(provider: Provider) -> None:
    holder = logged_in(provider)
    thief = logged_in(provider)
    tokens = thief.redeem(thief.silent()["code"])
    path = link_in(about_browsers(provider)[0])
    assert "nouveau navigateur" in provider.browser().get(path).text
    assert has_password(provider)
    provider.browser().post(path)
    assert not has_password(provider)
    assert mailbox_is_closed(provider)
    for browser in (holder, thief):
        assert browser.silent()["error"] == "login_required"
    assert thief.userinfo(tokens["access_token"]).status_code == 401
    assert thief.give_password(thief.open_login()).status_code != 303
    (event,) = provider.events("account.not_me")
    assert event.detail["event"] == "login.new_browser"


def test_a_login_by_card_that_was_not_theirs_costs_the_card_and_what_was_added_since(provider: Provider) -> None:
    logged_in(provider)
    enter(provider, by_card)
    provider.clock.advance(minutes=1)
    with provider.services.db.write() as tx:
        tx.means.add_link(anne(provider).account_id, "federation", provider.clock.now())
    provider.browser().post(link_in(about_browsers(provider)[0]))
    assert linked(provider) == []
    assert has_password(provider)  # nobody used it


def test_what_was_there_before_and_was_not_used_stays(provider: Provider) -> None:
    answer_of(present(rp := RelyingParty(provider, "card"), rp.open_login()))
    provider.clock.advance(minutes=1)
    logged_in(provider)
    provider.browser().post(link_in(about_browsers(provider)[0]))
    assert linked(provider) == ["national_card"]
    assert not has_password(provider)
    again = RelyingParty(provider, "card")
    assert "code" in answer_of(present(again, again.open_login()))


def test_of_a_session_that_was_purged_everything_is_taken_away(provider: Provider) -> None:
    logged_in(provider)
    enter(provider, by_card)
    path = link_in(about_browsers(provider)[0])
    with provider.services.db.engine.begin() as connection:
        for table in ("session_proof", "authorization_grant", "session"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
    provider.browser().post(path)
    assert linked(provider) == []
    assert not has_password(provider)


def test_a_removal_that_was_not_theirs_costs_what_it_was_proven_with(provider: Provider) -> None:
    """The thief knew the password and read the mailbox: two factors take a card away, which may be lost."""
    enter(provider, by_card)
    with provider.services.db.read() as tx:
        (link,) = tx.means.links(anne(provider).account_id)
    thief = enter(provider, by_code)
    page = f"{PAGE}/{link.link_id}/remove"
    assert path_of(thief.post(page, page=page, understood="yes")) == f"{PAGE}/removed"
    assert has_password(provider)
    (mail,) = [mail for mail in provider.mails() if "retiré" in mail.text]
    provider.browser().post(link_in(mail))
    assert not has_password(provider)
    assert linked(provider) == []
    assert mailbox_is_closed(provider)


def test_a_second_press_and_a_second_letter_of_the_same_login_do_nothing(provider: Provider) -> None:
    logged_in(provider)
    logged_in(provider)
    path = link_in(about_browsers(provider)[0])
    provider.browser().post(path)
    with provider.services.db.write() as tx:
        digest = provider.services.hasher.hash(PASSWORD)
        tx.accounts.set_password(anne(provider).account_id, digest, "knowledge", provider.clock.now())
    sent = len(provider.mails())
    assert provider.browser().post(path).status_code == 303
    assert has_password(provider)
    assert len(provider.mails()) == sent
    assert len(provider.events("account.not_me")) == 1


def test_every_browser_is_new_after_it(provider: Provider) -> None:
    """Also that of the thief, who would be told of no more."""
    logged_in(provider)
    thief = logged_in(provider)
    provider.browser().post(link_in(about_browsers(provider)[0]))
    with provider.services.db.write() as tx:
        digest = provider.services.hasher.hash(PASSWORD)
        tx.accounts.set_password(anne(provider).account_id, digest, "knowledge", provider.clock.now())
    sent = len(about_browsers(provider))
    logged_in(provider, thief)
    assert len(about_browsers(provider)) == sent + 1
