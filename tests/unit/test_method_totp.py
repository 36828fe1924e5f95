"""Login method `totp`."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from idp.domain.authn import Assurance
from idp.domain.codes import six_digits
from idp.domain.policy import MethodEntry
from idp.methods.base import Done, Refused, Step
from idp.methods.conformance import ANNE, FakeContext, MethodSuite, fake_context
from idp.methods.email_otp import EmailOtp
from idp.methods.password import Password
from idp.methods.registry import Registry
from idp.methods.totp import Totp
from idp.totp import key_uri, matching_step, new_secret
from tests.fakes import samples

VECTOR_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238 appendix B: ASCII 12345678901234567890
VECTOR_AT = datetime(1970, 1, 1, 0, 0, 59, tzinfo=UTC)
VECTOR_CODE = "287082"
STEP = timedelta(seconds=30)


def login(ctx: FakeContext, code: str) -> Step:
    return Totp().submit(ctx, {"code": code})


class TestTotp(MethodSuite):
    """After a password."""

    method = Totp()
    never_asks_who = True

    def context(self) -> FakeContext:
        return fake_context(subject=ANNE)

    def good_login(self, ctx: FakeContext) -> Step:
        return login(ctx, ctx.codes.shown)

    def bad_login(self, ctx: FakeContext) -> Step:
        return login(ctx, "000000")

    def again(self, ctx: FakeContext) -> Step:
        return login(ctx, ctx.codes.shown)

    def secrets(self, ctx: FakeContext) -> list[str]:
        return [ctx.codes.shown]


@pytest.mark.parametrize("code", ["", "12345", "1234567", "28708a", "２８７０８２", "2" * 100])
def test_what_is_no_code_is_refused_and_is_no_try(code: str) -> None:
    ctx = fake_context(subject=ANNE)
    assert login(ctx, code) == Refused("code_malformed")
    assert ctx.attempts == 0


def test_without_the_password_before_it_not_even_the_right_code_is_looked_at() -> None:
    """A stranger with a login name could block the application with wrong ones."""
    ctx = fake_context()
    assert Totp().submit(ctx, {"login": "anne.pierre", "code": ctx.codes.shown}) == Refused("password_first")
    assert ctx.attempts == 0


@pytest.mark.parametrize("after", [None, "email_otp"])
def test_a_policy_that_does_not_ask_the_password_first_is_refused_and_not_followed(after: str | None) -> None:
    registry = Registry([Password(), EmailOtp(), Totp()])
    password, entry = MethodEntry("password"), MethodEntry("totp", after=after)
    policy = replace(samples.policy(), methods=(password, entry))
    assert any("only after" in problem for problem in registry.problems(policy))
    assert policy.within(registry.only_after).methods == (password,)


def test_a_wrong_code_is_a_guess() -> None:
    assert login(fake_context(subject=ANNE), "000000") == Refused("code_wrong", guess=True)


def test_that_it_is_blocked_is_said() -> None:
    ctx = fake_context(subject=ANNE)
    ctx.codes.is_blocked = True
    assert login(ctx, VECTOR_CODE) == Refused("codes_blocked", guess=True)
    assert ctx.attempts == 1


def test_spaces_between_digits_are_nothing() -> None:
    assert six_digits(" 287 082\n") == VECTOR_CODE


def test_the_proof_is_one_factor_that_rests_on_the_credential() -> None:
    step = login(fake_context(subject=ANNE), VECTOR_CODE)
    assert isinstance(step, Done)
    proof = step.proof
    assert (proof.amr, proof.assurance, proof.anchor) == (("otp",), Assurance.LOW, "totp")
    assert proof.credentials == ("her application",)


# -- codes -------------------------------------------------------------------------------


@pytest.mark.spec("RFC 6238 appendix B")
@pytest.mark.parametrize(
    ("at_s", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_published_vectors(at_s: int, code: str) -> None:
    assert matching_step(VECTOR_SECRET, code, datetime.fromtimestamp(at_s, UTC)) == at_s // 30


@pytest.mark.spec("RFC 6238 §5.2")
@pytest.mark.parametrize(("drift", "is_good"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_off(drift: int, is_good: bool) -> None:
    at = datetime.fromtimestamp(1111111109, UTC)
    expected = 1111111109 // 30 if is_good else None
    assert matching_step(VECTOR_SECRET, "081804", at + drift * STEP) == expected


def test_a_code_of_two_steps_is_of_the_later_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """The earlier one may be spent already."""
    monkeypatch.setattr(pyotp.HOTP, "at", lambda self, count: VECTOR_CODE)
    assert matching_step(VECTOR_SECRET, VECTOR_CODE, VECTOR_AT) == 2


def test_a_secret_has_160_bits_and_the_application_is_told_what_all_do() -> None:
    secret = new_secret()
    assert len(pyotp.TOTP(secret).byte_secret()) == 20
    assert secret != new_secret()
    assert key_uri(secret, "anne.pierre", "esea") == f"otpauth://totp/esea:anne.pierre?secret={secret}&issuer=esea"
