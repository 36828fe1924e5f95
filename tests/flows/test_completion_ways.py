"""The form of a first login: where it leads, and what is left to prove."""

from collections.abc import Callable

import pytest

from demo.look_alike import ANNE as RPPS
from demo.pro_sante_connect.people import NADIA
from idp.domain.account import AccountStatus
from idp.domain.authn import IdentityRef
from idp.errors import InvalidOperation
from idp.flows.operators import accounts, cards
from tests.fakes import completing
from tests.fakes.completing import ADDRESS, NOBODYS, SUPPORT
from tests.fakes.federated import PSC, shown, through
from tests.fakes.portal import links
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of
from tests.fakes.upstream import FakeUpstream


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    return completing.provider(start, psc)


def test_the_code_then_the_password_then_a_yes(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    rp, path = completing.arrived(provider, psc)
    page = shown(rp.browser.get(path))
    assert "Finaliser votre connexion" in page
    assert "Anne PIERRE" in page
    assert 'name="given_name"' not in page
    assert path_of(completing.complete(rp, path, email=f" {ADDRESS.upper()} ")) == f"{path}/complete"
    assert path_of(completing.give(rp, path, provider.last_code())) == f"{path}/complete"
    assert path_of(rp.browser.get(f"{path}/complete")) == f"{path}/email_otp"
    page = shown(rp.browser.get(f"{path}/email_otp"))
    assert "Étape 2 sur 2" in page
    assert ADDRESS in page
    assert path_of(completing.give_password(rp, path)) == path
    assert len(provider.mails()) == 1  # no other code is asked for
    assert links(provider) == []
    completing.links_it(rp, path)
    assert "code" in answer_of(rp.browser.get(path))
    assert links(provider) == [PSC]
    again = RelyingParty(provider, "ror")
    assert "code" in answer_of(through(again, psc, again.open_login()))
    (event,) = provider.events("login.address_proven")
    assert event.detail == {"method": PSC, "account": "yes", "names": "yes"}
    assert event.personal["email"] == ADDRESS


def test_who_knows_their_login_needs_no_form(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    rp, path = completing.arrived(provider, psc)
    assert path_of(rp.give_otp(path)) == path
    completing.links_it(rp, path)
    assert links(provider) == [PSC]


def test_an_address_that_nobody_has_is_for_support(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    rp, path = completing.proven(provider, psc, NOBODYS)
    page = shown(rp.browser.get(f"{path}/complete"))
    assert "Aucun compte n'a cette adresse" in page
    assert page.count(SUPPORT) > shown(rp.browser.get("/password/forgot")).count(SUPPORT)
    assert NOBODYS in shown(rp.browser.get(path))  # and may be put right
    assert path_of(completing.complete(rp, path, email=ADDRESS)) == f"{path}/complete"


@pytest.mark.parametrize(("state", "said"), [("no password", "seconde preuve"), ("suspended", "n'est pas actif")])
def test_an_account_that_cannot_prove_more_is_for_support(
    provider: Provider, psc: FakeUpstream, state: str, said: str
) -> None:
    provider.add_account("anne.pierre", password=None if state == "no password" else PASSWORD)
    if state == "suspended":
        accounts.set_status(provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "test")
    rp, path = completing.proven(provider, psc)
    assert said in shown(rp.browser.get(f"{path}/complete"))
    assert links(provider) == []


def test_names_that_are_missing_are_asked_for_and_link_nothing(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("nadia.sobre")
    rp, path = completing.arrived(provider, psc, "sparse")
    address = "nadia.sobre@chu.example"
    assert completing.is_refused(
        completing.complete(rp, path, email=address, given_name=" \x00 ", family_name="Sobre"), "prénom et votre nom"
    )
    completing.complete(rp, path, email=address, given_name="Nadia", family_name="Sobre")
    completing.give(rp, path, provider.last_code())
    page = shown(rp.browser.get(f"{path}/complete"))
    assert "L'assistance doit relier votre compte" in page
    (event,) = provider.events("login.address_proven")
    assert event.detail == {"method": PSC, "account": "yes", "names": "no"}
    assert (event.personal["given_name"], event.personal["family_name"]) == ("Nadia", "Sobre")
    completing.give_password(rp, path, address)
    assert completing.links_it(rp, path).status_code == 403
    assert links(provider, "nadia.sobre") == []


def test_somebody_without_a_name_is_linked_by_support(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("nadia.sobre")
    with pytest.raises(InvalidOperation):
        cards.link(
            provider.services, provider.desk, "nadia.sobre", IdentityRef("rpps", NADIA), "seen", method_id="email_otp"
        )
    cards.link(provider.services, provider.desk, "nadia.sobre", IdentityRef("rpps", NADIA), "seen", method_id=PSC)
    rp = RelyingParty(provider, "ror")
    assert "code" in answer_of(through(rp, psc, rp.open_login(), "sparse"))
    assert links(provider, "nadia.sobre") == [PSC]
    assert provider.events("means.linked")[0].detail["reason"] == "seen"


def test_an_account_that_holds_the_number_sees_no_form(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    rp = RelyingParty(provider, "ror")
    assert "code" in answer_of(through(rp, psc, rp.open_login()))
