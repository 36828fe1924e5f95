"""The code of an authenticator application: after the password, once, of the person themselves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from threading import Event

import pytest
from sqlalchemy import text

from idp.domain.authn import Assurance
from idp.domain.policy import MethodEntry, in_force
from idp.errors import InvalidOperation
from idp.flows import enrolled_codes, own_means, worker
from idp.flows.contexts import subject_of
from idp.flows.enrolled_codes import seal_again
from idp.flows.operators import keyring
from idp.methods.base import Subject
from idp.store import totp_secrets
from idp.store.conformance import RACERS, race
from keys.seal import SealBroken
from tests.fakes.enrolling import current, give_totp, given_totp, means, with_authenticators
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, error_of, path_of


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_authenticators(start)


@pytest.fixture
def secret(provider: Provider) -> str:
    return given_totp(provider)


def at_the_code(provider: Provider, login: str = "anne.pierre") -> tuple[RelyingParty, str]:
    """A login of the service that asks for a code, the password given; its path."""
    rp = RelyingParty(provider, "strong")
    path = rp.open_login()
    assert path_of(rp.post(f"{path}/totp", page=path)) == f"{path}/totp"
    rp.post(f"{path}/totp", page=f"{path}/totp", login=login, password=PASSWORD)
    return rp, path


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("steps", [-2, 2])
def test_a_code_of_another_time_is_refused(provider: Provider, secret: str, steps: int) -> None:
    rp, path = at_the_code(provider)
    refused = give_totp(rp, path, current(secret, provider, steps))
    assert "pas le bon, ou a déjà servi" in refused.text
    assert provider.events("login.failed")[0].detail == {"method": "totp", "reason": "code_wrong"}
    assert not provider.events("login.succeeded")


def test_somebody_elses_code_is_refused(provider: Provider, secret: str) -> None:
    provider.add_account("karim.benali")
    theirs = given_totp(provider, "karim.benali")
    rp, path = at_the_code(provider)
    assert give_totp(rp, path, current(theirs, provider)).status_code == 200
    assert not provider.events("login.succeeded")


@pytest.mark.parametrize("steps", [0, -1])
def test_no_code_counts_twice_nor_an_earlier_one_after_it(provider: Provider, secret: str, steps: int) -> None:
    rp, path = at_the_code(provider)
    answer_of(give_totp(rp, path, current(secret, provider)))
    other, path = at_the_code(provider)
    assert "a déjà servi" in give_totp(other, path, current(secret, provider, steps)).text
    assert answer_of(give_totp(other, path, current(secret, provider, 1)))["code"]


def test_of_many_logins_at_once_one_has_the_code(provider: Provider, secret: str) -> None:
    logins = [at_the_code(provider) for _ in range(4)]
    forms = [(rp, f"{path}/totp", csrf_of(rp.browser.get(f"{path}/totp"))) for rp, path in logins]
    code = current(secret, provider)

    def send(number: int) -> int:
        rp, path, csrf = forms[number]
        return rp.browser.post(path, data={"csrf": csrf, "code": code}).status_code

    assert sorted(race(send, len(forms))) == [200, 200, 200, 303]
    assert len(forms) <= RACERS
    assert len(provider.events("login.succeeded")) == 1


def test_one_that_was_taken_away_is_refused(provider: Provider, secret: str) -> None:
    rp, path = at_the_code(provider)
    (made,) = means(provider, "totp")
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        tx.means.remove(account.account_id, made.credential_id, provider.clock.now())
    assert give_totp(rp, path, current(secret, provider)).status_code == 200
    assert not provider.events("login.succeeded")


def test_who_has_none_is_told_so_after_the_password(provider: Provider) -> None:
    rp = RelyingParty(provider, "strong")
    path = rp.open_login()
    rp.post(f"{path}/totp", page=path)
    told = rp.post(f"{path}/totp", page=f"{path}/totp", login="anne.pierre", password=PASSWORD)
    assert "ne permet pas encore" in told.text


def test_guesses_are_delayed_and_the_right_code_with_them(provider: Provider, secret: str) -> None:
    rp, path = at_the_code(provider)
    for _ in range(5):
        give_totp(rp, path, "000000")
    assert "Réessayez dans 2 min" in give_totp(rp, path, current(secret, provider)).text
    provider.clock.advance(minutes=2)
    assert answer_of(give_totp(rp, path, current(secret, provider)))["code"]


def test_without_the_password_a_stranger_counts_nothing_and_blocks_nobody(provider: Provider, secret: str) -> None:
    """Fifty wrong codes block an application: a policy alone must not let strangers try, nor one of other rules."""
    provider.clock.advance(seconds=1)
    with pytest.raises(InvalidOperation, match="only after"):
        provider.set_policy("strong", ("totp:alone",))
    with provider.services.db.write() as tx:
        found = in_force(tx.policies.of("strong"), provider.clock.now())
        assert found
        alone = (MethodEntry("totp"),)
        tx.policies.add(replace(found, policy_id="x", effective_from=provider.clock.now(), methods=alone))
    assert error_of(RelyingParty(provider, "strong").authorize()) == "unmet_authentication_requirements"
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        assert [each.tries for each in tx.totp_secrets.of(account.account_id)] == [0]


# -- what it is worth --------------------------------------------------------------------


def test_password_then_code(provider: Provider, secret: str) -> None:
    rp, path = at_the_code(provider)
    page = rp.browser.get(f"{path}/totp").text
    assert "Étape 2 sur 2" in page
    claims = rp.redeem(answer_of(give_totp(rp, path, current(secret, provider)))["code"])["claims"]
    assert (claims["amr"], claims["acr"]) == (["pwd", "otp", "mfa"], "eidas1")
    (made,) = means(provider, "totp")
    assert made.last_used_at == provider.clock.now()


def test_either_of_two_applications_will_do(provider: Provider, secret: str) -> None:
    other = given_totp(provider)
    for each in (other, secret):
        rp, path = at_the_code(provider)
        assert answer_of(give_totp(rp, path, current(each, provider)))["code"]


def test_what_a_password_alone_enrolled_is_worth_no_more(provider: Provider) -> None:
    """The portal lets nobody; a proof is capped all the same."""
    secret = given_totp(provider, level=Assurance.LOW)
    rp, path = at_the_code(provider)
    claims = rp.redeem(answer_of(give_totp(rp, path, current(secret, provider)))["code"])["claims"]
    assert claims["acr"] == "urn:sesame:acr:low"


@pytest.mark.parametrize("level", [Assurance.LOW, Assurance.MEDIUM, Assurance.HIGH])
def test_it_is_one_of_the_accounts_own_means(provider: Provider, level: Assurance) -> None:
    given_totp(provider, level=level)
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        found = own_means.of_account(provider.services, tx, account)
    reached = {entry.id: reach for entry, reach in found.reach.items()}
    assert reached["totp"] == min(level, Assurance.MEDIUM)


# -- the data keys -----------------------------------------------------------------------


def test_secrets_are_sealed_again_under_a_new_key(provider: Provider, secret: str) -> None:
    services = provider.services
    assert not seal_again(services)
    kid = keyring.rotate_data(provider.desk, services.settings.secret_file)
    services.data_keys.reload()
    (before,) = stored(provider)
    task = next(each for each in worker.tasks(services, Event()) if each.name == "seal secrets again")
    assert task.alone
    task.run()
    (after,) = stored(provider)
    assert before[:1] in {b"\x01", b"\x02"}
    assert after[1:5] == kid.to_bytes(4, "big")
    assert not seal_again(services)
    rp, path = at_the_code(provider)
    assert answer_of(give_totp(rp, path, current(secret, provider)))["code"]


def test_those_that_do_not_open_keep_no_other_from_being_sealed_again(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(totp_secrets, "BATCH", 2)
    services = provider.services
    for number in range(5):
        given_totp(provider)
        if number < 4:
            with services.db.engine.begin() as connection:
                connection.execute(text("UPDATE totp_secret SET sealed = :it"), {"it": b"\x02\x00\x00\x00\x01broken"})
    keyring.rotate_data(provider.desk, services.settings.secret_file)
    services.data_keys.reload()
    assert not seal_again(services)
    assert [sealed[4:5] for sealed in stored(provider)] == [b"\x01"] * 4 + [b"\x02"]


def test_sealing_again_stops_with_the_worker(provider: Provider, secret: str) -> None:
    keyring.rotate_data(provider.desk, provider.services.settings.secret_file)
    provider.services.data_keys.reload()
    before = stored(provider)
    seal_again(provider.services, is_stopped=lambda: True)
    assert stored(provider) == before


def test_of_many_workers_that_seal_again_none_loses_a_secret(provider: Provider) -> None:
    """Nor a code that is used meanwhile."""
    services = provider.services
    secrets = [given_totp(provider) for _ in range(3)]
    kid = keyring.rotate_data(provider.desk, services.settings.secret_file)
    services.data_keys.reload()
    rp, path = at_the_code(provider)
    csrf = csrf_of(rp.browser.get(f"{path}/totp"))
    form = {"csrf": csrf, "code": current(secrets[0], provider)}

    def act(number: int) -> int:
        return rp.browser.post(f"{path}/totp", data=form).status_code if number == 0 else int(seal_again(services))

    assert 303 in race(act)
    assert {sealed[1:5] for sealed in stored(provider)} == {kid.to_bytes(4, "big")}
    for secret in secrets[1:]:
        other, path = at_the_code(provider)
        assert answer_of(give_totp(other, path, current(secret, provider)))["code"]
    again, path = at_the_code(provider)
    assert "a déjà servi" in give_totp(again, path, form["code"]).text


def test_a_secret_that_does_not_open_proves_nothing(provider: Provider, secret: str) -> None:
    """Copied from another row, altered, or sealed under a key that is gone."""
    provider.add_account("karim.benali")
    given_totp(provider, "karim.benali")
    with provider.services.db.write() as tx:
        account, other = (tx.accounts.find_by_login(login) for login in ("anne.pierre", "karim.benali"))
        assert account
        assert other
        (mine,), (theirs,) = (tx.totp_secrets.of(each.account_id) for each in (account, other))
        assert tx.totp_secrets.seal_again(theirs, mine.sealed)
    with pytest.raises(SealBroken):
        provider.services.data_keys.open(mine.sealed, purpose=f"totp:{theirs.credential_id}")
    rp, path = at_the_code(provider, "karim.benali")
    assert give_totp(rp, path, current(secret, provider)).status_code == 200
    assert not provider.events("login.succeeded")


def stored(provider: Provider) -> list[bytes]:
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        return [each.sealed for each in tx.totp_secrets.of(account.account_id)]


def test_who_has_none_is_compared_with_as_many_secrets(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a code that nobody's secret shows proves nothing."""
    given_totp(provider)
    provider.add_account("karim.benali")
    compared: list[str] = []

    def matching_step(secret: str, code: str, now: datetime) -> int:
        compared.append(secret)
        return 1 if secret == enrolled_codes.NOBODYS else 0

    monkeypatch.setattr(enrolled_codes, "matching_step", matching_step)
    codes = enrolled_codes.StoredCodes(provider.services)
    for login in ("anne.pierre", "karim.benali"):
        with provider.services.db.read() as tx:
            account = tx.accounts.find_by_login(login)
            assert account
        assert codes.check(subject_of(account), "000000") is None
    assert codes.check(Subject("unknown", "nobody"), "000000") is None
    assert len(compared) == 15
    assert len(set(compared)) == 2
