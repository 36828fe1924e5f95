"""The one-time code by e-mail: the shared suite, and what is special to it."""

from dataclasses import replace

import pytest

from idp.domain.authn import Assurance
from idp.methods.base import Done, Refused, Show, Step, Subject
from idp.methods.conformance import ANNE, FakeContext, MethodSuite, fake_context
from idp.methods.email_otp import MAX_TRIES, EmailOtp

METHOD = EmailOtp()
SAMIR = Subject("account-samir", "samir", "account-samir", "samir@chu.example", "s•••@chu.example")


def context(subject: Subject | None = None, minutes: int = 10) -> FakeContext:
    return fake_context(subject=subject, options={"lifetime_minutes": minutes})


def begun(subject: Subject | None = ANNE, minutes: int = 10) -> FakeContext:
    ctx = context(subject, minutes)
    METHOD.begin(ctx)
    ctx.next_request()
    return ctx


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def submit(ctx: FakeContext, code: str) -> Step:
    step = METHOD.submit(ctx, {"code": code})
    ctx.next_request()
    return step


class TestEmailOtp(MethodSuite):
    method = EmailOtp()
    never_asks_who = True

    def context(self) -> FakeContext:
        return fake_context(subject=ANNE)

    def good_login(self, ctx: FakeContext) -> Step:
        self.method.begin(ctx)
        return submit(ctx, ctx.outbox.last["code"])

    def bad_login(self, ctx: FakeContext) -> Step:
        self.method.begin(ctx)
        return submit(ctx, wrong(ctx.outbox.last["code"]))

    def again(self, ctx: FakeContext) -> Step:
        return submit(ctx, ctx.outbox.last["code"])

    def late_login(self, ctx: FakeContext) -> Step | None:
        self.method.begin(ctx)
        ctx.advance(minutes=10)
        return submit(ctx, ctx.outbox.last["code"])

    def secrets(self, ctx: FakeContext) -> list[str]:
        return [ctx.outbox.last["code"], "anne@chu.example"]


class TestEmailOtpAlone(TestEmailOtp):
    """Without a first factor the person is named by what is typed."""

    never_asks_who = False

    def context(self) -> FakeContext:
        return fake_context()

    def good_login(self, ctx: FakeContext) -> Step:
        METHOD.submit(ctx, {"login": "anne.pierre"})
        return submit(ctx, ctx.outbox.last["code"])

    def bad_login(self, ctx: FakeContext) -> Step:
        METHOD.submit(ctx, {"login": "anne.pierre"})
        return submit(ctx, wrong(ctx.outbox.last["code"]))

    def unknown_login(self, ctx: FakeContext) -> Step:
        METHOD.submit(ctx, {"login": "nobody"})
        return submit(ctx, wrong(ctx.outbox.last["code"]))

    def late_login(self, ctx: FakeContext) -> Step | None:
        METHOD.submit(ctx, {"login": "anne.pierre"})
        ctx.advance(minutes=10)
        return submit(ctx, ctx.outbox.last["code"])


def test_alone_it_is_one_weak_factor() -> None:
    ctx = begun()
    step = submit(ctx, ctx.outbox.last["code"])
    assert isinstance(step, Done)
    assert (step.proof.assurance, step.proof.amr, step.proof.anchor) == (Assurance.LOW, ("otp",), "mailbox")


@pytest.mark.parametrize(("minutes", "alive"), [(9.99, True), (10, False), (14, False)])
def test_a_code_lives_ten_minutes(minutes: float, alive: bool) -> None:
    ctx = begun()
    ctx.advance(minutes=minutes)
    step = submit(ctx, ctx.outbox.last["code"])
    assert isinstance(step, Done) if alive else step == Refused("code_expired")


@pytest.mark.parametrize(("minutes", "at_s", "alive"), [(1, 59, True), (1, 60, False), (5, 299, True), (5, 300, False)])
def test_a_policy_may_shorten_its_life(minutes: int, at_s: int, alive: bool) -> None:
    ctx = begun(minutes=minutes)
    assert ctx.outbox.last["minutes"] == str(minutes)
    shown = METHOD.show(ctx)
    assert isinstance(shown, Show)
    assert shown.values["minutes"] == minutes
    ctx.advance(seconds=at_s)
    assert isinstance(submit(ctx, ctx.outbox.last["code"]), Done) is alive


def test_a_page_without_a_code_does_not_say_that_one_was_sent() -> None:
    ctx = context(ANNE)
    ctx.outbox.most = 0
    assert METHOD.begin(ctx) == Refused("too_many_codes")
    ctx.next_request()
    shown = METHOD.show(ctx)
    assert isinstance(shown, Show)
    assert (shown.values["sent"], shown.values["minutes"]) == (False, None)


def test_five_wrong_codes_wear_it_out_even_for_the_right_one() -> None:
    ctx = begun()
    code = ctx.outbox.last["code"]
    for _ in range(MAX_TRIES):
        assert submit(ctx, wrong(code)) == Refused("code_wrong", guess=True)
    assert submit(ctx, code) == Refused("code_worn_out")
    assert ctx.attempts == MAX_TRIES


def test_the_fifth_try_may_be_right() -> None:
    ctx = begun()
    code = ctx.outbox.last["code"]
    for _ in range(MAX_TRIES - 1):
        submit(ctx, wrong(code))
    assert isinstance(submit(ctx, code), Done)


@pytest.mark.parametrize(
    "typed", ["", "12345", "1234567", "12345a", "١٢٣٤٥٦", "-12345", "0x1234", "１２３４５６", "\x00" * 6]
)
def test_what_is_no_code_is_not_counted(typed: str) -> None:
    ctx = begun()
    assert submit(ctx, typed) == Refused("code_malformed")
    assert (ctx.attempts, ctx.state["tries"]) == (0, 0)


def test_spaces_in_a_code_are_forgiven() -> None:
    ctx = begun()
    code = ctx.outbox.last["code"]
    assert isinstance(submit(ctx, f" {code[:3]} {code[3:]} "), Done)


def test_only_the_newest_code_is_good() -> None:
    ctx = begun()
    first = ctx.outbox.last["code"]
    ctx.advance(seconds=60)
    assert isinstance(METHOD.submit(ctx, {"resend": "1"}), Show)
    second = ctx.outbox.last["code"]
    if first != second:
        assert submit(ctx, first) == Refused("code_wrong", guess=True)
    assert isinstance(submit(ctx, second), Done)


@pytest.mark.parametrize("typed", ["right", "wrong", "12345"])
def test_a_code_that_was_overtaken_elsewhere_is_expired_and_no_try_is_counted(typed: str) -> None:
    """Whatever is typed: the refusal tells nothing of the code."""
    first, second = begun(), begun()
    second.outbox = first.outbox
    METHOD.submit(replace(second, state={}), {"resend": "1"})
    codes = {"right": first.outbox.letters[0][2]["code"], "wrong": wrong(first.outbox.letters[0][2]["code"])}
    assert submit(first, codes.get(typed, typed)) == Refused("code_expired")
    assert (first.attempts, first.state["tries"]) == (0, 0)


def test_a_code_to_somebody_else_overtakes_nothing() -> None:
    ctx, samir = begun(), context(SAMIR)
    samir.outbox = ctx.outbox
    METHOD.begin(samir)
    assert isinstance(submit(ctx, ctx.outbox.letters[0][2]["code"]), Done)


def test_a_new_code_has_new_tries_and_a_new_life() -> None:
    ctx = begun()
    for _ in range(MAX_TRIES):
        submit(ctx, wrong(ctx.outbox.last["code"]))
    ctx.advance(minutes=9)
    METHOD.submit(ctx, {"resend": "1"})
    ctx.advance(minutes=9)
    assert isinstance(submit(ctx, ctx.outbox.last["code"]), Done)


@pytest.mark.parametrize(("seconds", "letters"), [(0, 1), (59, 1), (60, 2)])
def test_a_code_is_sent_again_after_a_minute(seconds: int, letters: int) -> None:
    ctx = begun()
    ctx.advance(seconds=seconds)
    step = METHOD.submit(ctx, {"resend": "1"})
    assert len(ctx.outbox.letters) == letters
    assert isinstance(step, Show) if letters == 2 else step == Refused("code_just_sent")


def test_no_code_beyond_the_allowance_and_the_last_stays_good() -> None:
    ctx = begun()
    code = ctx.outbox.last["code"]
    ctx.outbox.most = 1
    ctx.advance(seconds=61)
    assert METHOD.submit(ctx, {"resend": "1"}) == Refused("too_many_codes")
    assert len(ctx.outbox.letters) == 1
    assert isinstance(submit(ctx, code), Done)


def test_the_code_never_goes_to_a_typed_address() -> None:
    ctx = begun()
    ctx.advance(minutes=2)
    METHOD.submit(ctx, {"resend": "1", "login": "thief", "email": "thief@evil.example", "to": "thief@evil.example"})
    assert {to for _, to, _ in ctx.outbox.letters} == {ANNE}
    unknown = begun(None)
    METHOD.submit(unknown, {"login": "thief@evil.example"})
    assert unknown.outbox.letters[-1][1].email is None


def test_the_mask_is_shown_only_after_a_first_factor() -> None:
    after = METHOD.show(begun())
    assert isinstance(after, Show)
    assert after.values["masked"] == "a•••@chu.example"
    alone = begun(None)
    METHOD.submit(alone, {"login": "anne.pierre"})
    shown = METHOD.show(alone)
    assert isinstance(shown, Show)
    assert shown.values["masked"] is None


def test_a_code_proves_only_the_person_it_was_sent_to() -> None:
    ctx = begun()
    thief = replace(begun(SAMIR), state=dict(ctx.state))
    assert METHOD.submit(thief, {"code": ctx.outbox.last["code"]}) == Refused("code_wrong", guess=True)


def test_who_is_asked_cannot_be_changed_once_a_code_was_sent() -> None:
    ctx = begun(None)
    METHOD.submit(ctx, {"login": "anne.pierre"})
    METHOD.submit(ctx, {"login": "somebody.else"})
    assert ctx.state["login"] == "anne.pierre"
    assert len(ctx.outbox.letters) == 1


def test_no_code_was_sent_yet() -> None:
    assert submit(context(ANNE), "123456") == Refused("code_expired")
    assert METHOD.submit(context(), {"login": "  "}) == Refused("login_incomplete")


def test_codes_are_six_digits_and_differ() -> None:
    codes = {begun().outbox.last["code"] for _ in range(50)}
    assert all(len(code) == 6 and code.isdigit() for code in codes)
    assert len(codes) > 45
