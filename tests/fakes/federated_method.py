"""The method of an upstream, driven as the driver does, by somebody who signs in there."""

from collections.abc import Mapping

from idp.methods.base import Done, Redirect, Refused, Step
from idp.methods.conformance import FakeContext, fake_context
from idp.methods.federation.sentences import REFUSALS
from tests.fakes.upstream import FakeUpstream

# What somebody in a browser can bring about; it counts against their network.
GUESSED = {"iss_wrong", "answer_malformed", "code_refused", "nonce_wrong"}


def context(psc: FakeUpstream) -> FakeContext:
    ctx = fake_context()
    psc.now = lambda: ctx.now
    return ctx


def leave(psc: FakeUpstream, ctx: FakeContext) -> str:
    step = psc.method.begin(ctx)
    assert isinstance(step, Redirect), step
    ctx.next_request()
    return step.url


def come_back(psc: FakeUpstream, ctx: FakeContext, query: Mapping[str, str]) -> Step:
    """The driver takes `state` away."""
    step = psc.method.callback(ctx, {name: value for name, value in query.items() if name != "state"})
    ctx.next_request()
    return step


def login(psc: FakeUpstream, person: str = "anne", mode: str = "CARD") -> Step:
    ctx = context(psc)
    return come_back(psc, ctx, psc.sign_in(leave(psc, ctx), person, mode))


def done(step: Step) -> Done:
    assert isinstance(step, Done), step
    return step


def code_of(step: Step) -> str:
    assert isinstance(step, Refused), step
    assert step.guess == (step.code in GUESSED)
    assert step.code in REFUSALS
    return step.code
