"""A card whose holder does not sign in here: an identity that moved, a closed account, a colleague's, nobody's."""

from collections.abc import Callable
from pathlib import Path

import pytest

from demo import look_alike
from idp.domain.account import AccountStatus
from idp.flows.operators import cards, contacts
from idp.web.texts import REFUSALS
from tests.fakes import card, igc
from tests.fakes.card import MEANS, RPPS, begin, failures, links, luc, present, said, signed, unlink
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, hidden_of, path_of

NOT_LINKED = REFUSALS["not_linked"].replace("'", "&#39;")


@pytest.fixture
def provider(start: Callable[..., Provider], tmp_path: Path) -> Provider:
    return card.provider(start, tmp_path)


def signed_in_as_karim(provider: Provider, client_id: str = "card") -> tuple[RelyingParty, str]:
    """A browser with Karim's session, and a login in it that asks for a card."""
    provider.add_account("karim.benali")
    rp = RelyingParty(provider, "rp")
    rp.give_password(rp.open_login(), "karim.benali")
    other = RelyingParty(provider, client_id, rp.browser)
    return other, other.open_login()


def choose(rp: RelyingParty, path: str, choice: str) -> int:
    form = {"csrf": hidden_of(rp.browser.get(path))["csrf"], "choice": choice}
    return rp.browser.post(f"{path}/account", data=form).status_code


# -- no longer theirs --------------------------------------------------------------------------


def test_a_proof_of_an_identity_that_was_taken_away_opens_nothing_by_the_link_of_the_next(provider: Provider) -> None:
    """Support linked the wrong number, and put it right while that card waited on « Ce n'est pas le même compte »."""
    provider.add_account("anne.pierre")
    cards.link(provider.services, provider.desk, "anne.pierre", igc.DR_ANNE, "a slip")
    rp, path = signed_in_as_karim(provider)
    present(rp, path, luc())
    contacts.drop_identity(provider.desk, "anne.pierre", "rpps", "another's")
    right = cards.identity("rpps", look_alike.rpps("1000345679"))
    cards.link(provider.services, provider.desk, "anne.pierre", right, "the right one")
    assert choose(rp, path, "switch") == 410
    assert [event.detail["method"] for event in provider.events("login.succeeded")] == ["password"]


@pytest.mark.parametrize("status", [AccountStatus.SUSPENDED, AccountStatus.CLOSED, AccountStatus.PENDING])
def test_the_card_of_an_account_that_is_not_active(provider: Provider, status: AccountStatus) -> None:
    account = provider.add_account("anne.pierre", rpps=RPPS)
    first = RelyingParty(provider, "card")
    present(first, first.open_login())
    with provider.services.db.write() as tx:
        tx.accounts.set_status(account.account_id, status, provider.clock.now())
    rp = RelyingParty(provider, "card")
    assert "Ce compte n&#39;est pas actif" in present(rp, rp.open_login()).text
    (event,) = provider.events("login.failed")
    assert (event.detail["reason"], event.subject) == ("account_inactive", account.account_id)
    assert event.personal["certificate"] == f"{card.anne().serial:x}"


# -- whose it is can be found ------------------------------------------------------------------


def test_a_card_with_other_names_is_named_in_both_events(provider: Provider) -> None:
    account = provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "card")
    present(rp, rp.open_login(), luc())
    for name in ("login.failed", "means.link_refused"):
        (event,) = provider.events(name)
        assert event.subject == account.account_id
        assert event.personal["certificate"] == f"{luc().serial:x}"
        assert event.personal["issuer"] == "AC SANTE-DEMO ELEMENTAIRE PERSONNES"
        assert RPPS not in repr(event)


# -- a colleague's, in the reader --------------------------------------------------------------


def test_after_a_card_that_nobody_has_one_may_take_another(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    colleague = igc.issue(
        national_id="8" + look_alike.rpps("1000345679"), given_name="LUC", family_name="DURAND", key=igc.holder_key()
    )
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    assert path_of(present(rp, path, colleague)) == path
    page = rp.browser.get(path).text
    assert said("not_linked") in page
    assert "Recommencer avec une autre carte" in page
    assert choose(rp, path, "again") == 303
    assert said("not_linked") not in rp.browser.get(path).text
    assert "code" in answer_of(present(rp, path))


def test_and_stays_signed_in(provider: Provider) -> None:
    rp, path = signed_in_as_karim(provider)
    present(rp, path)
    assert choose(rp, path, "again") == 303
    assert "Karim Benali" in rp.browser.get(path).text
    assert not provider.events("session.ended")


def test_nor_does_it_choose_the_account_that_a_service_wants_chosen(provider: Provider) -> None:
    provider.add_account("karim.benali")
    rp = RelyingParty(provider, "ror")
    path = rp.open_login(prompt="select_account")
    present(rp, path)
    other_tab = RelyingParty(provider, "rp", rp.browser)
    other_tab.give_password(other_tab.open_login(), "karim.benali")
    assert choose(rp, path, "again") == 303
    assert "account-continue" in rp.browser.get(path).text


def test_the_way_back_stands_nowhere_else(provider: Provider) -> None:
    rp = RelyingParty(provider, "ror")
    assert "Recommencer avec" not in rp.browser.get(rp.open_login()).text


def test_the_card_of_another_account_than_is_signed_in_asks_first(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    rp, path = signed_in_as_karim(provider)
    assert path_of(present(rp, path)) == path
    page = rp.browser.get(path).text
    assert "Karim Benali" in page
    assert "Anne Pierre" in page
    assert "card" not in {event.client_id for event in provider.events("authorization.issued")}
    assert links(provider) == []


def test_the_portal_adds_no_card_of_another_account(provider: Provider) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    karim = provider.add_account("karim.benali")
    rp = RelyingParty(provider, "portail")
    login = path_of(rp.browser.get(path_of(rp.browser.get(MEANS))))
    rp.browser.get(path_of(rp.give_otp(login, "karim.benali")))
    login = path_of(rp.post(f"{MEANS}/add", page=MEANS, method="cps_card"))
    rp.give_otp(login, "karim.benali")
    refused = present(rp, login)
    assert "ne peut pas être relié à ce compte" in refused.text
    assert "Anne" not in refused.text
    assert links(provider) == links(provider, "karim.benali") == []
    (event,) = provider.events("means.link_refused")
    assert (event.subject, event.personal["certificate"]) == (karim.account_id, f"{card.anne().serial:x}")


# -- nobody's ----------------------------------------------------------------------------------


@pytest.mark.parametrize("was_linked", [False, True])
def test_a_card_in_nobodys_name_is_refused_at_once(
    start: Callable[..., Provider], tmp_path: Path, was_linked: bool
) -> None:
    made = card.provider(start, tmp_path, card={"non_nominative": True})
    made.add_account("accueil.urgences")
    if was_linked:
        cards.link(made.services, made.desk, "accueil.urgences", cards.identity("employee", igc.SHARED), "seen")
        unlink(made, "accueil.urgences")
    rp = RelyingParty(made, "card")
    answer = present(rp, rp.open_login(), igc.issued("shared, where it is allowed"))
    assert NOT_LINKED in answer.text
    assert failures(made) == ["not_linked"]


def test_names_on_a_card_are_text(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    rp = RelyingParty(provider, "card")
    path = rp.open_login()
    present(rp, path, igc.issue(given_name="<b>ANNE", family_name='PIERRE"&amp;'))
    rp.give_otp(path)
    page = rp.browser.get(path).text
    assert "&lt;b&gt;ANNE PIERRE&#34;&amp;amp;" in page
    assert "<b>ANNE" not in page


# -- after a password --------------------------------------------------------------------------


def with_password_first(provider: Provider) -> tuple[RelyingParty, str]:
    """On the page of the card, where a password stands before it."""
    rp = RelyingParty(provider, "card")
    page = begin(rp, rp.open_login())
    rp.post(page, page=page, login="anne.pierre", password="correct cheval batterie agrafe")
    return rp, page


def test_whoever_has_the_password_alone_keeps_nobody_out(provider: Provider) -> None:
    account = provider.add_account("anne.pierre", rpps=RPPS)
    provider.set_policy("card", ("cps_card:after=password",))
    provider.clock.advance(seconds=1)
    thief, page = with_password_first(provider)
    for _ in range(6):
        answer = thief.browser.post(page, data={**card.asked(thief, page), "token": "{}"})
    assert "Trop d&#39;essais" in answer.text
    assert {event.subject for event in provider.events("login.failed")} == {account.account_id}
    anne, page = with_password_first(provider)
    assert "code" in answer_of(anne.browser.post(page, data=signed(anne, page)))
