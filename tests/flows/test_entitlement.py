"""« Accès refusé » (P-081): signed in, but the service is not one's own."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from idp.flows.operators import accounts
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(brand={"support_email": "support@esea-na.fr", "support_phone": "05 64 090 090"})
    made.add_client("ror", needs_entitlement=True, name="ROR Nouvelle-Aquitaine")
    made.add_account("anne.pierre")
    return made


def entitle(provider: Provider, login: str = "anne.pierre", expires_at: datetime | None = None) -> None:
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login(login)
        assert account
        accounts.entitle(provider.desk, tx, account, "ror", expires_at)


def denied(provider: Provider) -> tuple[RelyingParty, str]:
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    assert path_of(rp.give_password(path)) == path
    return rp, path


def test_the_page_says_who_one_is_and_whom_to_ask(provider: Provider) -> None:
    rp, path = denied(provider)
    page = rp.browser.get(path)
    assert page.status_code == 403
    for text in ("Accès refusé", "Anne Pierre", "ROR Nouvelle-Aquitaine", "support@esea-na.fr", "05 64 090 090"):
        assert text in page.text
    assert "soyez vigilants" in page.text
    event = provider.events("authorization.denied")[0]
    assert (event.client_id, event.outcome) == ("ror", "refused")
    assert not provider.events("authorization.issued")


def test_back_to_the_service_with_an_error(provider: Provider) -> None:
    rp, path = denied(provider)
    answer = answer_of(rp.post(f"{path}/cancel", page=path))
    assert answer["error"] == "access_denied"
    assert rp.browser.get(path).status_code == 410


def test_another_account_may_enter(provider: Provider) -> None:
    provider.add_account("samir")
    entitle(provider, "samir")
    rp, path = denied(provider)
    rp.post(f"{path}/account", page=path, choice="other")
    assert "login-password" in rp.browser.get(path).text
    assert "code" in answer_of(rp.give_password(path, "samir"))
    assert len(provider.events("session.ended")) == 1


def test_silence_gets_an_error(provider: Provider) -> None:
    rp, _ = denied(provider)
    assert rp.silent()["error"] == "access_denied"
    assert RelyingParty(provider, "ror").silent()["error"] == "login_required"


def test_access_given_while_the_page_is_open(provider: Provider) -> None:
    rp, path = denied(provider)
    entitle(provider)
    assert "code" in answer_of(rp.browser.get(path))


def test_access_ends_on_its_date(provider: Provider) -> None:
    entitle(provider, expires_at=provider.clock.now() + timedelta(minutes=5))
    rp = RelyingParty(provider, "ror")
    assert "code" in rp.login()
    provider.clock.advance(minutes=5)
    assert rp.silent()["error"] == "access_denied"
    assert rp.browser.get(rp.open_login()).status_code == 403


def test_withdrawal_kills_tokens_and_codes(provider: Provider) -> None:
    entitle(provider)
    rp = RelyingParty(provider, "ror")
    tokens = rp.tokens()
    code = rp.silent()["code"]
    assert rp.userinfo(tokens["access_token"]).status_code == 200
    accounts.withdraw(provider.desk, "anne.pierre", "ror")
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    refused = rp.token(code)
    assert refused.status_code == 400
    assert (refused.json or {})["error"] == "invalid_grant"
    assert rp.silent()["error"] == "access_denied"


def test_access_to_one_service_is_not_access_to_another(provider: Provider) -> None:
    provider.add_client("espace", needs_entitlement=True)
    entitle(provider)
    rp = RelyingParty(provider, "ror")
    assert "code" in rp.login()
    assert RelyingParty(provider, "espace", rp.browser).silent()["error"] == "access_denied"


def test_access_comes_before_consent(provider: Provider) -> None:
    rp = RelyingParty(provider, "ror")
    path = rp.open_login(prompt="consent")
    rp.give_password(path)
    assert rp.browser.get(path).status_code == 403
    rp.consent(path)
    assert not provider.events("authorization.issued")
