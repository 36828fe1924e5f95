"""A policy has a date: pages, sessions of the evening before and silent requests obey at that instant."""

from datetime import timedelta

import pytest

from idp.errors import InvalidOperation
from idp.flows.operators import policies
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of


def upcoming(provider: Provider, **delta: float) -> str:
    """From then on, the code is asked."""
    at = provider.clock.now() + timedelta(**delta)
    with provider.services.db.write() as tx:
        return policies.add(provider.desk, tx, "rp", ("email_otp",), effective_from=at).policy_id


def test_a_policy_of_tomorrow_is_obeyed_at_its_instant(provider: Provider) -> None:
    upcoming(provider, hours=1)
    provider.clock.advance(minutes=59, seconds=59)
    rp = RelyingParty(provider)
    assert "login-password" in rp.browser.get(rp.open_login()).text
    provider.clock.advance(seconds=1)
    page = rp.browser.get(rp.open_login())
    assert "login-password" not in page.text
    assert 'id="method-email_otp"' in page.text


def test_a_session_of_the_evening_before_is_not_accepted(provider: Provider) -> None:
    upcoming(provider, minutes=10)
    rp = RelyingParty(provider)
    rp.login()
    provider.clock.advance(minutes=9)
    assert "code" in rp.silent()
    provider.clock.advance(minutes=1)
    assert rp.silent()["error"] == "login_required"
    assert "code" in answer_of(rp.give_otp(rp.open_login(), password=None))
    assert "code" in rp.silent()


def test_a_change_is_obeyed_at_the_next_login(provider: Provider) -> None:
    rp = RelyingParty(provider)
    rp.login()
    provider.clock.advance(seconds=1)
    provider.set_policy("rp", ("email_otp",), notice="Le mot de passe n'est plus accepté depuis le 1er juillet.")
    assert rp.silent()["error"] == "login_required"
    assert "n&#39;est plus accepté depuis le 1er juillet" in rp.browser.get(rp.open_login()).text
    provider.clock.advance(seconds=1)
    provider.set_policy("rp", ("password",))
    assert "code" in rp.silent()


def test_a_login_that_began_before_the_instant_ends_after_it(provider: Provider) -> None:
    """The policy of the moment of the proof decides, not the one of the page."""
    upcoming(provider, minutes=5)
    rp = RelyingParty(provider)
    path = rp.open_login()
    provider.clock.advance(minutes=5)
    assert rp.post(f"{path}/password", page=path, login="anne.pierre", password="x").status_code == 403
    assert "code" in answer_of(rp.give_otp(path))


@pytest.mark.parametrize(("minutes", "alive"), [(10, True), (10.02, False)])
def test_the_policys_max_age(provider: Provider, minutes: float, alive: bool) -> None:
    provider.clock.advance(seconds=1)
    provider.set_policy("rp", ("password",), max_age=timedelta(minutes=10))
    rp = RelyingParty(provider)
    rp.login()
    provider.clock.advance(minutes=minutes)
    assert ("code" in rp.silent()) is alive
    if not alive:
        assert "trop ancienne" in rp.browser.get(rp.open_login()).text


def test_a_future_policy_can_be_cancelled_and_is_then_not_obeyed(provider: Provider) -> None:
    policy_id = upcoming(provider, minutes=5)
    policies.cancel(provider.desk, policy_id)
    provider.clock.advance(minutes=5)
    rp = RelyingParty(provider)
    assert "code" in rp.login()


def test_a_policy_in_force_cannot_be_cancelled_nor_begin_in_the_past(provider: Provider) -> None:
    policy_id = upcoming(provider, minutes=5)
    provider.clock.advance(minutes=5)
    with pytest.raises(InvalidOperation, match="still to come"):
        policies.cancel(provider.desk, policy_id)
    with pytest.raises(InvalidOperation, match="in the past"):
        upcoming(provider, seconds=-1)


def test_the_policy_of_one_service_says_nothing_of_another(provider: Provider) -> None:
    provider.add_client("other")
    upcoming(provider, minutes=5)
    provider.clock.advance(minutes=5)
    assert "code" in RelyingParty(provider, "other").login()
