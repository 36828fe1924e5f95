"""The emergency code in a login: after the password, once, of the person themselves, while it lasts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.domain.account import AccountStatus
from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.domain.policy import MethodEntry, in_force
from idp.errors import InvalidOperation
from idp.flows import own_means
from idp.flows.emergency import IssuedCodes
from idp.flows.operators import accounts, emergency, policies
from idp.methods.base import Context, Done, Subject
from idp.methods.emergency_code import EmergencyCode
from idp.store.conformance import race
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, answer_of, csrf_of, error_of
from tests.fakes.rescue import WRONG, after_password, at_the_code, give, issued, with_codes


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    return with_codes(start)


def nobody_came_in(provider: Provider) -> bool:
    return not provider.events("login.succeeded")


# -- refusals ----------------------------------------------------------------------------


def test_a_wrong_code_is_a_guess_and_the_right_one_stays_good(provider: Provider) -> None:
    code = issued(provider)
    rp, path = at_the_code(provider)
    assert "pas le bon, a déjà servi ou" in give(rp, path, WRONG).text
    assert provider.events("login.failed")[0].detail == {"method": "emergency_code", "reason": "code_wrong"}
    assert nobody_came_in(provider)
    assert answer_of(give(rp, path, code))["code"]


def test_without_the_password_a_code_opens_nothing(provider: Provider) -> None:
    code = issued(provider)
    rp = RelyingParty(provider, "strong")
    path = rp.open_login()
    rp.post(f"{path}/emergency_code", page=path)
    for form in ({"code": code}, {"login": "anne.pierre", "code": code}, {"login": "anne.pierre", "password": "x"}):
        assert rp.post(f"{path}/emergency_code", page=f"{path}/emergency_code", **form).status_code == 200
    assert nobody_came_in(provider)
    assert not provider.events("emergency_code.used")


def test_a_password_of_the_session_is_not_enough(provider: Provider) -> None:
    """Whoever sits at somebody's open session, and talked to support, does not know it."""
    provider.add_client("rp")
    rp = RelyingParty(provider, "rp")
    answer_of(rp.give_password(rp.open_login()))
    code, strong = issued(provider), RelyingParty(provider, "strong", rp.browser)
    path = strong.open_login()
    strong.post(f"{path}/emergency_code", page=path)
    refused = give(strong, path, code)
    assert (refused.status_code, "mot de passe" in refused.text) == (200, True)
    assert not provider.events("emergency_code.used")
    after_password(strong, path)
    assert answer_of(give(strong, path, code))["code"]


def test_another_persons_code_is_refused_and_stays_good(provider: Provider) -> None:
    provider.add_account("karim.benali")
    code = issued(provider)
    rp, path = at_the_code(provider, "karim.benali")
    assert give(rp, path, code).status_code == 200
    assert nobody_came_in(provider)
    rp, path = at_the_code(provider)
    assert answer_of(give(rp, path, code))["code"]


def test_a_code_is_good_once(provider: Provider) -> None:
    code = issued(provider)
    rp, path = at_the_code(provider)
    answer_of(give(rp, path, code))
    other, path = at_the_code(provider)
    assert "a déjà servi" in give(other, path, code).text
    assert len(provider.events("login.succeeded")) == 1


def test_of_many_logins_at_once_one_has_the_code(provider: Provider) -> None:
    code = issued(provider)
    logins = [at_the_code(provider) for _ in range(4)]
    forms = [(rp, f"{path}/emergency_code", csrf_of(rp.browser.get(f"{path}/emergency_code"))) for rp, path in logins]

    def send(number: int) -> int:
        rp, path, csrf = forms[number]
        return rp.browser.post(path, data={"csrf": csrf, "code": code}).status_code

    assert sorted(race(send, len(forms))) == [200, 200, 200, 303]
    assert [len(provider.events(name)) for name in ("login.succeeded", "emergency_code.used")] == [1, 1]


def test_a_code_dies_at_its_hour(provider: Provider) -> None:
    code = issued(provider, hours=1)
    provider.clock.advance(minutes=59, seconds=59)
    rp, path = at_the_code(provider)
    provider.clock.advance(seconds=1)
    assert give(rp, path, code).status_code == 200
    assert nobody_came_in(provider)


def test_a_newer_code_ends_the_older_one(provider: Provider) -> None:
    older = issued(provider)
    newer = issued(provider)
    rp, path = at_the_code(provider)
    assert give(rp, path, older).status_code == 200
    assert nobody_came_in(provider)
    assert answer_of(give(rp, path, newer))["code"]


def test_a_revoked_code_is_refused(provider: Provider) -> None:
    code = issued(provider)
    assert emergency.revoke(provider.desk, "anne.pierre") == 0
    rp, path = at_the_code(provider)
    assert give(rp, path, code).status_code == 200
    assert nobody_came_in(provider)
    with pytest.raises(InvalidOperation, match="no emergency code"):
        emergency.revoke(provider.desk, "anne.pierre")


def test_a_code_dies_with_a_suspension(provider: Provider) -> None:
    code = issued(provider)
    rp, path = at_the_code(provider)
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "test")
    give(rp, path, code)
    assert not provider.events("emergency_code.used")
    accounts.set_status(provider.desk, "anne.pierre", AccountStatus.ACTIVE, "test")
    rp, path = at_the_code(provider)
    assert give(rp, path, code).status_code == 200
    assert nobody_came_in(provider)


def test_guesses_are_delayed_and_the_right_code_with_them(provider: Provider) -> None:
    code = issued(provider)
    rp, path = at_the_code(provider)
    for _ in range(5):
        give(rp, path, WRONG)
    assert "Réessayez dans 2 min" in give(rp, path, code).text
    provider.clock.advance(minutes=2)
    assert answer_of(give(rp, path, code))["code"]


def test_who_has_no_code_costs_and_sees_the_same(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    issued(provider)
    provider.add_account("karim.benali")
    compared: list[str] = []
    verify = provider.services.hasher.verify

    def noted(digest: str | None, typed: str) -> bool:
        compared.append(typed)
        return verify(digest, typed)

    monkeypatch.setattr(provider.services.hasher, "verify", noted)
    codes = IssuedCodes(provider.services)
    for login in ("anne.pierre", "karim.benali"):
        with provider.services.db.read() as tx:
            account = tx.accounts.find_by_login(login)
        assert account
        assert codes.spend(Subject(login, login, account.account_id), "B" * 16) is None
    assert codes.spend(Subject("unknown", "nobody"), "B" * 16) is None
    assert compared == ["B" * 16] * 3


@pytest.mark.parametrize("entry", ["emergency_code:alone", "emergency_code:after=email_otp"])
def test_no_policy_takes_it_without_the_password(provider: Provider, entry: str) -> None:
    with (
        pytest.raises(InvalidOperation, match="emergency_code: only after password"),
        provider.services.db.write() as tx,
    ):
        policies.add(provider.desk, tx, "strong", ("email_otp", entry))


@pytest.mark.parametrize(
    "entry",
    [MethodEntry("emergency_code"), MethodEntry("email_otp", after="emergency_code")],
    ids=["alone", "as first factor"],
)
def test_a_policy_recorded_by_other_rules_does_not_offer_it(provider: Provider, entry: MethodEntry) -> None:
    code = issued(provider)
    provider.clock.advance(seconds=1)
    with provider.services.db.write() as tx:
        found = in_force(tx.policies.of("strong"), provider.clock.now())
        assert found
        made = replace(
            found,
            policy_id="by other rules",
            effective_from=provider.clock.now(),
            methods=(MethodEntry("password"), entry),
        )
        tx.policies.add(made)
    rp = RelyingParty(provider, "strong")
    path = rp.open_login()
    shown = rp.browser.get(path)
    assert "Code de secours" not in shown.text
    form = {"csrf": csrf_of(shown), "login": "anne.pierre", "code": code, "password": PASSWORD}
    for method in ("emergency_code", *({"email_otp"} & {entry.id})):
        assert rp.browser.post(f"{path}/{method}", data=form).status_code == 403
    assert nobody_came_in(provider)
    assert not provider.events("emergency_code.used")


def test_alone_on_a_list_by_other_rules_it_lets_nobody_in(provider: Provider) -> None:
    provider.clock.advance(seconds=1)
    with provider.services.db.write() as tx:
        found = in_force(tx.policies.of("strong"), provider.clock.now())
        assert found
        alone = (MethodEntry("emergency_code"),)
        tx.policies.add(replace(found, policy_id="x", effective_from=provider.clock.now(), methods=alone))
    answer = RelyingParty(provider, "strong").authorize()
    assert error_of(answer) == "unmet_authentication_requirements"


def test_the_driver_itself_refuses_a_proof_without_the_password(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A method that forgets to ask, on a policy that nothing has looked at."""
    monkeypatch.setattr(provider.services.registry, "only_after", {})
    provider.clock.advance(seconds=1)
    provider.set_policy("strong", ("emergency_code:alone",))
    hers = IdentityRef("login_name", "anne.pierre")

    def submit(self: EmergencyCode, ctx: Context, form: object) -> Done:
        until = ctx.now + timedelta(hours=1)
        return Done(Proof(self.id, hers, Assurance.LOW, ("otp",), ctx.now, self.id, until=until))

    monkeypatch.setattr(EmergencyCode, "submit", submit)
    rp = RelyingParty(provider, "strong")
    path = rp.open_login()
    rp.post(f"{path}/emergency_code", page=path)
    assert give(rp, path, WRONG).status_code == 200
    assert provider.events("login.failed")[0].detail == {"method": "emergency_code", "reason": "internal"}
    assert nobody_came_in(provider)


# -- what it is worth --------------------------------------------------------------------


@pytest.mark.parametrize(
    "typed", [str, str.lower, lambda code: f" {code.replace('-', ' ')} "], ids=["as is", "low", "spaced"]
)
def test_password_then_code(provider: Provider, typed: Callable[[str], str]) -> None:
    code = issued(provider)
    rp, path = at_the_code(provider)
    page = rp.browser.get(f"{path}/emergency_code").text
    assert "Étape 2 sur 2" in page
    assert "Code de secours" in page
    claims = rp.redeem(answer_of(give(rp, path, typed(code)))["code"])["claims"]
    assert (claims["amr"], claims["acr"]) == (["pwd", "otp", "mfa"], "eidas1")


def test_it_is_offered_whoever_has_one(provider: Provider) -> None:
    rp = RelyingParty(provider, "strong")
    page = rp.browser.get(rp.open_login()).text
    assert "Code de secours" in page
    assert "Remis par l'assistance" in page or "Remis par l&#39;assistance" in page


def test_it_is_no_means_of_the_account(provider: Provider) -> None:
    issued(provider)
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        own = own_means.of_account(provider.services, tx, account)
        held = own_means.holdings(tx, account)
        assert not tx.means.credentials(account.account_id)[1:]
        policy = in_force(tx.policies.of("strong"), provider.clock.now())
    assert policy
    assert "emergency_code" not in {entry.id for entry in own.reach}
    assert "emergency_code" not in {e.id for e in own_means.linking_policy(provider.services, "rp", "").methods}
    only = replace(policy, methods=(MethodEntry("emergency_code", after="password"),))
    assert not own_means.opens(provider.services, held, only)


def test_a_login_by_it_is_no_first_login(provider: Provider) -> None:
    """Which an upstream may wait for: a login by the account's own means."""
    code = issued(provider)
    rp, path = at_the_code(provider)
    answer_of(give(rp, path, code))
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        assert account.signed_in_at is None
