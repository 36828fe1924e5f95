"""A method suspended for every service: offered nowhere, refused mid-way, and what it had proven counts no more."""

from datetime import timedelta
from html import unescape

import pytest

from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.refreshing import INVALID_GRANT, make, make_offline, refreshed, refusal_of
from tests.fakes.relying_party import RelyingParty, answer_of, error_of, path_of
from tests.fakes.suspending import restore, suspend

METHODS = ("email_otp", "password")
CODES = "La connexion par « OTP » est suspendue jusqu'au"


@pytest.fixture
def provider(provider: Provider) -> Provider:
    provider.add_client("both", methods=METHODS)
    provider.add_client("codes", methods=("email_otp",))
    provider.clock.advance(seconds=1)
    return provider


def page_of(rp: RelyingParty, path: str) -> str:
    return unescape(rp.browser.get(path).text)


def test_it_is_not_offered_and_the_page_says_so(provider: Provider) -> None:
    rp = RelyingParty(provider, "both")
    assert 'id="method-email_otp"' in page_of(rp, rp.open_login())
    suspend(provider, "email_otp")
    text = page_of(rp, rp.open_login())
    assert 'id="method-email_otp"' not in text
    assert "login-password" in text
    assert CODES in text
    restore(provider, "email_otp")
    text = page_of(rp, rp.open_login())
    assert 'id="method-email_otp"' in text
    assert "suspendue" not in text


def test_a_service_that_does_not_accept_it_says_nothing(provider: Provider) -> None:
    suspend(provider, "email_otp")
    rp = RelyingParty(provider)
    assert "suspendue" not in page_of(rp, rp.open_login())
    assert "code" in answer_of(rp.give_password(rp.open_login()))


def test_an_entry_falls_with_its_first_factor(provider: Provider) -> None:
    suspend(provider, "password")
    rp = RelyingParty(provider, "codes")
    path = rp.open_login()
    assert CODES in page_of(rp, path)
    assert path_of(rp.browser.get(f"{path}/email_otp")) == path


# -- in progress -------------------------------------------------------------------


def at_the_code(rp: RelyingParty) -> str:
    """A login whose password is given and whose code is sent; its path."""
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password=PASSWORD)
    return path


@pytest.mark.parametrize("suspended", METHODS)
def test_a_code_that_is_typed_after_it_began_is_refused(provider: Provider, suspended: str) -> None:
    rp = RelyingParty(provider, "both")
    path = at_the_code(rp)
    csrf = {"csrf": rp.browser.get(f"{path}/email_otp").text.split('name="csrf" value="')[1].split('"')[0]}
    suspend(provider, suspended)
    refused = rp.browser.post(f"{path}/email_otp", data={**csrf, "code": provider.last_code()})
    assert (refused.status_code, path_of(refused)) == (303, path)
    assert "est suspendue jusqu'au" in page_of(rp, path)
    (event,) = provider.events("login.failed")
    assert event.detail == {"method": "email_otp", "reason": "suspended"}
    assert "error" in rp.silent()


def test_a_first_factor_that_was_given_before_is_asked_again(provider: Provider) -> None:
    rp = RelyingParty(provider, "codes")
    path = at_the_code(rp)
    suspend(provider, "password")
    provider.clock.advance(seconds=1)
    restore(provider, "password")
    assert "login-password" in rp.browser.get(f"{path}/email_otp").text
    rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password=PASSWORD)
    assert "code" in answer_of(rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code=provider.last_code()))


def test_a_password_of_the_session_is_no_first_factor_any_more(provider: Provider) -> None:
    rp = RelyingParty(provider)
    rp.login()
    suspend(provider, "password")
    provider.clock.advance(seconds=1)
    restore(provider, "password")
    codes = RelyingParty(provider, "codes", rp.browser)
    path = codes.open_login()
    assert path_of(codes.post(f"{path}/email_otp", page=path)) == f"{path}/email_otp"
    assert "login-password" in codes.browser.get(f"{path}/email_otp").text


def test_a_consent_that_is_given_after_it_began_gives_nothing(provider: Provider) -> None:
    provider.add_client("asks", methods=METHODS, consent="always")
    rp = RelyingParty(provider, "asks")
    path = rp.open_login()
    rp.give_otp(path)
    suspend(provider, "email_otp")
    assert "Le mode par lequel vous vous étiez connecté a été suspendu" in page_of(rp, path)
    assert "consent" not in page_of(rp, path)


# -- sessions ----------------------------------------------------------------------


def test_a_session_is_asked_again_at_another_service(provider: Provider) -> None:
    rp = RelyingParty(provider, "codes")
    rp.give_otp(rp.open_login())
    both = RelyingParty(provider, "both", rp.browser)
    assert "code" in both.silent()
    suspend(provider, "email_otp")
    assert both.silent()["error"] == "login_required"
    path = both.open_login()
    assert "cette connexion ne compte plus" in page_of(both, path)
    assert "code" in answer_of(both.give_password(path))
    assert "code" in both.silent(), "a new proof by what is not suspended counts"


def test_it_ends_by_itself_and_the_old_proof_stays_dead(provider: Provider) -> None:
    rp = RelyingParty(provider, "codes")
    rp.give_otp(rp.open_login())
    suspend(provider, "email_otp", timedelta(minutes=10))
    provider.clock.advance(minutes=9, seconds=59)
    assert 'id="method-email_otp"' not in page_of(rp, rp.open_login())
    provider.clock.advance(seconds=1)
    assert rp.silent()["error"] == "login_required"
    path = rp.open_login()
    assert 'id="method-email_otp"' in page_of(rp, path)
    assert "code" in answer_of(rp.give_otp(path))
    assert "code" in rp.silent()


def test_an_end_before_its_time_revives_nothing(provider: Provider) -> None:
    rp = RelyingParty(provider, "codes")
    rp.give_otp(rp.open_login())
    suspend(provider, "email_otp")
    provider.clock.advance(seconds=1)
    restore(provider, "email_otp")
    assert rp.silent()["error"] == "login_required"
    assert "code" in answer_of(rp.give_otp(rp.open_login()))
    assert "code" in rp.silent()


# -- no method is left -------------------------------------------------------------


def test_no_method_is_left(provider: Provider) -> None:
    suspend(provider, "email_otp")
    rp = RelyingParty(provider, "codes")
    path = rp.open_login()
    shown = rp.browser.get(path)
    text = unescape(shown.text)
    assert shown.status_code == 403
    assert "Aucun moyen de connexion n'est disponible en ce moment pour ce service" in text
    assert CODES in text
    assert path_of(rp.browser.get(f"{path}/email_otp")) == path, "no loop: the page is at this address"
    assert error_of(rp.post(f"{path}/cancel", page=path)) == "access_denied"
    assert rp.silent()["error"] == "login_required"


def test_the_page_is_good_again_after_the_end(provider: Provider) -> None:
    suspend(provider, "email_otp")
    rp = RelyingParty(provider, "codes")
    path = rp.open_login()
    assert rp.browser.get(path).status_code == 403
    restore(provider, "email_otp")
    assert "code" in answer_of(rp.give_otp(path))


def test_a_forged_request_is_refused_there(provider: Provider) -> None:
    rp = RelyingParty(provider, "codes")
    path = rp.open_login()
    suspend(provider, "email_otp")
    again = rp.post(f"{path}/email_otp", page=path, login="anne.pierre", password=PASSWORD)
    assert (again.status_code, path_of(again)) == (303, path)


def test_mon_compte_shows_the_page_too(provider: Provider) -> None:
    for method in METHODS:
        suspend(provider, method)
    browser = provider.browser()
    path = path_of(browser.get(path_of(browser.get("/compte"))))
    assert browser.get(path).status_code == 403


# -- tokens ------------------------------------------------------------------------


def test_a_code_that_was_issued_before_it_gives_nothing(provider: Provider) -> None:
    rp = RelyingParty(provider)
    code = rp.login()["code"]
    suspend(provider, "email_otp")
    assert rp.token(code).status_code == 200, "another method's"
    code = rp.silent()["code"]
    suspend(provider, "password")
    for _ in range(2):
        assert refusal_of(rp.token(code)) == INVALID_GRANT
    assert not provider.events("token.code_replayed")


@pytest.mark.parametrize("offline", [False, True], ids=["of the session", "offline"])
def test_a_refresh_token_dies_with_the_proof_it_rests_on(provider: Provider, offline: bool) -> None:
    rp = make_offline(provider) if offline else make(provider)
    changes = {"scope": "openid offline_access", "prompt": "consent"} if offline else {}
    path = rp.open_login(**changes)
    response = rp.give_password(path)
    response = rp.consent(path) if offline else response
    if offline:
        response = rp.browser.get(path)
    token = rp.redeem(answer_of(response)["code"])["refresh_token"]
    assert (rp.ask("/introspect", token=token).json or {})["active"] is True
    suspend(provider, "password")
    assert rp.ask("/introspect", token=token).json == {"active": False}
    assert refusal_of(rp.refresh(token)) == INVALID_GRANT
    provider.clock.advance(seconds=1)
    restore(provider, "password")
    assert rp.ask("/introspect", token=token).json == {"active": False}
    assert refusal_of(rp.refresh(token)) == INVALID_GRANT


def test_a_refresh_token_of_afterwards_is_good(provider: Provider) -> None:
    rp = make(provider)
    suspend(provider, "password")
    provider.clock.advance(seconds=1)
    restore(provider, "password")
    assert refreshed(rp, rp.tokens()["refresh_token"])["refresh_token"]


def test_another_method_of_a_token_is_not_touched(provider: Provider) -> None:
    rp = make(provider)
    token = rp.tokens()["refresh_token"]
    suspend(provider, "email_otp")
    assert refreshed(rp, token)["refresh_token"]
