"""From « Mon compte »: a fresh proof before what is sensitive, and a card that is linked."""

from collections.abc import Callable

import pytest

from idp.domain.account import AccountStatus
from idp.flows.operators import accounts
from tests.fakes import national_card
from tests.fakes.national_card import ANNE
from tests.fakes.portal import asked, at_the_portal, links, present
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, hidden_of, path_of

EXPORT = "/compte/account/export"


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    national_card.install(monkeypatch)
    made = start(methods=("email_otp", "password", "national_card"))
    made.add_client("card", methods=("national_card",))
    return made


def add_card(visitor: RelyingParty) -> str:
    """Press « Ajouter »; the path of the login."""
    form = {"csrf": csrf_of(visitor.browser.get("/compte/means")), "method": "national_card"}
    return path_of(visitor.browser.post("/compte/means/add", data=form))


# -- a fresh proof --------------------------------------------------------------------------------


def test_a_password_is_not_enough_where_there_is_more(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    visitor = at_the_portal(provider)
    path = asked(visitor, EXPORT)
    page = visitor.browser.get(path)
    assert "Confirmez que c&#39;est vous." in page.text
    assert f'action="{path}/password"' not in page.text
    assert "Utiliser un autre compte" not in page.text
    forged = {**hidden_of(page), "login": "anne.pierre", "password": PASSWORD}
    assert visitor.browser.post(f"{path}/password", data=forged).status_code == 403
    assert path_of(visitor.give_otp(path, password=None)) == EXPORT
    assert visitor.browser.get(EXPORT).status_code == 200


def test_a_proof_is_fresh_for_five_minutes(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    visitor = at_the_portal(provider)
    visitor.give_otp(asked(visitor, EXPORT), password=None)
    provider.clock.advance(minutes=5)
    assert visitor.browser.get(EXPORT).status_code == 200
    provider.clock.advance(seconds=1)
    asked(visitor, EXPORT)


def test_a_password_will_do_where_there_is_nothing_else(provider: Provider) -> None:
    provider.add_account("anne.pierre", email="")
    visitor = at_the_portal(provider)
    assert visitor.browser.get(EXPORT).status_code == 200
    provider.clock.advance(minutes=6)
    path = asked(visitor, EXPORT)
    assert path_of(visitor.give_password(path)) == EXPORT


def test_but_not_to_add_a_means(provider: Provider) -> None:
    provider.add_account("anne.pierre", email="")
    visitor = at_the_portal(provider)
    form = {"csrf": csrf_of(visitor.browser.get("/compte/means")), "method": "national_card"}
    refused = visitor.browser.post("/compte/means/add", data=form)
    assert refused.status_code == 403
    assert "Contactez l&#39;assistance" in refused.text


def test_somebody_else_cannot_confirm(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    provider.add_account("luc.durand")
    visitor = at_the_portal(provider)
    provider.clock.advance(minutes=6)
    path = asked(visitor, EXPORT)
    visitor.give_otp(path, "luc.durand")
    asked(visitor, EXPORT)


def test_giving_up_leads_back_to_the_portal(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    visitor = at_the_portal(provider)
    path = asked(visitor, EXPORT)
    assert path_of(visitor.post(f"{path}/cancel", page=path)) == "/compte"


def test_a_confirmation_issues_no_code(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    visitor = at_the_portal(provider)
    issued = len(provider.events("authorization.issued"))
    visitor.give_otp(asked(visitor, EXPORT), password=None)
    assert len(provider.events("authorization.issued")) == issued


def test_the_best_means_is_asked_for(provider: Provider) -> None:
    account = provider.add_account("anne.pierre", rpps=ANNE["rpps"])
    with provider.services.db.write() as tx:
        tx.means.add_link(account.account_id, "national_card", provider.clock.now())
    visitor = at_the_portal(provider)
    path = asked(visitor, EXPORT)
    page = visitor.browser.get(path)
    assert f"{path}/national_card" in page.text
    assert f"{path}/email_otp" not in page.text
    assert path_of(present(visitor, path)) == EXPORT


def test_an_unknown_card_confirms_nothing_and_is_not_linked_on_the_way(provider: Provider) -> None:
    account = provider.add_account("anne.pierre", rpps="10109999999")
    with provider.services.db.write() as tx:
        tx.means.add_link(account.account_id, "national_card", provider.clock.now())
    visitor = at_the_portal(provider)
    path = asked(visitor, EXPORT)
    assert "ne permet pas encore" in present(visitor, path, rpps="10100000001").text
    asked(visitor, EXPORT)


# -- linking --------------------------------------------------------------------------------------


def test_two_factors_then_the_card_then_a_yes(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    visitor = at_the_portal(provider)
    path = add_card(visitor)
    assert path_of(visitor.give_otp(path)) == path
    assert "Présentez ce que vous voulez relier." in visitor.browser.get(path).text
    assert path_of(present(visitor, path)) == path
    form = {**hidden_of(visitor.browser.get(path)), "decision": "link"}
    assert path_of(visitor.browser.post(f"{path}/link", data=form)) == "/compte/means"
    assert links(provider) == ["national_card"]
    assert visitor.browser.get(path).status_code == 410
    assert "Carte d&#39;essai" in visitor.browser.get("/compte/means").text


def test_the_card_before_the_two_factors_is_refused(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    visitor = at_the_portal(provider)
    path = add_card(visitor)
    assert visitor.post(f"{path}/national_card", page=path, **ANNE).status_code == 403
    assert links(provider) == []


def test_what_another_tab_linked_meanwhile_is_not_linked_again(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    visitor = at_the_portal(provider)
    path, other = add_card(visitor), add_card(visitor)
    visitor.give_otp(path)
    visitor.give_otp(other)
    present(visitor, path)
    visitor.browser.post(f"{path}/link", data={**hidden_of(visitor.browser.get(path)), "decision": "link"})
    assert "est déjà relié à votre compte" in present(visitor, other).text
    assert links(provider) == ["national_card"]
    assert len(provider.events("means.linked")) == 1


def test_no_links_nothing(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    visitor = at_the_portal(provider)
    path = add_card(visitor)
    visitor.give_otp(path)
    present(visitor, path)
    form = {**hidden_of(visitor.browser.get(path)), "decision": "no"}
    assert path_of(visitor.browser.post(f"{path}/link", data=form)) == "/compte/means"
    assert links(provider) == []


def test_a_card_of_another_account_is_refused_and_support_alerted(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    provider.add_account("anne.pierre2", given_name="Anne", family_name="Pierre", rpps=ANNE["rpps"])
    visitor = at_the_portal(provider)
    path = add_card(visitor)
    visitor.give_otp(path)
    refused = present(visitor, path)
    assert "ne peut pas être relié à ce compte" in refused.text
    assert "pierre2" not in refused.text
    assert links(provider) == links(provider, "anne.pierre2") == []
    assert provider.events("alert.raised")[0].detail["kind"] == "link.identity_taken"


def test_suspended_before_the_yes(provider: Provider) -> None:
    provider.add_account("anne.pierre")
    visitor = at_the_portal(provider)
    path = add_card(visitor)
    visitor.give_otp(path)
    present(visitor, path)
    form = {**hidden_of(visitor.browser.get(path)), "decision": "link"}
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "test")
    visitor.browser.post(f"{path}/link", data=form)
    assert links(provider) == []
