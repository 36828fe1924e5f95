"""The suite that every login method must pass, ours and others'.

class TestMine(MethodSuite):
    method = Mine()
    def context(self): return fake_context()
    def good_login(self, ctx): ...      # drive it to a Done
    def bad_login(self, ctx): ...       # a wrong password, code, …
    def unknown_login(self, ctx): ...   # the same by somebody unknown; or never_asks_who = True
    def again(self, ctx): ...           # what was accepted, a second time; or nothing_is_single_use = True
"""

import json
import re
from importlib.resources import files
from typing import Any
from urllib.parse import parse_qs, urlsplit

from idp.domain.authn import Proof
from idp.domain.policy import settle
from idp.methods.base import (
    CONTRACT_VERSION,
    Done,
    Method,
    Redirect,
    Refused,
    Show,
    Step,
    TooManyAttempts,
)
from idp.methods.bounds import check_bounds, check_target
from idp.methods.conformance_context import (
    ANNE,
    SECRET_OF_ANNE,
    START,
    FakeCards,
    FakeCodes,
    FakeContext,
    FakeEmergency,
    FakeOutbox,
    FakePasskeys,
    FakePasswords,
    FakePhones,
    fake_context,
)

__all__ = [
    "ANNE",
    "SECRET_OF_ANNE",
    "START",
    "FakeCards",
    "FakeCodes",
    "FakeContext",
    "FakeEmergency",
    "FakeOutbox",
    "FakePasskeys",
    "FakePasswords",
    "FakePhones",
    "MethodSuite",
    "fake_context",
]


class MethodSuite:
    """Subclass it with `method`, `context` and the logins; `secrets` if the login has others.

    never_asks_who: the person is known before the method begins. nothing_is_single_use: as a password is not.
    guesses_nothing: what is sent here cannot be guessed, so that no try is counted; each is elsewhere.
    """

    method: Method
    never_asks_who = False
    nothing_is_single_use = False
    guesses_nothing = False

    def context(self) -> FakeContext:
        raise NotImplementedError

    def good_login(self, ctx: FakeContext) -> Step:
        raise NotImplementedError

    def bad_login(self, ctx: FakeContext) -> Step:
        raise NotImplementedError

    def unknown_login(self, ctx: FakeContext) -> Step:
        """What somebody unknown sees after the gestures of the bad login."""
        raise NotImplementedError

    def again(self, ctx: FakeContext) -> Step:
        """Send what the good login sent a second time."""
        raise NotImplementedError

    def late_login(self, ctx: FakeContext) -> Step | None:
        """The good login, after what was sent has expired; None for a method that sends nothing."""
        return None

    def secrets(self, ctx: FakeContext) -> list[str]:
        return [SECRET_OF_ANNE]

    def test_declares_the_contract(self) -> None:
        assert self.method.contract_version == CONTRACT_VERSION
        assert self.method.amr
        assert self.method.offer.label
        assert self.method.offer.icon
        assert isinstance(self.method.can_be_first, bool)
        assert isinstance(self.method.per_browser, bool)
        assert all(re.fullmatch(r"https?://[a-z0-9.-]+(:\d+)?", origin) for origin in self.method.origins)

    def test_options_have_sound_names_and_defaults(self) -> None:
        for name, option in self.method.options.items():
            assert re.fullmatch(r"[a-z][a-z0-9_]*", name), name
            assert name not in {"after", "alone"}
            assert option.accepts(option.default), name

    def test_every_page_is_there(self) -> None:
        shown = [self.method.offer.inline] if self.method.offer.inline else []
        shown += [step.template for step in self._steps() if isinstance(step, Show)]
        folders = [files(package).joinpath("templates") for package in ("idp", self.method.templates) if package]
        missing = [name for name in shown if not any(folder.joinpath(name).is_file() for folder in folders)]
        assert missing == []

    def test_every_refusal_has_its_sentence(self) -> None:
        refused = {step.code for step in self._steps() if isinstance(step, Refused)}
        assert refused <= self.method.refusals.keys()
        assert all(self.method.refusals.values())

    def test_redirects_lead_where_it_declares_and_bring_the_state(self) -> None:
        for step in self._steps():
            if isinstance(step, Redirect):
                check_target(self.method, step.url, self.method.origins)
                assert parse_qs(urlsplit(step.url).query)["state"] == ["a state"]

    def test_good_login_gives_a_proof_within_the_declared_bounds(self) -> None:
        ctx = self._context()
        proof = self._proof(self.good_login(ctx))
        check_bounds(self.method, proof, ctx.now)
        assert proof.at == ctx.now
        assert Proof.from_json(json.loads(json.dumps(proof.to_json()))) == proof

    def test_bad_login_never_gives_a_proof(self) -> None:
        assert isinstance(self.bad_login(self._context()), Refused)

    def test_each_try_is_counted(self) -> None:
        ctx = self._context()
        self.bad_login(ctx)
        assert ctx.attempts == (0 if self.guesses_nothing else 1)

    def test_a_spent_allowance_stops_even_the_right_answer(self) -> None:
        ctx = self._context()
        ctx.most_attempts = 0
        if self.guesses_nothing:
            return
        try:
            step = self.good_login(ctx)
        except TooManyAttempts:
            return
        assert not isinstance(step, Done)

    def test_state_survives_json(self) -> None:
        ctx = self._context()
        self.good_login(ctx)
        assert json.loads(json.dumps(dict(ctx.state))) == dict(ctx.state)

    def test_unknown_people_see_the_same(self) -> None:
        if not self.never_asks_who:
            assert self.unknown_login(self._context()) == self.bad_login(self._context())

    def test_nothing_secret_in_state_or_repr(self) -> None:
        ctx = self._context()
        step = self.good_login(ctx)
        shown = repr(step) + json.dumps(dict(ctx.state))
        for secret in self.secrets(ctx):
            assert secret not in shown

    def test_what_is_single_use_works_once(self) -> None:
        ctx = self._context()
        self.good_login(ctx)
        if not self.nothing_is_single_use:
            assert isinstance(self.again(ctx), Refused)

    def test_what_has_expired_gives_no_proof(self) -> None:
        late = self.late_login(self._context())
        assert late is None or isinstance(late, Refused)

    def test_a_letter_that_is_not_the_newest_gives_no_proof(self) -> None:
        ctx = self._context()
        ctx.outbox.is_overtaken = True
        step = self.good_login(ctx)
        assert not (ctx.outbox.letters and isinstance(step, Done))
        if isinstance(step, Refused) and ctx.outbox.letters:
            assert not step.guess, "it says whether the answer was right"

    def test_showing_changes_and_sends_nothing(self) -> None:
        ctx = self._context()
        before: dict[str, Any] = dict(ctx.state)
        self.method.show(ctx)
        assert dict(ctx.state) == before
        assert not ctx.outbox.letters

    def _context(self) -> FakeContext:
        """As the driver gives it: with a value for each option."""
        ctx = self.context()
        ctx.options = settle(self.method.options, ctx.options)
        return ctx

    def _steps(self) -> list[Step]:
        """What the method answers to everything that the suite does."""
        after, late = self._context(), self.late_login(self._context())
        steps = [self.method.begin(self._context()), self.method.show(self._context())]
        steps += [self.good_login(after), self.method.show(after), self.bad_login(self._context())]
        steps += [self.method.submit(self._context(), form) for form in ({}, {"nothing": "known"})]
        steps += [] if self.never_asks_who else [self.unknown_login(self._context())]
        steps += [] if self.nothing_is_single_use else [self.again(after)]
        return steps if late is None else [*steps, late]

    @staticmethod
    def _proof(step: Step) -> Proof:
        assert isinstance(step, Done), f"expected Done, got {step!r}"
        return step.proof
