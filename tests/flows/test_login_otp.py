"""The one-time code: after the password, bound to the person, to the browser and to ten minutes."""

from collections.abc import Callable

import pytest

from idp.domain.authn import Assurance
from idp.flows.operators import accounts
from tests.fakes.one_time_codes import MASKED, SESSION, amr_of, at_the_code, mailbox_only, wrong
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start()
    made.add_client("ror", methods=("email_otp",))
    made.add_account("anne.pierre")
    return made


def test_password_then_code(provider: Provider) -> None:
    rp = RelyingParty(provider, "ror")
    path = at_the_code(rp)
    page = rp.browser.get(path)
    assert MASKED in page.text
    assert "anne.pierre@chu.example" not in page.text
    assert "Étape 2 sur 2" in page.text
    assert "Service ror" in provider.mails()[-1].text
    assert provider.mails()[-1].to == "anne.pierre@chu.example"
    answer = answer_of(rp.post(path, page=path, code=provider.last_code()))
    claims = rp.redeem(answer["code"])["claims"]
    assert (claims["amr"], claims["acr"]) == (["pwd", "otp", "mfa"], "eidas1")


def test_a_first_factor_alone_opens_nothing(provider: Provider) -> None:
    provider.add_client("rp")
    rp = RelyingParty(provider, "ror")
    at_the_code(rp)
    assert rp.browser.get_cookie(SESSION) is None
    assert rp.silent()["error"] == "login_required"
    assert RelyingParty(provider, "rp", rp.browser).silent()["error"] == "login_required"
    assert not provider.events("login.succeeded")
    assert provider.events("login.factor_accepted")[0].detail == {"method": "password"}


def test_a_wrong_first_factor_sends_nothing(provider: Provider) -> None:
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    page = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", login="anne.pierre", password="wrong")
    assert "Identifiant ou mot de passe incorrect." in page.text
    assert not provider.mails()
    page = rp.post(f"{path}/email_otp", page=f"{path}/email_otp", code="123456")
    assert "Renseignez tous les champs." in page.text  # the code is no answer to the password


@pytest.mark.parametrize("max_age", [None, "3600"])
def test_a_valid_password_of_the_session_counts(provider: Provider, max_age: str | None) -> None:
    provider.add_client("rp")
    password = RelyingParty(provider, "rp")
    password.login()
    provider.clock.advance(minutes=20)
    rp = RelyingParty(provider, "ror", password.browser)
    answer = answer_of(rp.give_otp(rp.open_login(max_age=max_age), password=None))
    assert amr_of(rp, answer["code"]) == ["pwd", "otp", "mfa"]


@pytest.mark.parametrize("changes", [{"max_age": "60"}, {"max_age": "0"}, {"prompt": "login"}])
def test_a_password_that_is_too_old_is_asked_again(provider: Provider, changes: dict[str, str]) -> None:
    provider.add_client("rp")
    password = RelyingParty(provider, "rp")
    password.login()
    provider.clock.advance(seconds=61)
    rp = RelyingParty(provider, "ror", password.browser)
    path = rp.open_login(**changes)
    rp.post(f"{path}/email_otp", page=path)
    assert "login-password" in rp.browser.get(f"{path}/email_otp").text
    assert not provider.mails()


def test_the_session_of_another_than_the_expected_account_is_no_first_factor(provider: Provider) -> None:
    """Else the service that expects Anne could never get her while Samir is signed in."""
    anne = RelyingParty(provider, "ror")
    hint = anne.redeem(answer_of(anne.give_otp(anne.open_login()))["code"])["id_token"]
    provider.add_client("rp")
    provider.add_account("samir")
    samir = RelyingParty(provider, "rp")
    samir.give_password(samir.open_login(), "samir")
    rp = RelyingParty(provider, "ror", samir.browser)
    path = rp.open_login(id_token_hint=hint)
    rp.post(f"{path}/email_otp", page=path)
    assert "login-password" in rp.browser.get(f"{path}/email_otp").text


def test_one_mailbox_is_one_factor(provider: Provider) -> None:
    rp = mailbox_only(provider)
    path = at_the_code(rp, "samir")
    claims = rp.redeem(answer_of(rp.post(path, page=path, code=provider.last_code()))["code"])["claims"]
    assert claims["amr"] == ["pwd", "otp"]
    assert claims["acr"] == "urn:sesame:acr:low"


def test_a_medium_service_refuses_one_mailbox_until_an_operator_confirms(provider: Provider) -> None:
    provider.clock.advance(seconds=1)
    provider.set_policy("ror", ("email_otp",), min_assurance=Assurance.MEDIUM)
    rp = mailbox_only(provider)
    path = at_the_code(rp, "samir")
    refused = rp.post(path, page=path, code=provider.last_code())
    page = rp.browser.get(path_of(refused))
    assert "Votre mot de passe a été défini depuis votre boîte mail" in page.text
    assert rp.silent()["error"] == "login_required"
    assert provider.events("login.failed")[0].detail == {
        "method": "email_otp",
        "reason": "too_weak",
        "assurance": "LOW",
    }
    accounts.confirm_password(provider.desk, "samir", "seen at the desk")
    provider.clock.advance(minutes=2)
    path = at_the_code(rp, "samir")
    claims = rp.redeem(answer_of(rp.post(path, page=path, code=provider.last_code()))["code"])["claims"]
    assert claims["amr"] == ["pwd", "otp", "mfa"]


def test_resend_after_a_minute_and_only_the_newest_works(provider: Provider) -> None:
    rp = RelyingParty(provider, "ror")
    path = at_the_code(rp)
    first = provider.last_code()
    assert "Attendez une minute" in rp.post(path, page=path, resend="1").text
    assert len(provider.mails()) == 1
    provider.clock.advance(seconds=60)
    rp.post(path, page=path, resend="1")
    second = provider.last_code()
    assert len(provider.mails()) == 2
    if first != second:
        assert "Ce code n&#39;est pas le bon" in rp.post(path, page=path, code=first).text
    assert "code" in answer_of(rp.post(path, page=path, code=second))


def test_a_code_works_in_its_own_browser_only(provider: Provider) -> None:
    victim, thief = RelyingParty(provider, "ror"), RelyingParty(provider, "ror")
    at_the_code(victim)
    code = provider.last_code()
    path = at_the_code(thief)
    provider.mails()
    if code != provider.last_code():
        assert "Ce code n&#39;est pas le bon" in thief.post(path, page=path, code=code).text
    assert victim.browser.get(path).status_code == 403


@pytest.mark.parametrize("where", ["another tab", "another browser"])
@pytest.mark.parametrize("is_right", [True, False])
def test_only_the_newest_code_of_an_account_works(provider: Provider, where: str, is_right: bool) -> None:
    first = RelyingParty(provider, "ror")
    path = at_the_code(first)
    code = provider.last_code()
    second = RelyingParty(provider, "ror", first.browser if where == "another tab" else provider.browser())
    newer = at_the_code(second)
    overtaken = first.post(path, page=path, code=code if is_right else wrong(code))
    assert "Ce code n&#39;est plus valable. Demandez un nouveau code." in overtaken.text
    assert not provider.events("login.failed")  # nothing was guessed
    assert "code" in answer_of(second.post(newer, page=newer, code=provider.last_code()))


def test_the_older_browser_gets_on_with_a_code_of_its_own(provider: Provider) -> None:
    first, second = RelyingParty(provider, "ror"), RelyingParty(provider, "ror")
    path, newer = at_the_code(first), at_the_code(second)
    overtaken = provider.last_code()
    provider.clock.advance(seconds=60)
    first.post(path, page=path, resend="1")
    code = provider.last_code()
    assert "plus valable" in second.post(newer, page=newer, code=overtaken).text
    assert "code" in answer_of(first.post(path, page=path, code=code))


def test_a_code_to_somebody_else_ends_nothing(provider: Provider) -> None:
    provider.add_account("samir")
    anne, samir = RelyingParty(provider, "ror"), RelyingParty(provider, "ror")
    path = at_the_code(anne)
    code = provider.last_code()
    at_the_code(samir, "samir")
    assert "code" in answer_of(anne.post(path, page=path, code=code))
