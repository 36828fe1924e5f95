"""Login name and password, from the page to the answer."""

from typing import Any

import argon2
import pytest

from idp.app import build_services
from idp.domain.account import AccountStatus
from idp.flows.operators import accounts
from idp.hashing import PasswordHasher
from tests.fakes.provider import CHEAP, PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of

WRONG = "Identifiant ou mot de passe incorrect."


@pytest.mark.parametrize("login", ["anne.pierre", "anne.pierre@chu.example", "  ANNE.Pierre@CHU.example "])
def test_login_name_or_verified_address(provider: Provider, login: str) -> None:
    rp = RelyingParty(provider)
    assert "code" in answer_of(rp.give_password(rp.open_login(), login))


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("anne.pierre", "pas le bon mot"),
        ("nobody", PASSWORD),
        ("nobody@chu.example", PASSWORD),
        ("anne.pierre", PASSWORD + " "),
        ("anne.pierre", "x" * 5000),
        ("x" * 5000, PASSWORD),
        ("anne.pierre\x00", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
    ],
)
def test_the_same_words_whatever_is_wrong(provider: Provider, login: str, password: str) -> None:
    rp = RelyingParty(provider)
    page = rp.give_password(rp.open_login(), login, password)
    assert page.status_code == 200
    assert WRONG in page.text
    assert password not in page.text
    assert rp.silent()["error"] == "login_required"
    assert provider.events("login.failed")[0].detail == {"method": "password", "reason": "login_wrong"}


def test_an_account_without_a_password_is_as_unknown(provider: Provider) -> None:
    provider.add_account("imported", password=None)
    rp = RelyingParty(provider)
    assert WRONG in rp.give_password(rp.open_login(), "imported").text


@pytest.mark.parametrize("form", [{"login": "", "password": PASSWORD}, {"login": "anne.pierre", "password": ""}])
def test_an_incomplete_form_is_no_attempt(provider: Provider, form: dict[str, str]) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login()
    page = rp.post(f"{path}/password", page=path, **form)
    assert "Renseignez tous les champs." in page.text
    assert not provider.events("login.failed")


@pytest.mark.parametrize("status", [AccountStatus.SUSPENDED, AccountStatus.PENDING, AccountStatus.CLOSED])
def test_only_an_active_account_signs_in(provider: Provider, status: AccountStatus) -> None:
    accounts.set_status(provider.desk, "anne.pierre", status, "test")
    rp = RelyingParty(provider)
    page = rp.give_password(rp.open_login())
    assert "Ce compte n&#39;est pas actif" in page.text
    assert WRONG in rp.give_password(rp.open_login(), password="wrong").text
    assert rp.silent()["error"] == "login_required"
    assert provider.events("login.failed")[-1].detail["reason"] == "account_inactive"


def test_suspension_ends_what_was_open(provider: Provider) -> None:
    rp = RelyingParty(provider)
    tokens = rp.tokens()
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "test")
    assert rp.silent()["error"] == "login_required"
    assert rp.userinfo(tokens["access_token"]).status_code == 401
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.ACTIVE, "test")
    assert rp.silent()["error"] == "login_required"


def test_a_password_is_hashed_anew_when_the_parameters_change(provider: Provider) -> None:
    stronger = PasswordHasher(CHEAP.model_copy(update={"time_cost": 2}))
    changed = provider.with_services(hasher=stronger)
    rp = RelyingParty(changed)
    assert "code" in rp.login()
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        stored = tx.accounts.password(account.account_id)
    assert stored
    assert ",t=2," in stored.digest
    assert len(provider.events("password.rehashed")) == 1
    assert "code" in RelyingParty(changed).login()
    assert len(provider.events("password.rehashed")) == 1


def test_older_parameters_do_not_tell_who_exists(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the settings changed: known by an older digest, known by a newer one, and unknown cost the same hashes."""
    newer = CHEAP.model_copy(update={"time_cost": 2})
    later = build_services(provider.services.settings.model_copy(update={"argon2": newer}), clock=provider.clock)
    changed = provider.with_services(hasher=later.hasher)
    changed.add_account("samir")
    work: list[str] = []
    verify = argon2.PasswordHasher.verify

    def watched(self: argon2.PasswordHasher, digest: str, password: str) -> Any:
        work.append(digest.split("$")[3])
        return verify(self, digest, password)

    monkeypatch.setattr(argon2.PasswordHasher, "verify", watched)
    costs = []
    for login, password in (
        ("anne.pierre", "wrong"),
        ("samir", "wrong"),
        ("nobody", "wrong"),
        ("samir", PASSWORD),
        ("anne.pierre", PASSWORD),
        ("nobody", PASSWORD),
    ):
        work.clear()
        rp = RelyingParty(changed)
        rp.give_password(rp.open_login(), login, password)
        costs.append(sorted(work))
    later.db.close()
    assert costs == [["m=7168,t=1,p=1", "m=7168,t=2,p=1"]] * 6
    assert len(changed.events("login.succeeded")) == 2


def test_a_wrong_password_is_not_hashed_anew(provider: Provider) -> None:
    changed = provider.with_services(hasher=PasswordHasher(CHEAP.model_copy(update={"time_cost": 2})))
    rp = RelyingParty(changed)
    rp.give_password(rp.open_login(), password="wrong")
    assert not provider.events("password.rehashed")


def test_what_was_typed_is_escaped_and_kept_but_the_password(provider: Provider) -> None:
    rp = RelyingParty(provider)
    page = rp.give_password(rp.open_login(), '"><script>alert(1)</script>', "mon secret à moi")
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    assert "mon secret" not in page.text


def test_the_login_hint_prefills_the_form(provider: Provider) -> None:
    rp = RelyingParty(provider)
    path = rp.open_login(login_hint="anne.pierre@chu.example")
    assert 'name="login" value="anne.pierre@chu.example"' in rp.browser.get(path).text


def test_success_is_audited_without_a_personal_value(provider: Provider) -> None:
    RelyingParty(provider).login()
    event = provider.events("login.succeeded")[0]
    assert event.subject == event.actor
    assert event.client_id == "rp"
    assert event.detail == {"method": "password", "amr": "pwd", "assurance": "LOW"}
    assert "anne" not in repr(provider.events())
