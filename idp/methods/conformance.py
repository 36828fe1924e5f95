"""The suite that every login method must pass, ours and others'.

class TestMine(MethodSuite):
    method = Mine()
    def context(self): return fake_context()
    def good_login(self, ctx): ...   # drive it to a Done
    def bad_login(self, ctx): ...    # a wrong password, code, …
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from idp.domain.authn import Proof
from idp.methods.base import CONTRACT_VERSION, Context, Done, Method, Refused, Step, Subject, TooManyAttempts

START = datetime(2026, 7, 1, 8, 0, tzinfo=UTC)
SECRET_OF_ANNE = "une phrase que personne ne devine"


@dataclass
class FakeOutbox:
    """Keeps what is put; letters to somebody unknown are dropped later, as the real one does."""

    letters: list[tuple[str, Subject, dict[str, str]]] = field(default_factory=list)

    def put(self, kind: str, *, to: Subject, values: Mapping[str, str]) -> None:
        self.letters.append((kind, to, dict(values)))

    @property
    def last(self) -> dict[str, str]:
        return self.letters[-1][2]


@dataclass
class FakePasswords:
    """One password, of one person."""

    anchor: str = "knowledge"

    def check(self, subject: Subject, typed: str) -> str | None:
        return self.anchor if subject.account_id and typed == SECRET_OF_ANNE else None


ANNE = Subject("account-anne", "anne.pierre", "account-anne", "anne@chu.example", "a•••@chu.example")


class FakeContext(Context):
    """A Context whose clock the test drives and whose counters it can read."""

    outbox: FakeOutbox
    attempts: int = 0
    sendings: int = 0
    most_attempts: int = 25
    most_sendings: int = 5

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def next_request(self) -> None:
        """State goes through JSON, as it does between two requests."""
        self.state = json.loads(json.dumps(self.state))


def fake_context(*, subject: Subject | None = None, anchor: str = "knowledge") -> FakeContext:
    """A context in which anne.pierre exists and nobody else does."""

    def find(login: str) -> Subject:
        known = login in {ANNE.login, ANNE.email}
        return ANNE if known else Subject(f"unknown-{login}", login)

    def take_attempt(_subject: Subject) -> None:
        if ctx.attempts >= ctx.most_attempts:
            raise TooManyAttempts(timedelta(seconds=65))
        ctx.attempts += 1

    def allow(_subject: Subject) -> bool:
        ctx.sendings += 1
        return ctx.sendings <= ctx.most_sendings

    ctx = FakeContext(
        now=START,
        state={},
        subject=subject,
        find=find,
        take_attempt=take_attempt,
        allow=allow,
        mac=lambda *parts: "mac:" + str(hash(("interaction", *parts))),
        outbox=FakeOutbox(),
        passwords=FakePasswords(anchor),
        service_name="ROR Nouvelle-Aquitaine",
    )
    return ctx


class MethodSuite:
    """Subclass it with `method`, `context`, `good_login`, `bad_login`; `secrets` if the login has others."""

    method: Method

    def context(self) -> FakeContext:
        raise NotImplementedError

    def good_login(self, ctx: FakeContext) -> Step:
        raise NotImplementedError

    def bad_login(self, ctx: FakeContext) -> Step:
        raise NotImplementedError

    def unknown_login(self, ctx: FakeContext) -> Step | None:
        """What somebody unknown sees after the same gestures; None if the method never asks who one is."""
        return None

    def again(self, ctx: FakeContext) -> Step | None:
        """Send what was just accepted a second time; None for what is not single use."""
        return None

    def secrets(self, ctx: FakeContext) -> list[str]:
        return [SECRET_OF_ANNE]

    def test_declares_the_contract(self) -> None:
        assert self.method.contract_version == CONTRACT_VERSION
        assert self.method.amr
        assert self.method.offer.label
        assert self.method.offer.icon

    def test_good_login_gives_a_proof_within_the_declared_bounds(self) -> None:
        ctx = self.context()
        proof = self._proof(self.good_login(ctx))
        assert proof.method == self.method.id
        assert set(proof.amr) <= self.method.amr
        assert proof.assurance <= self.method.assurance
        assert proof.at == ctx.now
        assert Proof.from_json(json.loads(json.dumps(proof.to_json()))) == proof

    def test_bad_login_never_gives_a_proof(self) -> None:
        assert isinstance(self.bad_login(self.context()), Refused)

    def test_each_try_is_counted(self) -> None:
        ctx = self.context()
        self.bad_login(ctx)
        assert ctx.attempts == 1

    def test_a_spent_allowance_stops_even_the_right_answer(self) -> None:
        ctx = self.context()
        ctx.most_attempts = 0
        try:
            step = self.good_login(ctx)
        except TooManyAttempts:
            return
        assert not isinstance(step, Done)

    def test_state_survives_json(self) -> None:
        ctx = self.context()
        self.good_login(ctx)
        assert json.loads(json.dumps(dict(ctx.state))) == dict(ctx.state)

    def test_unknown_people_see_the_same(self) -> None:
        unknown = self.unknown_login(self.context())
        if unknown is not None:
            assert unknown == self.bad_login(self.context())

    def test_nothing_secret_in_state_or_repr(self) -> None:
        ctx = self.context()
        step = self.good_login(ctx)
        shown = repr(step) + json.dumps(dict(ctx.state))
        for secret in self.secrets(ctx):
            assert secret not in shown

    def test_what_is_single_use_works_once(self) -> None:
        ctx = self.context()
        self.good_login(ctx)
        second = self.again(ctx)
        assert second is None or isinstance(second, Refused)

    def test_showing_changes_and_sends_nothing(self) -> None:
        ctx = self.context()
        before: dict[str, Any] = dict(ctx.state)
        self.method.show(ctx)
        assert dict(ctx.state) == before
        assert not ctx.outbox.letters

    @staticmethod
    def _proof(step: Step) -> Proof:
        assert isinstance(step, Done), f"expected Done, got {step!r}"
        return step.proof
