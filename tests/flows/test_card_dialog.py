"""A card by the browser's certificate dialog: who comes in, and what a ticket opens."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from werkzeug.test import TestResponse

from idp.methods.cps_card import GUESSES, CpsCard
from idp.web.card_hop import CLIENT_CERT
from tests.fakes import card, card_host, igc
from tests.fakes.card import RPPS, anne, begin, failures
from tests.fakes.card_host import CARD_HOST, NAVIGATION, hand_in, leave, present, stated, ticket_of, visit
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, path_of


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path) -> Provider:
    made = card_host.provider(start, tmp_path)
    made.add_account("anne.pierre", rpps=RPPS)
    return made


@pytest.fixture
def rp(provider: Provider) -> RelyingParty:
    return RelyingParty(provider, "ror")


def code_of(shown: TestResponse) -> str:
    """The code for support on the page of a refusal."""
    (found,) = [code for code in set(CpsCard.codes.values()) if code in shown.text]
    return found


# -- who comes in ------------------------------------------------------------------------------


@pytest.mark.parametrize("is_nginx", [True, False])
def test_a_certificate_of_the_dialog_opens_the_ror(provider: Provider, rp: RelyingParty, is_nginx: bool) -> None:
    claims = rp.redeem(answer_of(present(rp, rp.open_login(), is_nginx=is_nginx))["code"])["claims"]
    assert (claims["amr"], claims["acr"]) == (["sc", "pin", "mfa", "hwk"], "eidas3")
    (event,) = provider.events("login.succeeded")
    assert event.personal["channel"] == "dialog"
    assert event.personal["certificate"] == f"{anne().serial:x}"


def test_the_two_channels_prove_the_same_person(provider: Provider) -> None:
    one, other = RelyingParty(provider, "card"), RelyingParty(provider, "card")
    by_reader = one.redeem(answer_of(card.present(one, one.open_login()))["code"])["claims"]
    by_dialog = other.redeem(answer_of(present(other, other.open_login()))["code"])["claims"]
    assert by_reader["sub"] == by_dialog["sub"]
    assert {event.personal["channel"] for event in provider.events("login.succeeded")} == {"reader", "dialog"}


def test_pages_that_begin_it_may_lead_to_the_card_host_and_no_others(provider: Provider, rp: RelyingParty) -> None:
    path = rp.open_login()
    page = begin(rp, path)
    assert f"form-action 'self' https://rp.example {CARD_HOST};" in policy_of(rp, page)
    hand_in(rp, page, "x")
    for shown in (path, page):  # the page of a refusal, too
        assert CARD_HOST in policy_of(rp, shown)
    plain = RelyingParty(provider, "rp")
    assert CARD_HOST not in policy_of(plain, plain.open_login())


def policy_of(rp: RelyingParty, path: str) -> str:
    return rp.browser.get(path).headers["Content-Security-Policy"]


def test_without_a_card_host_there_is_no_dialog(start: Callable[..., Provider], tmp_path: Path) -> None:
    rp = RelyingParty(card.provider(start, tmp_path), "ror")
    page = begin(rp, rp.open_login())
    assert 'name="dialog"' not in rp.browser.get(page).text
    answer = rp.browser.post(page, data={"csrf": csrf_of(rp.browser.get(page)), "dialog": "1"})
    assert path_of(answer) == page


def test_the_dialog_is_a_form_of_the_page(rp: RelyingParty) -> None:
    shown = rp.browser.get(begin(rp, rp.open_login())).text
    assert 'id="card-dialog-form"' in shown
    assert '<input type="hidden" name="dialog" value="1">' in shown
    assert 'name="ticket" value=""' in shown


# -- what a ticket opens -----------------------------------------------------------------------


def brought_back(rp: RelyingParty, page: str) -> str:
    """A ticket for this login, of Anne's card."""
    return ticket_of(visit(rp.provider, leave(rp, page), anne()))


def refused_with(rp: RelyingParty, page: str, ticket: str) -> str:
    return code_of(hand_in(rp, page, ticket))


def test_another_browser_cannot_use_it_and_spoils_nothing(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    ticket, thief = brought_back(rp, page), RelyingParty(provider, "ror")
    own = thief.open_login()
    answer = thief.browser.post(page, data={"csrf": csrf_of(thief.browser.get(own)), "ticket": ticket})
    assert answer.status_code == 403
    assert "code" in answer_of(hand_in(rp, page, ticket))


def test_without_the_token_of_the_form_nothing_is_handed_in(rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    ticket = brought_back(rp, page)
    assert rp.browser.post(page, data={"ticket": ticket}).status_code == 403
    assert "code" in answer_of(hand_in(rp, page, ticket))


def test_a_ticket_of_another_login_does_not_open_this_one(provider: Provider, rp: RelyingParty) -> None:
    """An attacker's card must not sign a victim in as the attacker, by a ticket behind the victim's address."""
    attacker = RelyingParty(provider, "ror")
    theirs = brought_back(attacker, begin(attacker, attacker.open_login()))
    page = begin(rp, rp.open_login())
    assert refused_with(rp, page, theirs) == CpsCard.codes["ticket_malformed"]
    assert failures(provider) == ["ticket_malformed"]
    assert not provider.events("login.succeeded")


def test_nor_does_one_of_another_login_of_the_same_browser(provider: Provider, rp: RelyingParty) -> None:
    first, second = begin(rp, rp.open_login()), begin(rp, rp.open_login())
    assert refused_with(rp, second, brought_back(rp, first)) == CpsCard.codes["ticket_malformed"]


def test_a_relayed_dialog_gives_the_attacker_nothing(provider: Provider) -> None:
    """Who sends a victim to the card host for a login of their own: the ticket stays in the victim's browser."""
    attacker, victim = RelyingParty(provider, "ror"), RelyingParty(provider, "ror")
    page = begin(attacker, attacker.open_login())
    visa = leave(attacker, page)
    back = urlsplit(visit(provider, visa, anne()).headers["Location"])
    assert victim.browser.get(back.path).status_code == 403
    assert path_of(attacker.browser.post(page, data={"csrf": csrf_of(attacker.browser.get(page))})) == page
    assert not provider.events("login.succeeded")


def test_it_is_good_once(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    ticket, csrf = brought_back(rp, page), csrf_of(rp.browser.get(page))
    assert "code" in answer_of(hand_in(rp, page, ticket))
    assert rp.browser.post(page, data={"csrf": csrf, "ticket": ticket}).status_code == 410
    assert len(provider.events("login.succeeded")) == 1


def test_nor_again_after_a_refusal(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    ticket = ticket_of(visit(provider, leave(rp, page), igc.issued("expired")))
    assert refused_with(rp, page, ticket) == CpsCard.codes["expired"]
    assert refused_with(rp, page, ticket) == CpsCard.codes["ticket_expired"]


@pytest.mark.parametrize("again", ["begin", "dialog"])
def test_a_nonce_that_was_drawn_later_ends_it(rp: RelyingParty, again: str) -> None:
    page = begin(rp, rp.open_login())
    ticket = brought_back(rp, page)
    rp.post(page, page=page) if again == "begin" else leave(rp, page)
    assert refused_with(rp, page, ticket) == CpsCard.codes["ticket_expired"]
    assert failures(rp.provider) == []


def test_it_comes_too_late_after_five_minutes(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    path = leave(rp, page)
    provider.clock.advance(minutes=3)
    ticket = ticket_of(visit(provider, path, anne()))
    provider.clock.advance(minutes=2)
    assert refused_with(rp, page, ticket) == CpsCard.codes["challenge_expired"]


@pytest.mark.parametrize("ticket", ["x", "A" * 300, "é", "A" * 20_000])
def test_what_is_no_ticket_is_a_guess(provider: Provider, rp: RelyingParty, ticket: str) -> None:
    page = begin(rp, rp.open_login())
    assert refused_with(rp, page, ticket) == CpsCard.codes["ticket_malformed"]
    assert failures(provider) == ["ticket_malformed"]


def test_guesses_have_to_wait_and_closed_dialogs_have_not(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    for _ in range(7):
        ticket = ticket_of(visit(provider, leave(rp, page)))
        assert refused_with(rp, page, ticket) == CpsCard.codes["no_certificate"]
    assert failures(provider) == []
    for _ in range(5):
        hand_in(rp, page, "x")
    rp.post(page, page=page)
    assert "Trop d&#39;essais" in hand_in(rp, page, brought_back(rp, page)).text
    assert not provider.events("login.succeeded")


@pytest.mark.parametrize("name", igc.REFUSED)
def test_each_card_that_is_refused_says_why_and_lets_one_go_on(provider: Provider, rp: RelyingParty, name: str) -> None:
    path, cause = rp.open_login(), igc.CASES[name].cause
    assert code_of(present(rp, path, igc.issued(name))) == CpsCard.codes[cause]
    assert failures(provider) == ([cause] if cause in GUESSES else [])
    if cause == "revoked":
        assert provider.events("login.failed")[0].personal["channel"] == "dialog"
    assert "code" in answer_of(present(rp, path))


def test_what_is_no_certificate_is_refused_by_who_judges_cards(provider: Provider, rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    headers = {**NAVIGATION, CLIENT_CERT: stated(":AAAA:")}
    assert (
        refused_with(rp, page, ticket_of(visit(provider, leave(rp, page), headers=headers)))
        == CpsCard.codes["certificate_malformed"]
    )


def test_where_the_method_is_over_the_ticket_goes_no_further(provider: Provider, rp: RelyingParty) -> None:
    """A fragment is carried on through redirects that have none (Fetch §4.4): at last to the service."""
    path = rp.open_login()
    page = begin(rp, path)
    provider.clock.advance(seconds=1)
    provider.set_policy("ror", ("email_otp",))
    assert path_of(rp.browser.get(page)) == f"{path}#_"


def test_the_dialog_keeps_its_nonce_for_as_long_as_the_reader(rp: RelyingParty) -> None:
    page = begin(rp, rp.open_login())
    rp.provider.clock.advance(minutes=4)
    leave(rp, page)
    assert 'data-left-s="300"' in rp.browser.get(page).text
