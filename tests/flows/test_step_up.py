"""One session, several proofs: step-up, single sign-on, and a cookie that changes with each proof."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from idp.domain.session import Session
from idp.store.sessions import ROTATION_OVERLAP
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, path_of

SESSION = "__Host-sesame-session"


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start()
    made.add_client("weak")
    made.add_client("ror", methods=("email_otp",))
    made.add_client("espace", methods=("email_otp",))
    made.add_account("anne.pierre")
    return made


def cookie_of(browser: FlaskClient) -> str:
    found = browser.get_cookie(SESSION)
    assert found
    return found.value


def session_of(provider: Provider, cookie: str) -> Session | None:
    with provider.services.db.read() as tx:
        return tx.sessions.find(cookie, provider.clock.now(), provider.services.settings.session_idle)


def test_password_then_a_strong_service_then_nothing_more(provider: Provider) -> None:
    weak = RelyingParty(provider, "weak")
    sid = weak.tokens()["claims"]["sid"]
    ror, espace = RelyingParty(provider, "ror", weak.browser), RelyingParty(provider, "espace", weak.browser)
    assert ror.silent()["error"] == "login_required"
    path = ror.open_login()
    page = ror.browser.get(path)
    assert "Ce service n&#39;accepte pas le mot de passe seul" in page.text
    assert 'id="method-email_otp"' in page.text
    assert "login-password" not in page.text
    claims = ror.redeem(answer_of(ror.give_otp(path, password=None))["code"])["claims"]
    assert claims["sid"] == sid
    assert claims["acr"] == "eidas1"
    third = espace.redeem(answer_of(espace.authorize())["code"])["claims"]
    assert (third["sid"], third["auth_time"], third["sub"]) == (sid, claims["auth_time"], claims["sub"])
    assert "code" in weak.silent()


def test_the_page_says_who_is_signed_in_and_lets_somebody_else_in(provider: Provider) -> None:
    weak = RelyingParty(provider, "weak")
    ror = RelyingParty(provider, "ror", weak.browser)
    assert "account-other" not in ror.browser.get(ror.open_login()).text  # nobody is signed in yet
    weak.login()
    path = ror.open_login()
    page = ror.browser.get(path).text
    assert "Vous êtes déjà connecté en tant que" in page
    assert "Anne Pierre" in page
    assert "Use another account" in ror.browser.get(f"{path}?lang=en").text
    assert path_of(ror.post(f"{path}/account", page=path, choice="other")) == path
    samir = provider.add_account("samir")
    again = ror.browser.get(path).text
    assert "account-other" not in again
    assert "Anne" not in again
    assert provider.events("session.ended")
    claims = ror.redeem(answer_of(ror.give_otp(path, "samir"))["code"])["claims"]
    assert claims["sub"] == samir.account_id


def test_back_at_the_portal_nothing_is_asked(provider: Provider) -> None:
    browser = provider.browser()
    start = browser.get("/compte")
    login = path_of(browser.get(path_of(start)))
    page = browser.get(login)
    form = {"csrf": csrf_of(page), "login": "anne.pierre", "password": PASSWORD}
    back = browser.post(f"{login}/password", data=form)
    assert path_of(browser.get(path_of(back))) == "/compte"
    assert browser.get("/compte").status_code == 200
    ror = RelyingParty(provider, "ror", browser)
    ror.give_otp(ror.open_login(), password=None)
    assert browser.get("/compte").status_code == 200


def test_a_strong_proof_opens_the_weak_service_too(provider: Provider) -> None:
    ror = RelyingParty(provider, "ror")
    ror.give_otp(ror.open_login())
    assert "code" in RelyingParty(provider, "weak", ror.browser).silent()


def test_the_band_speaks_of_another_means_where_the_password_is_accepted(provider: Provider) -> None:
    provider.clock.advance(seconds=1)
    provider.add_client("both", methods=("email_otp", "password"))
    weak = RelyingParty(provider, "weak")
    weak.login()
    both = RelyingParty(provider, "both", weak.browser)
    path = both.open_login(acr_values="eidas1")
    assert "n&#39;accepte pas le mot de passe" not in both.browser.get(path).text


def test_the_cookie_changes_and_the_old_one_reads_for_ten_seconds(provider: Provider) -> None:
    weak = RelyingParty(provider, "weak")
    weak.login()
    old = cookie_of(weak.browser)
    ror = RelyingParty(provider, "ror", weak.browser)
    ror.give_otp(ror.open_login(), password=None)
    new = cookie_of(weak.browser)
    assert old != new
    by_old, by_new = session_of(provider, old), session_of(provider, new)
    assert by_old
    assert by_new
    assert (by_old.is_current, by_new.is_current) == (False, True)
    assert len(by_old.proofs) == 2
    provider.clock.advance(seconds=ROTATION_OVERLAP.total_seconds() - 1)
    assert session_of(provider, old)
    provider.clock.advance(seconds=1)
    assert session_of(provider, old) is None
    assert session_of(provider, new)
    thief = RelyingParty(provider, "weak")
    thief.browser.set_cookie(SESSION, old, secure=True)
    assert thief.silent()["error"] == "login_required"


def test_a_cookie_planted_before_the_login_is_worth_nothing_after(provider: Provider) -> None:
    rp = RelyingParty(provider, "weak")
    rp.browser.set_cookie(SESSION, "planted", secure=True)
    rp.login()
    assert cookie_of(rp.browser) != "planted"
    assert session_of(provider, "planted") is None


def test_two_tabs_that_add_a_proof_at_once_are_both_kept(provider: Provider) -> None:
    """The second tab sent its form with the cookie of before: its proof is added, the first tab's cookie stands."""
    weak = RelyingParty(provider, "weak")
    weak.login()
    held = cookie_of(weak.browser)
    first, second = weak.open_login(prompt="login"), weak.open_login(prompt="login")
    weak.give_password(first)
    rotated = cookie_of(weak.browser)
    form = {"csrf": csrf_of(weak.browser.get(second)), "login": "anne.pierre", "password": PASSWORD}
    weak.browser.set_cookie(SESSION, held, secure=True, path="/")
    answered = weak.browser.post(f"{second}/password", data=form)
    assert "code" in answer_of(answered)
    assert not any(SESSION in value for value in answered.headers.getlist("Set-Cookie"))
    found = session_of(provider, rotated)
    assert found
    assert len(found.proofs) == 3


@pytest.mark.parametrize(("minutes", "alive"), [(29, True), (30, False)])
def test_an_idle_session_ends(provider: Provider, minutes: int, alive: bool) -> None:
    rp = RelyingParty(provider, "weak")
    rp.login()
    provider.clock.advance(minutes=minutes)
    assert ("code" in rp.silent()) is alive


def test_a_session_ends_after_four_hours_however_much_it_is_used(provider: Provider) -> None:
    rp = RelyingParty(provider, "weak")
    rp.login()
    for _ in range(11):
        provider.clock.advance(minutes=20)
        assert "code" in rp.silent()
    provider.clock.advance(minutes=20)
    assert rp.silent()["error"] == "login_required"


def test_a_code_that_was_sent_to_one_person_opens_nothing_for_another(provider: Provider) -> None:
    """Samir asks for his own code, signs in as Anne (whose password he stole) in another tab, and types his code."""
    provider.add_account("samir")
    weak = RelyingParty(provider, "weak")
    weak.give_password(weak.open_login(), "samir")
    ror = RelyingParty(provider, "ror", weak.browser)
    path = ror.open_login()
    ror.post(f"{path}/email_otp", page=path)
    code = provider.last_code()
    assert provider.mails()[-1].to == "samir@chu.example"
    weak.browser.delete_cookie(SESSION)
    weak.login()
    shown = ror.browser.get(f"{path}/email_otp")
    answered = ror.browser.post(f"{path}/email_otp", data={"csrf": csrf_of(shown), "code": code})
    assert answered.status_code == 200
    assert ror.silent()["error"] == "login_required"
    assert [event.detail["method"] for event in provider.events("login.succeeded")] == ["password", "password"]
