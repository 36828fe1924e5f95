"""A service that wants one login by the account's own means before it accepts an upstream (`requires_prior_login`)."""

from collections.abc import Callable

import pytest

from demo.look_alike import ANNE as RPPS
from tests.fakes.federated import PSC, shown, through, with_upstreams
from tests.fakes.portal import links
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, error_of, hidden_of, path_of
from tests.fakes.upstream import FakeUpstream

WANTED = "connectez-vous une première fois avec un autre mode"
OPTION = f"{PSC}:requires_prior_login=yes"


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    made = with_upstreams(start(), psc)
    made.add_account("anne.pierre", rpps=RPPS)
    made.clock.advance(seconds=1)
    made.set_policy("ror", (OPTION, "email_otp"))
    made.add_client("code", methods=(OPTION, "email_otp:alone"))
    made.add_client("open", methods=("password",))
    return made


def test_nobody_comes_in_by_it_before(provider: Provider, psc: FakeUpstream) -> None:
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    assert WANTED in shown(through(rp, psc, path))
    assert provider.events("login.failed")[0].detail == {"method": PSC, "reason": "prior_login_needed"}
    assert links(provider) == []
    assert "code" in answer_of(rp.give_otp(path))
    again = RelyingParty(provider, "ror")
    assert "code" in answer_of(through(again, psc, again.open_login()))


def test_a_session_of_another_service_is_no_way_around_it(provider: Provider, psc: FakeUpstream) -> None:
    elsewhere = RelyingParty(provider, "psc")
    assert "code" in answer_of(through(elsewhere, psc, elsewhere.open_login()))
    rp = RelyingParty(provider, "ror", elsewhere.browser)
    assert error_of(rp.authorize(prompt="none")) == "login_required"
    path = rp.open_login()
    assert WANTED in shown(rp.browser.get(path))
    assert WANTED in shown(through(rp, psc, path))
    assert "code" in answer_of(rp.give_otp(path))
    assert "code" in rp.silent()


def test_nor_is_a_refresh_token(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_client("long", methods=(PSC, "password"), grant_types=("authorization_code", "refresh_token"))
    rp = RelyingParty(provider, "long")
    token = rp.redeem(answer_of(through(rp, psc, rp.open_login()))["code"])["refresh_token"]
    provider.clock.advance(seconds=1)
    provider.set_policy("long", (OPTION, "password"))
    refused = rp.refresh(token)
    assert (refused.status_code, refused.json and refused.json["error"]) == (400, "invalid_grant")
    anywhere = RelyingParty(provider, "open")
    assert "code" in answer_of(anywhere.give_password(anywhere.open_login()))
    assert rp.refresh(token).status_code == 200


def test_nor_is_a_login_by_it_a_login_before(provider: Provider, psc: FakeUpstream) -> None:
    for _ in range(2):
        elsewhere = RelyingParty(provider, "psc")
        assert "code" in answer_of(through(elsewhere, psc, elsewhere.open_login()))
    rp = RelyingParty(provider, "ror")
    assert WANTED in shown(through(rp, psc, rp.open_login()))


def test_who_has_no_password_signs_in_by_a_code_alone(start: Callable[..., Provider], psc: FakeUpstream) -> None:
    """Nothing of such a login is stored but that it was."""
    made = with_upstreams(start(), psc)
    made.add_client("code", methods=(OPTION, "email_otp:alone"))
    made.add_account("anne.pierre", rpps=RPPS, password=None)
    rp = RelyingParty(made, "code")
    path = rp.open_login()
    assert WANTED in shown(through(rp, psc, path))
    rp.post(f"{path}/email_otp", page=path)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre")
    assert "code" in answer_of(rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=made.last_code()))
    again = RelyingParty(made, "code")
    assert "code" in answer_of(through(again, psc, again.open_login()))


def test_a_login_at_any_service_is_one_and_outlives_what_it_was_made_by(provider: Provider, psc: FakeUpstream) -> None:
    anywhere = RelyingParty(provider, "open")
    assert "code" in answer_of(anywhere.give_password(anywhere.open_login()))
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        tx.means.revoke_all(account.account_id, provider.clock.now())
        tx.browsers.forget(account.account_id)
    rp = RelyingParty(provider, "ror")
    assert "code" in answer_of(through(rp, psc, rp.open_login()))


def test_a_password_that_did_not_do_is_no_login(provider: Provider, psc: FakeUpstream) -> None:
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password="wrong")
    assert WANTED in shown(through(rp, psc, path))


def test_two_factors_in_the_same_login_are_one(provider: Provider, psc: FakeUpstream) -> None:
    provider.add_account("karim.benali")
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    assert path_of(through(rp, psc, path, "karim")) == path
    rp.give_otp(path, "karim.benali")
    page = rp.browser.get(path)
    assert "Karim BENALI" in shown(page)
    rp.browser.post(f"{path}/link", data={**hidden_of(page), "decision": "link"})
    again = RelyingParty(provider, "ror")
    assert "code" in answer_of(through(again, psc, again.open_login(), "karim"))
