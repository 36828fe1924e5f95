"""Two accounts in one browser: nobody slips into somebody else's session."""

import pytest

from idp.domain.account import AccountStatus
from idp.flows.operators import accounts
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, hidden_of, path_of

SESSION = "__Host-sesame-session"


@pytest.fixture
def samir(provider: Provider) -> str:
    return provider.add_account("samir", given_name="Samir", family_name="Haddad").account_id


def in_conflict(provider: Provider) -> tuple[RelyingParty, str]:
    """Anne is signed in, and Samir gave his password."""
    rp = RelyingParty(provider)
    rp.login()
    path = rp.open_login(prompt="login")
    assert path_of(rp.give_password(path, "samir")) == path
    return rp, path


def test_the_page_names_both_and_opens_nothing(provider: Provider, samir: str) -> None:
    rp, path = in_conflict(provider)
    page = rp.browser.get(path)
    assert "pas le même compte" in page.text
    assert "Anne Pierre" in page.text
    assert "Samir Haddad" in page.text
    assert not [event for event in provider.events("login.succeeded") if event.subject == samir]
    assert not [event for event in provider.events("authorization.issued") if event.subject == samir]


def test_a_method_cannot_be_run_on_over_a_conflict(provider: Provider, samir: str) -> None:
    rp, path = in_conflict(provider)
    assert path_of(rp.post(f"{path}/password", page=path, login="samir", password="x")) == path
    assert path_of(rp.browser.get(f"{path}/password")) == path


def test_switch_signs_the_first_out(provider: Provider, samir: str) -> None:
    rp = RelyingParty(provider)
    tokens = rp.tokens()
    path = rp.open_login(prompt="login")
    rp.give_password(path, "samir")
    assert path_of(rp.post(f"{path}/account", page=path, choice="switch")) == path
    claims = rp.redeem(answer_of(rp.browser.get(path))["code"])["claims"]
    assert claims["sub"] == samir
    assert claims["sid"] != tokens["claims"]["sid"]
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    assert provider.events("session.ended")[0].subject == tokens["claims"]["sub"]


def test_cancel_keeps_the_first_and_forgets_the_second(provider: Provider, samir: str) -> None:
    rp, path = in_conflict(provider)
    rp.post(f"{path}/account", page=path, choice="cancel")
    page = rp.browser.get(path)
    assert page.status_code == 200  # prompt=login still asks
    assert "Samir" not in page.text
    answer = answer_of(rp.give_password(path))
    assert rp.redeem(answer["code"])["claims"]["sub"] != samir


@pytest.mark.parametrize("choice", ["continue", "", "other-thing"])
def test_no_other_answer_gets_through_a_conflict(provider: Provider, samir: str, choice: str) -> None:
    rp, path = in_conflict(provider)
    rp.post(f"{path}/account", page=path, choice=choice)
    assert rp.browser.get(path).status_code == 200
    assert not [event for event in provider.events("authorization.issued") if event.subject == samir]


def test_switch_without_a_conflict_opens_nothing(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login()
    assert path_of(rp.post(f"{path}/account", page=path, choice="switch")) == path
    assert rp.browser.get_cookie(SESSION) is None


def test_select_account_continue(provider: Provider) -> None:
    rp = RelyingParty(provider)
    sub = rp.tokens()["claims"]["sub"]
    path = rp.open_login(prompt="select_account")
    page = rp.browser.get(path)
    assert "Avec quel compte continuer ?" in page.text
    assert "Anne Pierre" in page.text
    rp.post(f"{path}/account", page=path, choice="continue")
    assert rp.redeem(answer_of(rp.browser.get(path))["code"])["claims"]["sub"] == sub


def test_select_account_other(provider: Provider, samir: str) -> None:
    rp = RelyingParty(provider)
    tokens = rp.tokens()
    path = rp.open_login(prompt="select_account")
    rp.post(f"{path}/account", page=path, choice="other")
    assert rp.silent()["error"] == "login_required"
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    page = rp.browser.get(path)
    assert "login-password" in page.text
    assert "anne" not in page.text
    answer = answer_of(rp.give_password(path, "samir"))
    assert rp.redeem(answer["code"])["claims"]["sub"] == samir


def test_select_account_without_a_session_just_asks(provider: Provider) -> None:
    rp = RelyingParty(provider)
    assert "code" in answer_of(rp.give_password(rp.open_login(prompt="select_account")))


def test_the_account_that_the_service_expects(provider: Provider, samir: str) -> None:
    hint = RelyingParty(provider).tokens()["id_token"]
    rp = RelyingParty(provider)
    path = rp.open_login(id_token_hint=hint)
    page = rp.give_password(path, "samir")
    assert "Ce n&#39;est pas le compte que ce service attend." in page.text
    assert rp.browser.get_cookie(SESSION) is None
    assert provider.events("login.failed")[0].detail["reason"] == "other_account"
    assert "code" in answer_of(rp.give_password(path))


def consenting(provider: Provider) -> tuple[RelyingParty, str]:
    rp = RelyingParty(provider)
    path = rp.open_login(prompt="consent")
    assert path_of(rp.give_password(path)) == path
    return rp, path


def test_a_consent_finishes_the_login(provider: Provider) -> None:
    rp, path = consenting(provider)
    rp.consent(path)
    assert "code" in answer_of(rp.browser.get(path))


def test_a_consent_counts_only_where_it_is_asked(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login(prompt="consent")
    with provider.services.db.read() as tx:
        anne = tx.accounts.find_by_login("anne.pierre")
    assert anne
    rp.post(f"{path}/consent", page=path, decision="allow", account=anne.account_id)
    rp.give_password(path)
    assert "Autoriser" in rp.browser.get(path).text


@pytest.mark.parametrize("end", ["logout", "suspended"])
def test_a_proof_does_not_outlive_the_session_that_it_opened(provider: Provider, end: str) -> None:
    """Signed out in another tab while the consent page was open: pressing it must not sign in again."""
    rp, path = consenting(provider)
    page = rp.browser.get(path)
    if end == "logout":
        with provider.services.db.write() as tx:
            account = tx.accounts.find_by_login("anne.pierre")
            assert account
            tx.sessions.end_all(account.account_id, provider.clock.now())
    else:
        for status in (AccountStatus.SUSPENDED, AccountStatus.ACTIVE):
            accounts.set_status(provider.desk, "anne.pierre", status, "test")
    rp.browser.post(f"{path}/consent", data={**hidden_of(page), "decision": "allow"})
    assert "login-password" in rp.browser.get(path).text
    assert rp.silent()["error"] == "login_required"
    assert len(provider.events("login.succeeded")) == 1
    assert not provider.events("authorization.issued")


def test_a_login_left_open_does_not_bring_back_who_logged_out(provider: Provider, samir: str) -> None:
    """On a shared workstation, the next person must not become the last one."""
    rp = RelyingParty(provider)
    left = rp.open_login(prompt="consent")
    assert path_of(rp.give_password(left)) == left
    rp.browser.post("/compte/logout", data={"csrf": csrf_of(rp.browser.get(left))})
    rp.give_password(rp.open_login(), login="samir")
    shown = rp.browser.get(left)
    assert "Anne" not in shown.text
    rp.post(f"{left}/account", page=left, choice="switch")
    assert rp.redeem(rp.silent()["code"])["claims"]["sub"] == samir


def test_a_conflict_ends_with_the_session_that_it_was_with(provider: Provider, samir: str) -> None:
    rp = RelyingParty(provider)
    rp.give_password(rp.open_login())
    left = rp.open_login(prompt="login")
    rp.give_password(left, login="samir")  # samir was proven while anne is signed in, and walks away
    rp.browser.post("/compte/logout", data={"csrf": csrf_of(rp.browser.get(left))})
    rp.give_password(rp.open_login())
    assert 'id="login-password"' in rp.browser.get(left).text
