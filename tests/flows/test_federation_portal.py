"""Pro Santé Connect in « Mon compte »: a fresh proof by it, and a link that is added and removed there."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from demo.look_alike import ANNE as RPPS
from demo.pro_sante_connect.behaviour import Switch
from tests.fakes.federated import PSC, leave, shown, through, with_upstreams
from tests.fakes.portal import MEANS, asked, at_the_portal, enter, links
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, hidden_of, path_of
from tests.fakes.upstream import FakeUpstream

EXPORT = "/compte/account/export"


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    made = with_upstreams(start(), psc)
    made.clock.advance(seconds=1)
    made.set_policy("portail", (PSC, "email_otp", "password"))
    return made


def by(psc: FakeUpstream, mode: str) -> Callable[[RelyingParty, str], object]:
    return lambda rp, path: through(rp, psc, path, mode=mode)


def test_a_telephone_is_enough_for_who_may_have_no_card(provider: Provider, psc: FakeUpstream) -> None:
    """The method reaches HIGH with a card: that must not be asked of everybody."""
    provider.add_account("anne.pierre", rpps=RPPS)
    visitor = enter(provider, by(psc, "MOBILE"))
    provider.clock.advance(minutes=6)
    path = asked(visitor, EXPORT)
    psc.pages.delete_cookie("psc_session")
    assert path_of(through(visitor, psc, path, mode="MOBILE")) == EXPORT
    assert visitor.browser.get(EXPORT).status_code == 200


def test_what_is_sensitive_asks_for_a_recent_login_there_too(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre", rpps=RPPS)
    visitor = enter(provider, by(psc, "CARD"))
    provider.clock.advance(minutes=6)
    path = asked(visitor, EXPORT)
    assert parse_qs(urlsplit(leave(visitor, path)).query)["max_age"] == ["300"]
    psc.behaviour.become(Switch.OLD_AUTH_TIME)
    assert "ne confirme pas que vous venez" in shown(through(visitor, psc, path))
    assert path_of(visitor.browser.get(EXPORT)) != EXPORT


def test_a_session_there_that_nobody_touched_opens_nothing_sensitive(provider: Provider, psc: FakeUpstream) -> None:
    """Whoever sits down at a workstation that was left comes in without a touch."""
    provider.add_account("anne.pierre", rpps=RPPS)
    psc.behaviour.become(Switch.OLD_AUTH_TIME)
    visitor = enter(provider, by(psc, "CARD"))
    path = asked(visitor, EXPORT)
    assert "ne confirme pas que vous venez" in shown(through(visitor, psc, path))
    psc.behaviour.become()
    assert path_of(through(visitor, psc, path)) == EXPORT
    assert visitor.browser.get(EXPORT).status_code == 200


def test_it_is_linked_from_there_by_two_factors_and_a_yes(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("anne.pierre")
    visitor = at_the_portal(provider)
    form = {"csrf": csrf_of(visitor.browser.get(MEANS)), "method": PSC}
    path = path_of(visitor.browser.post(f"{MEANS}/add", data=form))
    visitor.give_otp(path)
    assert path_of(through(visitor, psc, path)) == path
    visitor.browser.post(f"{path}/link", data={**hidden_of(visitor.browser.get(path)), "decision": "link"})
    assert links(provider) == [PSC]
    assert "Pro Santé Connect" in shown(visitor.browser.get(MEANS))
