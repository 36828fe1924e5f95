"""A form posted by hand: the policy is enforced where a proof is accepted, whatever the page drew."""

from collections.abc import Callable, Mapping

import pytest

from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.methods.base import CONTRACT_VERSION, Context, Done, Method, Needs, Offer, Show, Step
from idp.methods.registry import Registry
from tests.fakes.provider import PASSWORD, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of, hidden_of, path_of

GOOD = {"login": "anne.pierre", "password": PASSWORD}


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start()
    made.add_client("ror", methods=("email_otp",))
    made.add_account("anne.pierre")
    made.clock.advance(seconds=1)
    return made


def nothing_was_opened(provider: Provider, rp: RelyingParty) -> None:
    assert rp.browser.get_cookie("__Host-sesame-session") is None
    assert rp.silent()["error"] == "login_required"
    assert not provider.events("login.succeeded")
    assert not provider.events("authorization.issued")


@pytest.mark.parametrize("form", [GOOD, {}, {"login": "anne.pierre", "password": "wrong"}])
def test_a_forged_password_is_refused_and_audited(provider: Provider, form: dict[str, str]) -> None:
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    refused = rp.post(f"{path}/password", page=path, **form)
    assert refused.status_code == 403
    assert "method_refused" in refused.text
    event = provider.events("login.method_refused")[0]
    assert (event.client_id, event.outcome, event.detail) == ("ror", "refused", {"method": "password"})
    nothing_was_opened(provider, rp)
    assert "Vérifiez" not in rp.browser.get(path).text  # and the login goes on
    assert rp.give_otp(path).status_code == 303


@pytest.mark.parametrize("method", ["cps_card", "..%2f", "password%00", "EMAIL_OTP", "é", "x" * 500])
def test_a_method_that_does_not_exist(provider: Provider, method: str) -> None:
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    assert rp.post(f"{path}/{method}", page=path, **GOOD).status_code in {403, 404}
    shown = rp.browser.get(f"{path}/{method}")
    assert shown.status_code == 404 or path_of(shown) == path
    assert all(event.detail == {"method": "unknown"} for event in provider.events("login.method_refused"))
    nothing_was_opened(provider, rp)


def test_the_first_factor_is_no_way_in_by_its_own_name(provider: Provider) -> None:
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    rp.post(f"{path}/email_otp", page=path)
    page = rp.browser.get(f"{path}/email_otp")
    assert rp.browser.post(f"{path}/password", data={"csrf": csrf_of(page), **GOOD}).status_code == 403
    nothing_was_opened(provider, rp)


def test_a_policy_that_changed_while_the_page_was_open(provider: Provider) -> None:
    provider.add_client("rp")
    provider.clock.advance(seconds=1)
    rp = RelyingParty(provider)
    path = rp.open_login()
    page = rp.browser.get(path)
    provider.set_policy("rp", ("email_otp",))
    refused = rp.browser.post(f"{path}/password", data={"csrf": csrf_of(page), **GOOD})
    assert refused.status_code == 403
    nothing_was_opened(provider, rp)


def test_a_proof_made_before_the_policy_changed_is_not_answered_with(provider: Provider) -> None:
    provider.add_client("rp")
    provider.clock.advance(seconds=1)
    rp = RelyingParty(provider)
    path = rp.open_login(prompt="consent")
    rp.give_password(path)
    page = rp.browser.get(path)
    provider.set_policy("rp", ("email_otp",))
    rp.browser.post(f"{path}/consent", data={**hidden_of(page), "decision": "allow"})
    assert rp.browser.get(path).status_code == 200
    assert not provider.events("authorization.issued")
    assert rp.silent()["error"] == "login_required"


def test_a_client_that_is_disabled_while_the_page_is_open(provider: Provider) -> None:
    rp = RelyingParty(provider, "ror")
    path = rp.open_login()
    page = rp.browser.get(path)
    with provider.services.db.write() as tx:
        tx.clients.set_enabled("ror", False)
    assert rp.browser.get(path).status_code == 410
    assert rp.browser.post(f"{path}/email_otp", data={"csrf": csrf_of(page)}).status_code == 410


class Impostor(Method):
    """A second factor that proves somebody else than the first."""

    id = "impostor"
    contract_version = CONTRACT_VERSION
    amr = frozenset({"sc"})
    assurance = Assurance.HIGH
    needs = Needs()
    can_be_first = False
    per_browser = False
    offer = Offer("Carte", "", "card")

    def begin(self, ctx: Context) -> Step:
        return self.show(ctx)

    def show(self, ctx: Context) -> Step:
        return Show("methods/email_otp/code.html", {"sent": True, "masked": None, "minutes": 10, "resend_wait_s": 0})

    def submit(self, ctx: Context, form: Mapping[str, str]) -> Step:
        samir = IdentityRef("login_name", "samir")
        return Done(Proof(self.id, samir, self.assurance, ("sc",), ctx.now, "card"))


def test_two_factors_must_prove_the_same_person(provider: Provider) -> None:
    provider.add_account("samir")
    methods = (*provider.services.registry.values(), Impostor())
    changed = provider.with_services(registry=Registry(methods))
    changed.add_client("card", methods=("impostor:after=password",))
    rp = RelyingParty(changed, "card")
    path = rp.open_login()
    rp.post(f"{path}/impostor", page=path)
    rp.post(f"{path}/impostor", page=f"{path}/impostor", **GOOD)
    page = rp.browser.get(f"{path}/impostor")
    assert "otp-code" in page.text
    refused = rp.browser.post(f"{path}/impostor", data={"csrf": csrf_of(page), "code": "1"})
    assert refused.status_code == 200
    assert "pas le compte" in refused.text
    nothing_was_opened(provider, rp)


def test_a_method_posted_when_nothing_is_asked_opens_nothing(provider: Provider) -> None:
    provider.add_client("rp")
    provider.add_account("samir")
    rp = RelyingParty(provider)
    path = rp.open_login(prompt="consent")
    rp.give_password(path)
    page = rp.browser.get(path)
    form = {"csrf": csrf_of(page), "login": "samir", "password": PASSWORD}
    assert path_of(rp.browser.post(f"{path}/password", data=form)) == path
    assert len(provider.events("login.succeeded")) == 1
