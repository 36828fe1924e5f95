"""Which account a card signs in: linked by itself, by two factors, by support; removed, renewed, somebody else's."""

from collections.abc import Callable
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from demo import look_alike
from idp.flows.operators import cards
from tests.fakes import card, igc
from tests.fakes.card import MEANS, RPPS, begin, held_by, links, luc, present, renewed, said, signed, unlink
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, hidden_of, path_of

WHY = "identity card seen at the desk"


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path) -> Provider:
    return card.provider(start, tmp_path)


def shown_a_card(provider: Provider, client_id: str = "ror") -> tuple[RelyingParty, str]:
    """A login in which a card was shown that signs nobody in."""
    rp = RelyingParty(provider, client_id)
    path = rp.open_login()
    assert path_of(present(rp, path)) == path
    return rp, path


def link(rp: RelyingParty, path: str) -> TestResponse:
    """« Relier »."""
    return rp.browser.post(f"{path}/link", data={**hidden_of(rp.browser.get(path)), "decision": "link"})


# -- a card that no account knows ---------------------------------------------------------------


def test_an_unknown_card_says_so_and_whom_to_call(provider: Provider) -> None:
    rp, path = shown_a_card(provider)
    page = rp.browser.get(path).text
    assert said("not_linked") in page
    assert said("link_removed") not in page
    assert "Prouvez d&#39;abord" in page
    assert page.count("support@region.example") > RelyingParty(provider).browser.get("/password/forgot").text.count(
        "support@region.example"
    )


def test_two_factors_link_it(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp, path = shown_a_card(provider, "card")
    assert path_of(rp.give_otp(path)) == path
    page = rp.browser.get(path).text
    assert "ANNE PIERRE" in page
    assert RPPS in page
    link(rp, path)
    assert "hwk" in rp.redeem(answer_of(rp.browser.get(path))["code"])["claims"]["amr"]
    assert (links(provider), held_by(provider)) == (["cps_card"], "anne.pierre")


def test_where_no_other_proof_exists_support_is_named(start: Callable[..., Provider], tmp_path: Path) -> None:
    made = card.provider(start, tmp_path)
    only = {name: made.services.registry[name] for name in ("cps_card", "password")}
    alone = made.with_services(registry=type(made.services.registry)(list(only.values())))
    rp = RelyingParty(alone, "card")
    answer = present(rp, rp.open_login())
    assert "n&#39;est pas relié à un compte. Contactez l&#39;assistance." in answer.text


def test_names_that_differ_go_to_support(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "card")
    assert "pas celui de votre compte" in present(rp, rp.open_login(), luc()).text
    assert links(provider) == []
    assert provider.events("alert.raised")[0].detail["kind"] == "link.names_differ"


def test_accents_case_and_further_first_names_agree(provider: Provider) -> None:
    provider.add_account("zoe", given_name="Zoë Noelle", family_name="Lefevre d'Oeuvre", rpps=RPPS)
    rp = RelyingParty(provider, "card")
    assert "code" in answer_of(present(rp, rp.open_login(), igc.issued("accents")))


def test_what_another_account_holds_is_refused_in_general_words_and_support_alerted(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "card")
    present(rp, rp.open_login())
    unlink(provider)
    provider.add_account("anne.pierre2", given_name="Anne", family_name="Pierre")
    thief, path = shown_a_card(provider)
    thief.give_otp(path, "anne.pierre2")
    refused = link(thief, path)
    assert refused.status_code == 403
    assert "ne peut pas être relié à ce compte" in refused.text
    for theirs in (RPPS, "anne.pierre@", "anne.pierre<"):
        assert theirs not in refused.text
    assert (links(provider, "anne.pierre2"), held_by(provider)) == ([], "anne.pierre")
    assert provider.events("alert.raised")[0].detail["kind"] == "link.identity_taken"
    assert any("un autre compte porte déjà" in mail.text for mail in provider.mails())


# -- a link that was removed --------------------------------------------------------------------


def test_a_removed_link_says_that_the_card_is_linked_no_more(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "card")
    assert "code" in answer_of(present(rp, rp.open_login()))
    unlink(provider)
    again, path = shown_a_card(provider)
    page = again.browser.get(path).text
    assert said("link_removed") in page
    assert said("not_linked") not in page
    again.give_otp(path)
    link(again, path)
    assert links(provider) == ["cps_card"]


def test_a_renewed_card_brings_a_removed_link_not_back(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "card")
    present(rp, rp.open_login())
    unlink(provider)
    again = RelyingParty(provider, "card")
    path = again.open_login()
    assert path_of(present(again, path, renewed())) == path
    assert links(provider) == []


# -- the portal ---------------------------------------------------------------------------------


def in_the_portal(provider: Provider) -> RelyingParty:
    rp = RelyingParty(provider, "portail")
    login = path_of(rp.browser.get(path_of(rp.browser.get(MEANS))))
    assert path_of(rp.browser.get(path_of(rp.give_otp(login)))) == MEANS
    return rp


def added(provider: Provider) -> RelyingParty:
    """A card that was added in the portal."""
    rp = in_the_portal(provider)
    login = path_of(rp.post(f"{MEANS}/add", page=MEANS, method="cps_card"))
    assert path_of(rp.give_otp(login)) == login
    assert "Présentez ce que vous voulez relier" in rp.browser.get(login).text
    assert path_of(present(rp, login)) == login
    assert "ANNE PIERRE" in rp.browser.get(login).text
    assert path_of(link(rp, login)) == MEANS
    return rp


def test_the_holder_adds_a_card(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp = added(provider)
    assert "Sûreté la plus élevée" in rp.browser.get(MEANS).text
    assert links(provider) == ["cps_card"]
    assert any("Carte CPS" in mail.text and "/not-me/" in mail.text for mail in provider.mails())
    other = RelyingParty(provider, "card")
    assert "code" in answer_of(present(other, other.open_login()))


def test_and_removes_it_by_the_card_itself(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp = added(provider)
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        (made,) = tx.means.links(account.account_id)
    page = f"{MEANS}/{made.link_id}/remove"
    provider.clock.advance(minutes=6)
    login = path_of(rp.browser.get(page))
    assert path_of(present(rp, login)) == page
    form = {**hidden_of(rp.browser.get(page)), "understood": "1"}
    assert path_of(rp.browser.post(page, data=form)) == f"{MEANS}/removed"
    assert links(provider) == []
    _, path = shown_a_card(provider)
    assert path


def test_a_sensitive_page_asks_for_the_card_and_not_for_less(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp = added(provider)
    provider.clock.advance(minutes=6)
    login = path_of(rp.browser.get("/compte/account/export"))
    page = rp.browser.get(login).text
    assert "Carte CPS" in page
    assert "OTP" not in page
    assert path_of(present(rp, login)) == "/compte/account/export"


# -- support ------------------------------------------------------------------------------------


def test_support_links_a_card_and_the_holder_is_told(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    cards.link(provider.services, provider.desk, "anne.pierre", igc.DR_ANNE, WHY)
    (event,) = provider.events("means.linked")
    assert (event.actor, event.detail["reason"]) == ("operator:test", WHY)
    assert RPPS not in repr(event)
    mail, alert = provider.mails()
    assert (mail.to, RPPS in alert.text) == ("anne.pierre@chu.example", False)
    assert "Carte CPS" in mail.text
    rp = RelyingParty(provider, "card")
    assert "code" in answer_of(present(rp, rp.open_login()))


def test_by_support_whatever_names_stand_on_it(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    cards.link(provider.services, provider.desk, "anne.pierre", igc.DR_ANNE, WHY)
    rp = RelyingParty(provider, "card")
    assert "code" in answer_of(present(rp, rp.open_login(), luc()))


def test_what_support_linked_the_holder_takes_away_by_the_letter(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    cards.link(provider.services, provider.desk, "anne.pierre", igc.DR_ANNE, WHY)
    url = next(word for word in provider.mails()[0].text.split() if "/not-me/" in word)
    path = url.removeprefix(provider.services.settings.issuer)
    assert path_of(provider.browser().post(path)) == path
    assert links(provider) == []


def test_support_restores_a_link_that_was_removed(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "card")
    present(rp, rp.open_login())
    unlink(provider)
    cards.link(provider.services, provider.desk, "anne.pierre", igc.DR_ANNE, WHY)
    assert links(provider) == ["cps_card"]
    again = RelyingParty(provider, "card")
    assert "code" in answer_of(present(again, again.open_login()))


def test_a_card_of_an_employee_with_small_letters(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    national_id = "3330000019/abc42"
    employee = igc.issue(subject=look_alike.staff(national_id, "1330000019", "ANNE", "PIERRE"), card_type=2)
    cards.link(provider.services, provider.desk, "anne.pierre", cards.identity("employee", national_id), WHY)
    rp = RelyingParty(provider, "card")
    assert "code" in answer_of(present(rp, rp.open_login(), employee))


def test_a_card_of_an_employee_that_nobody_is_named_on(start: Callable[..., Provider], tmp_path: Path) -> None:
    """Its names agree with nobody's: support alone links it."""
    made = card.provider(start, tmp_path, card={"non_nominative": True})
    made.add_account("accueil.urgences")
    shared = igc.issued("shared, where it is allowed")
    cards.link(made.services, made.desk, "accueil.urgences", cards.identity("employee", igc.SHARED), WHY)
    rp = RelyingParty(made, "card")
    page = begin(rp, rp.open_login())
    assert "code" in answer_of(rp.browser.post(page, data=signed(rp, page, shared)))
