"""Which account an upstream signs in, and those who try to take somebody else's by it."""

from collections.abc import Callable

import pytest

from demo.look_alike import ANNE as RPPS
from tests.fakes.federated import PSC, back, leave, shown, through, with_upstreams
from tests.fakes.portal import links
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, hidden_of, path_of
from tests.fakes.upstream import FakeUpstream


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    return with_upstreams(start(), psc)


# -- nobody holds it: two factors of the account, then a yes -----------------------------------------


def test_two_factors_link_it_once_and_the_next_login_is_direct(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    assert path_of(through(rp, psc, path)) == path
    assert "Votre identité Pro Santé Connect n'est pas encore reliée à un compte." in shown(rp.browser.get(path))
    assert path_of(rp.give_otp(path)) == path
    page = shown(rp.browser.get(path))
    assert "Anne PIERRE" in page
    assert RPPS in page
    assert links(provider) == []
    rp.browser.post(f"{path}/link", data={**hidden_of(rp.browser.get(path)), "decision": "link"})
    assert "code" in answer_of(rp.browser.get(path))
    assert links(provider) == [PSC]
    again = RelyingParty(provider, "psc")
    assert "code" in answer_of(through(again, psc, again.open_login()))


def test_names_that_are_missing_go_to_support(provider: Provider, psc: FakeUpstream) -> None:
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    through(rp, psc, path, "sparse")
    page = shown(rp.browser.get(path))
    assert "n'a pas transmis votre nom : seule l'assistance pourra relier votre compte." in page
    assert "method-email_otp" not in page


# -- attempts at somebody else's account -------------------------------------------------------------


def test_the_same_address_links_nothing(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    psc.behaviour.become(userinfo={"email": "anne.pierre@chu.example", "email_verified": True})
    rp = RelyingParty(provider, "psc")
    path = rp.open_login()
    through(rp, psc, path)
    assert "pas encore reliée" in shown(rp.browser.get(path))
    assert links(provider) == []


def test_a_stolen_password_and_ones_own_card_link_nothing(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    through(rp, psc, path, "karim")
    form = {**hidden_of(rp.browser.get(path)), "login": "anne.pierre", "password": PASSWORD}
    assert rp.browser.post(f"{path}/password", data=form).status_code == 403
    rp.give_otp(path)  # and her mailbox too
    refused = rp.browser.post(f"{path}/link", data={**hidden_of(rp.browser.get(path)), "decision": "link"})
    assert refused.status_code == 403
    assert links(provider) == []
    assert provider.events("alert.raised")[0].detail["kind"] == "link.names_differ"


def test_a_login_begun_elsewhere_is_nothing_in_this_browser(provider: Provider, psc: FakeUpstream) -> None:
    """Login CSRF: the victim's browser is sent to the attacker's callback."""
    provider.add_account("anne.pierre", rpps=RPPS)
    attacker, victim = RelyingParty(provider, "psc"), RelyingParty(provider, "psc")
    query = psc.sign_in(leave(attacker, attacker.open_login()))
    assert back(victim, query).status_code == 403
    assert not provider.events("login.succeeded")
