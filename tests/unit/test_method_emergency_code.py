"""Login method `emergency_code`."""

from dataclasses import replace
from datetime import timedelta

import pytest

from idp.domain.authn import Assurance, IdentityRef, Proof, compose, temporary_until
from idp.domain.decide import Facts, Issue, Login, decide
from idp.domain.emergency import ALPHABET, clean, new_code
from idp.domain.policy import MethodEntry
from idp.methods.base import Done, Refused, Step
from idp.methods.bounds import OutOfBounds, check_bounds, check_order
from idp.methods.conformance import ANNE, START, FakeContext, MethodSuite, fake_context
from idp.methods.emergency_code import EmergencyCode
from idp.methods.password import Password
from idp.methods.registry import Registry
from tests.fakes import samples

METHOD = EmergencyCode()
ENTRY = MethodEntry("emergency_code", after="password")
HER_PASSWORD = Proof("password", IdentityRef("login_name", "anne.pierre"), Assurance.LOW, ("pwd",), START, "knowledge")


def login(ctx: FakeContext, code: str) -> Step:
    return METHOD.submit(ctx, {"code": code})


class TestEmergencyCode(MethodSuite):
    method = METHOD
    never_asks_who = True

    def context(self) -> FakeContext:
        return fake_context(subject=ANNE)

    def good_login(self, ctx: FakeContext) -> Step:
        return login(ctx, ctx.emergency.code)

    def bad_login(self, ctx: FakeContext) -> Step:
        return login(ctx, "BBBB-BBBB-BBBB-BBBB")

    def again(self, ctx: FakeContext) -> Step:
        return self.good_login(ctx)

    def secrets(self, ctx: FakeContext) -> list[str]:
        return [ctx.emergency.code]


def proof() -> Proof:
    step = login(fake_context(subject=ANNE), "BCDFGHJKLMNPQRST")
    assert isinstance(step, Done)
    return step.proof


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["", "BCDFGHJKLMNPQRS", "BCDFGHJKLMNPQRSTV", "BCDFGHJKLMNPQRSA", "1" * 16, "B" * 70])
def test_what_is_no_code_is_refused_and_is_no_try(code: str) -> None:
    ctx = fake_context(subject=ANNE)
    assert login(ctx, code) == Refused("code_malformed")
    assert ctx.attempts == 0


def test_without_somebody_proven_nothing_is_compared() -> None:
    ctx = fake_context()
    assert login(ctx, ctx.emergency.code) == Refused("password_first")
    assert (ctx.attempts, ctx.emergency.is_spent) == (0, False)


def test_a_wrong_code_is_a_guess() -> None:
    assert login(fake_context(subject=ANNE), "B" * 16) == Refused("code_wrong", guess=True)


@pytest.mark.parametrize("first", [None, replace(HER_PASSWORD, method="email_otp")], ids=["nothing", "another"])
def test_without_the_password_it_is_out_of_order(first: Proof | None) -> None:
    with pytest.raises(OutOfBounds, match="only after password"):
        check_order(METHOD, first)


def test_after_the_password_it_is_in_order() -> None:
    check_order(METHOD, HER_PASSWORD)
    check_order(Password(), None)


@pytest.mark.parametrize("until", [None, START, START - timedelta(hours=1)], ids=["none", "now", "past"])
def test_a_proof_that_does_not_end_is_out_of_bounds(until: object) -> None:
    with pytest.raises(OutOfBounds, match="until"):
        check_bounds(METHOD, replace(proof(), until=until), START)  # type: ignore[arg-type]


def test_no_other_method_gives_a_proof_that_ends() -> None:
    with pytest.raises(OutOfBounds, match="until"):
        check_bounds(Password(), replace(HER_PASSWORD, until=START + timedelta(hours=1)), START)


@pytest.mark.parametrize(
    "entry",
    [
        replace(ENTRY, after=None),
        replace(ENTRY, after="email_otp"),
        MethodEntry("password", after="emergency_code"),
    ],
    ids=["alone", "after another", "as first factor"],
)
def test_a_policy_that_does_not_ask_the_password_first_is_refused_and_not_followed(entry: MethodEntry) -> None:
    registry = Registry([Password(), METHOD])
    policy = replace(samples.policy(), methods=(MethodEntry("password"), entry))
    assert any("only after" in problem for problem in registry.problems(policy))
    assert policy.within(registry.only_after).methods == (MethodEntry("password"),)


def test_a_policy_that_does_is_followed() -> None:
    registry = Registry([Password(), METHOD])
    assert registry.entry("emergency_code") == ENTRY
    policy = replace(samples.policy(), methods=(ENTRY,))
    assert registry.problems(policy) == []
    assert policy.within(registry.only_after) is policy


# -- what it is worth --------------------------------------------------------------------


def test_with_the_password_it_is_medium_and_ends() -> None:
    made = compose(HER_PASSWORD, proof())
    assert (made.amr, made.assurance) == (("pwd", "otp", "mfa"), Assurance.MEDIUM)
    assert made.until == START + timedelta(hours=1)
    assert made.evidence == {"code": "her code"}
    assert Proof.from_json(made.to_json()) == made


def test_of_several_proofs_the_earliest_end_counts() -> None:
    later = replace(proof(), until=START + timedelta(hours=2))
    assert temporary_until([later, HER_PASSWORD, proof()]) == START + timedelta(hours=1)
    assert temporary_until([HER_PASSWORD]) is None


def test_how_it_is_typed_does_not_matter() -> None:
    ctx = fake_context(subject=ANNE)
    assert isinstance(login(ctx, " bcdf-ghjk lmnp\u00a0QRST\n"), Done)


def test_a_code_has_69_bits_and_is_read_in_groups() -> None:
    codes = {new_code() for _ in range(50)}
    assert len(codes) == 50
    for code in codes:
        groups = code.split("-")
        assert [len(group) for group in groups] == [4, 4, 4, 4]
        assert set("".join(groups)) <= set(ALPHABET)
        assert clean(code) == "".join(groups)
    assert len(set(ALPHABET)) ** 16 > 2**69


@pytest.mark.parametrize(("minutes", "decision"), [(59, Issue), (60, Login)])
def test_a_proof_of_an_interaction_counts_until_its_end(minutes: int, decision: type) -> None:
    """The session ends by itself; the login in progress may be older than that."""
    made, policy = compose(HER_PASSWORD, proof()), replace(samples.policy(), methods=(ENTRY,))
    facts = Facts(samples.account(), "sub", fresh=(made,), entitled=True)
    reach, now = Registry([Password(), METHOD]).reach, START + timedelta(minutes=minutes)
    found = decide(policy, samples.request(), facts, now=now, reach=reach, acr=samples.ACR)
    assert isinstance(found, decision)
