"""Login method `qr_code`."""

from dataclasses import replace
from typing import Any

import pytest

from idp.domain.authn import Assurance, IdentityRef
from idp.domain.phone_request import LIFETIME, Approval, State
from idp.domain.policy import MethodEntry
from idp.methods.base import Done, Refused, Show, Step, Subject
from idp.methods.conformance import ANNE, FakeContext, MethodSuite, fake_context
from idp.methods.qr_code import QrCode
from tests.fakes.authenticator import Authenticator

METHOD = QrCode()
BY = Approval("her phone", "account-anne", "anne.pierre", ("swk", "pin", "mfa"))
PRESSED = {"approved": "yes"}
BY_PASSKEY: dict[str, Any] = {"approval": "passkey", "same_network": "no"}


def context(subject: Subject | None = None, **options: Any) -> FakeContext:
    return fake_context(subject=subject, options={"approval": "phone", "same_network": "no", **options})


def approved(ctx: FakeContext, by: Approval = BY) -> Step:
    METHOD.begin(ctx)
    ctx.next_request()
    ctx.phones.becomes(State.APPROVED, by)
    return METHOD.submit(ctx, PRESSED)


class TestQrCode(MethodSuite):
    """Nobody named."""

    method = METHOD
    never_asks_who = True
    guesses_nothing = True
    subject: Subject | None = None

    def context(self) -> FakeContext:
        return context(self.subject)

    def good_login(self, ctx: FakeContext) -> Step:
        return approved(ctx)

    def bad_login(self, ctx: FakeContext) -> Step:
        self.method.begin(ctx)
        ctx.phones.becomes(State.REFUSED)
        return self.method.submit(ctx, PRESSED)

    def again(self, ctx: FakeContext) -> Step:
        return self.method.submit(ctx, PRESSED)

    def late_login(self, ctx: FakeContext) -> Step:
        self.method.begin(ctx)
        ctx.now += LIFETIME
        ctx.phones.becomes(State.APPROVED, BY)
        return self.method.submit(ctx, PRESSED)


class TestQrCodeAfterPassword(TestQrCode):
    subject = ANNE


class TestQrCodeByPasskey(MethodSuite):
    """approval=passkey: the ceremony is the computer's."""

    method = METHOD
    never_asks_who = True

    def context(self) -> FakeContext:
        self.key = Authenticator()
        ctx = context(**BY_PASSKEY)
        ctx.passkeys.records.append(self.key.record(ANNE.account_id or "", ANNE.login))
        return ctx

    def _form(self, ctx: FakeContext) -> dict[str, str]:
        self.method.begin(ctx)
        ctx.next_request()
        shown = self.method.show(ctx)
        assert isinstance(shown, Show)
        return {"challenge": shown.values["challenge"], "credential": self.key.get(shown.values["options"])}

    def good_login(self, ctx: FakeContext) -> Step:
        self.sent = self._form(ctx)
        return self.method.submit(ctx, self.sent)

    def bad_login(self, ctx: FakeContext) -> Step:
        self.key = replace(self.key, webauthn_id=b"unknown")
        return self.method.submit(ctx, self._form(ctx))

    def again(self, ctx: FakeContext) -> Step:
        return self.method.submit(ctx, self.sent)


# -- refusals ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "code"),
    [(State.PENDING, "not_approved"), (State.SCANNED, "not_approved"), (State.REFUSED, "refused_on_phone")],
    ids=["pending", "scanned", "refused"],
)
def test_what_no_phone_approved_is_refused_and_no_guess(state: State, code: str) -> None:
    ctx = context()
    METHOD.begin(ctx)
    ctx.phones.becomes(state)
    assert METHOD.submit(ctx, PRESSED) == Refused(code)


def test_who_presses_too_early_however_often_is_not_kept_out_once_it_is_approved() -> None:
    ctx = context()
    METHOD.begin(ctx)
    for _ in range(ctx.most_attempts + 1):
        assert METHOD.submit(ctx, PRESSED) == Refused("not_approved")
    ctx.phones.becomes(State.APPROVED, BY)
    assert isinstance(METHOD.submit(ctx, PRESSED), Done)


def test_without_a_request_it_has_expired() -> None:
    assert METHOD.submit(context(), PRESSED) == Refused("request_expired")


def test_a_request_that_is_gone_has_expired_and_the_page_says_so() -> None:
    """The ephemeral store was emptied in the middle."""
    ctx = context()
    METHOD.begin(ctx)
    ctx.phones.requests.clear()
    assert METHOD.submit(ctx, PRESSED) == Refused("request_expired")
    shown = METHOD.show(ctx)
    assert isinstance(shown, Show)
    assert (shown.values["state"], shown.values["code"]) == ("expired", None)


def test_a_new_code_ends_the_one_before() -> None:
    ctx = context()
    METHOD.begin(ctx)
    METHOD.begin(ctx)
    assert list(ctx.phones.requests) == ["request 0"]  # the first was dropped before the second was opened


def test_a_phone_approves_nothing_where_a_passkey_is_asked_on_the_computer() -> None:
    ctx = context(**BY_PASSKEY)
    METHOD.begin(ctx)
    assert ctx.phones.requests == {}
    ctx.state["request"] = ctx.phones.open(same_network=False).id
    ctx.phones.becomes(State.APPROVED, BY)
    assert METHOD.submit(ctx, PRESSED) == Refused("passkey_missing")


def test_the_number_is_shown_only_once_it_was_scanned() -> None:
    ctx = context()
    for state, number in ((State.PENDING, None), (State.SCANNED, "47"), (State.APPROVED, None), (State.REFUSED, None)):
        METHOD.begin(ctx)
        ctx.phones.becomes(state, BY)
        shown = METHOD.show(ctx)
        assert isinstance(shown, Show)
        assert shown.values["number"] == number
        assert (shown.values["code"] == "BCDF-GHJK") == (state is State.PENDING)


@pytest.mark.parametrize("condition", ["same_network=yes", "approval=passkey"])
def test_a_proof_of_a_service_that_asks_less_does_not_do(condition: str) -> None:
    """Single sign-on must not lead around what stops a relay."""
    step = approved(context())
    assert isinstance(step, Done)
    name, _, value = condition.partition("=")
    assert MethodEntry("qr_code").matches(step.proof)
    assert MethodEntry("qr_code", options={name: "no" if value == "yes" else "phone"}).matches(step.proof)
    assert not MethodEntry("qr_code", options={name: value}).matches(step.proof)


# -- what it is worth --------------------------------------------------------------------


def test_what_it_proves() -> None:
    ctx = context()
    step = approved(ctx)
    assert isinstance(step, Done)
    proof = step.proof
    assert (proof.identity, proof.assurance) == (IdentityRef("login_name", "anne.pierre"), Assurance.MEDIUM)
    assert (proof.amr, proof.anchor, proof.credentials) == (("swk", "pin", "mfa"), "phone", ("her phone",))
    assert proof.held == ()


def test_it_says_that_the_phone_was_in_the_same_network() -> None:
    ctx = context(same_network="yes")
    step = approved(ctx, replace(BY, same_network=True))
    assert ctx.phones.same_network
    assert isinstance(step, Done)
    assert MethodEntry("qr_code", options={"same_network": "yes"}).matches(step.proof)


@pytest.mark.parametrize(("synced", "kind"), [(False, "hwk"), (True, "swk")], ids=["one device", "synced"])
def test_by_passkey_on_the_computer(synced: bool, kind: str) -> None:
    key = Authenticator(is_backup_eligible=synced)
    ctx = context(**BY_PASSKEY)
    ctx.passkeys.records.append(key.record(ANNE.account_id or "", ANNE.login))
    METHOD.begin(ctx)
    shown = METHOD.show(ctx)
    assert isinstance(shown, Show)
    assert '"hints": ["hybrid"]' in shown.values["options"]
    step = METHOD.submit(ctx, {"challenge": shown.values["challenge"], "credential": key.get(shown.values["options"])})
    assert isinstance(step, Done)
    assert (step.proof.method, step.proof.amr) == ("qr_code", (kind, "user", "mfa"))
    assert step.proof.assurance is Assurance.MEDIUM
    strict = MethodEntry("qr_code", options={"approval": "passkey", "same_network": "yes"})
    assert strict.matches(step.proof)


def test_either_kind_of_key_will_do() -> None:
    assert not METHOD.needs.missing(frozenset({"credential:phone"}))
    assert not METHOD.needs.missing(frozenset({"credential:passkey"}))
    assert METHOD.needs.missing(frozenset({"credential:totp"}))


def test_the_computers_own_page_needs_a_passkey() -> None:
    for options, is_missing in ({"approval": "passkey"}, True), ({"approval": "phone"}, False), ({}, False):
        assert METHOD.needs_for(options).missing(frozenset({"credential:phone"})) is is_missing
        assert not METHOD.needs_for(options).missing(frozenset({"credential:passkey"}))
