"""What an emergency code opened ends with it, and those who must know are told."""

import html
import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from idp.flows.operators import emergency
from idp.flows.operators.purging import purge
from tests.fakes.portal import enter
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.refreshing import make
from tests.fakes.relying_party import RelyingParty, answer_of, error_of, hidden_of, path_of
from tests.fakes.rescue import SECOND, after_password, at_the_code, give, in_the_portal, issued, session_of, with_codes


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_codes(start)


# -- it ends with the code ---------------------------------------------------------------


def test_the_session_ends_with_the_code(provider: Provider) -> None:
    code = issued(provider, hours=1)
    provider.clock.advance(minutes=50)
    rp, path = at_the_code(provider)
    answer_of(give(rp, path, code))
    assert session_of(provider, rp).expires_at == provider.clock.now() + timedelta(minutes=10)
    assert answer_of(rp.authorize(prompt="none"))["code"]
    provider.clock.advance(minutes=10)
    assert error_of(rp.authorize(prompt="none")) == "login_required"


def test_it_is_never_longer_than_another(provider: Provider) -> None:
    code = issued(provider, hours=24)
    rp, path = at_the_code(provider)
    answer_of(give(rp, path, code))
    lifetime = provider.services.settings.session_lifetime
    assert session_of(provider, rp).expires_at == provider.clock.now() + lifetime


def offline(provider: Provider, hours: int) -> tuple[RelyingParty, str]:
    """A client that may stay connected, and its code, of a login by an emergency code with five minutes left."""
    methods, scopes = ("email_otp", "emergency_code"), ("openid", "offline_access")
    rp = make(provider, "stays", methods=methods, scopes=scopes, offline_lifetime=timedelta(days=10))
    code = issued(provider, hours=hours)
    provider.clock.advance(hours=hours, minutes=-5)
    path = rp.open_login(scope="openid offline_access")
    after_password(rp, path)
    return rp, answer_of(give(rp, path, code))["code"]


def test_tokens_end_with_the_code_and_nothing_stays_connected(provider: Provider) -> None:
    rp, code = offline(provider, hours=2)
    tokens = rp.redeem(code)
    assert tokens["expires_in"] <= 300
    assert tokens["claims"]["exp"] <= int((provider.clock.now() + timedelta(minutes=5)).timestamp())
    provider.clock.advance(minutes=4)
    renewed = rp.refresh(tokens["refresh_token"])
    assert renewed.status_code == 200
    assert renewed.json
    assert renewed.json["expires_in"] <= 60
    provider.clock.advance(minutes=1)
    assert rp.refresh(renewed.json["refresh_token"]).status_code == 400
    userinfo = provider.browser().get("/userinfo", headers={"Authorization": f"Bearer {renewed.json['access_token']}"})
    assert userinfo.status_code == 401


def test_signing_out_ends_what_would_have_stayed_connected(provider: Provider) -> None:
    rp, code = offline(provider, hours=2)
    tokens = rp.redeem(code)
    with provider.services.db.write() as tx:
        tx.sessions.end(session_of(provider, rp).session_id, provider.clock.now())
    assert rp.refresh(tokens["refresh_token"]).status_code == 400


def test_a_code_of_the_last_second_is_not_exchanged_after_it(provider: Provider) -> None:
    rp, _ = offline(provider, hours=2)
    provider.clock.advance(minutes=4, seconds=40)
    late = answer_of(rp.authorize(prompt="none", scope="openid"))["code"]
    provider.clock.advance(seconds=20)
    assert rp.token(late).status_code == 400


def test_a_proof_that_waited_too_long_opens_nothing(provider: Provider) -> None:
    """Of a login in a browser where somebody else is signed in: the question is answered when the code is over."""
    provider.add_account("karim.benali")
    code = issued(provider, hours=1)
    provider.clock.advance(minutes=55)
    karim = enter(provider, lambda rp, path: rp.give_otp(path, "karim.benali"))
    his = session_of(provider, karim).session_id
    rp = RelyingParty(provider, "strong", karim.browser)
    path = rp.open_login(prompt="login")
    after_password(rp, path)
    assert path_of(give(rp, path, code)) == path
    provider.clock.advance(minutes=5)
    late = rp.browser.post(f"{path}/account", data={**hidden_of(rp.browser.get(path)), "choice": "switch"})
    assert late.status_code == 410
    assert session_of(provider, karim).session_id == his


def test_a_temporary_proof_counts_until_its_end(provider: Provider) -> None:
    code = issued(provider, hours=1)
    rp, path = at_the_code(provider)
    answer_of(give(rp, path, code))
    (proof,) = session_of(provider, rp).proofs
    now = provider.clock.now()
    assert proof.until == now + timedelta(hours=1)
    assert [proof.has_ended(now + timedelta(minutes=each)) for each in (59, 60)] == [False, True]


def test_revoking_a_code_that_was_used_ends_what_it_opened(provider: Provider) -> None:
    rp = in_the_portal(provider)
    assert emergency.revoke(provider.desk, "anne.pierre") == 1
    assert rp.browser.get("/compte").status_code == 303
    assert provider.events("emergency_code.revoked")[0].detail["sessions"] == "1"


def test_its_browser_is_not_remembered(provider: Provider) -> None:
    rp = in_the_portal(provider)
    rp.post("/compte/logout", page="/compte")
    provider.mails().clear()
    enter(provider, lambda rp, path: rp.give_otp(path), browser=rp.browser)
    assert any("nouveau navigateur" in mail.text for mail in provider.mails())


def test_what_is_over_is_purged(provider: Provider) -> None:
    issued(provider, hours=1)
    assert "emergency_code" not in purge(provider.desk, provider.services.settings)
    provider.clock.advance(hours=1)
    assert purge(provider.desk, provider.services.settings)["emergency_code"] == 1


# -- who is told -------------------------------------------------------------------------


def test_holder_and_second_operator_are_told_of_the_issue(provider: Provider) -> None:
    issued(provider)
    letters = {mail.to: mail for mail in provider.mails()}
    assert letters.keys() == {"anne.pierre@chu.example", SECOND}
    for said in (letters["anne.pierre@chu.example"].text, html.unescape(letters["anne.pierre@chu.example"].html)):
        assert "Vous l'avez demandé ? Vous n'avez rien" in said
        assert "Vous n'avez rien demandé ? Bloquez l'accès" in said
        assert not re.search(r"était (pas )?vous", said)
    assert "Motif : reader out of order\nDate : " in letters[SECOND].text


def test_holder_second_operator_and_support_are_told_of_the_use(provider: Provider) -> None:
    code = issued(provider)
    provider.mails().clear()
    rp, path = at_the_code(provider)
    answer_of(give(rp, path, code))
    letters = {mail.to: mail.text for mail in provider.mails()}
    assert letters.keys() == {"anne.pierre@chu.example", SECOND, "support@region.example"}
    assert "a servi à se connecter à votre compte" in letters["anne.pierre@chu.example"]
    assert "C'était vous ? Vous n'avez rien" in letters["anne.pierre@chu.example"]
    assert "vient de servir.\n\nCompte : anne.pierre\nRemis par : test\n" in letters[SECOND]
    assert not [to for to, text in letters.items() if code in text or code.replace("-", "") in text]
    (event,) = provider.events("emergency_code.used")
    assert event.detail["issued_by"] == "test"
    with provider.services.db.read() as tx:
        assert [alert.kind for alert in tx.alerts.latest(5)] == ["emergency_code.used"]


def not_me(provider: Provider, to: str = "anne.pierre@chu.example") -> str:
    """The path in the last letter to somebody."""
    text = [mail.text for mail in provider.mails() if mail.to == to][-1]
    found = re.search(rf"{ISSUER}(/not-me/[\w-]+)", text)
    assert found, text
    return found[1]


def press(provider: Provider, path: str) -> None:
    assert provider.browser().post(path).status_code == 303


def test_who_did_not_ask_for_it_ends_it_before_it_is_used(provider: Provider) -> None:
    code = issued(provider)
    press(provider, not_me(provider))
    rp, path = at_the_code(provider)
    assert give(rp, path, code).status_code == 200
    assert not provider.events("login.succeeded")


def test_who_did_not_use_it_ends_the_session_and_the_password(provider: Provider) -> None:
    rp = in_the_portal(provider)
    press(provider, not_me(provider))
    assert rp.browser.get("/compte").status_code == 303
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        assert tx.accounts.password(account.account_id) is None
