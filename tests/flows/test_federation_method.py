"""Federation as a method: the shared suite, what it asks for, and what it proves."""

from collections.abc import Mapping
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from demo.look_alike import ANNE as RPPS
from demo.pro_sante_connect.behaviour import Switch
from idp.domain.authn import Assurance, IdentityRef
from idp.domain.means import Person
from idp.methods.base import Refused, Step
from idp.methods.conformance import FakeContext, MethodSuite
from idp.methods.federation.away import LIFETIME
from tests.fakes.federated_method import code_of, come_back, context, done, leave, login
from tests.fakes.upstream import WALLET, FakeUpstream

pytestmark = pytest.mark.embedded  # asks nothing of a store


class TestFederation(MethodSuite):
    psc = FakeUpstream()
    method = psc.method
    never_asks_who = True
    brought: Mapping[str, str]

    def context(self) -> FakeContext:
        self.psc.behaviour.become()
        self.psc.pages.delete_cookie("psc_session")
        return context(self.psc)

    def good_login(self, ctx: FakeContext) -> Step:
        self.brought = self.psc.sign_in(leave(self.psc, ctx))
        return come_back(self.psc, ctx, self.brought)

    def bad_login(self, ctx: FakeContext) -> Step:
        leave(self.psc, ctx)
        return come_back(self.psc, ctx, {"code": "stolen", "iss": self.psc.simulator.issuer})

    def again(self, ctx: FakeContext) -> Step:
        return come_back(self.psc, ctx, self.brought)

    def late_login(self, ctx: FakeContext) -> Step:
        query = self.psc.sign_in(leave(self.psc, ctx))
        ctx.advance(seconds=LIFETIME.total_seconds())
        return come_back(self.psc, ctx, query)


# -- what it proves -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "assurance", "amr", "acr"),
    [("CARD", Assurance.HIGH, ("sc", "mfa"), "eidas3"), ("MOBILE", Assurance.SUBSTANTIAL, ("mfa",), "eidas1")],
)
def test_the_mode_says_the_level_and_the_upstreams_acr_is_kept_beside(
    psc: FakeUpstream, mode: str, assurance: Assurance, amr: tuple[str, ...], acr: str
) -> None:
    step = done(login(psc, mode=mode))
    assert (step.proof.assurance, step.proof.amr) == (assurance, amr)
    assert step.proof.identity == IdentityRef("rpps", RPPS)
    assert step.person == Person("Anne", "PIERRE")
    evidence = dict(step.proof.evidence)
    assert evidence.pop("upstream_sub").endswith(f"8{RPPS}")
    assert evidence == {"upstream": psc.simulator.issuer, "upstream_acr": acr, "upstream_mode": mode}


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
@pytest.mark.parametrize("switches", [(), (Switch.USERINFO_SIGNED,)])
def test_three_algorithms_sign_and_userinfo_may_be_signed_too(
    psc: FakeUpstream, algorithm: str, switches: tuple[Switch, ...]
) -> None:
    psc.behaviour.become(*switches, algorithm=algorithm)
    done(login(psc))


def test_what_is_asked_for(psc: FakeUpstream) -> None:
    ctx = context(psc)
    url = urlsplit(leave(psc, ctx))
    asked = {name: value for name, (value,) in parse_qs(url.query).items()}
    assert f"{url.scheme}://{url.netloc}" == WALLET
    assert len(asked.pop("nonce")) >= 43
    assert len(asked.pop("code_challenge")) == 43
    assert asked == {
        "response_type": "code",
        "client_id": "sesame",
        "redirect_uri": ctx.callback_url,
        "scope": "openid scope_all",
        "state": "a state",
        "acr_values": "eidas1",
        "code_challenge_method": "S256",
    }
    assert ctx.state["away"]["verifier"] not in url.query


def test_nonce_and_verifier_are_drawn_each_time(psc: FakeUpstream) -> None:
    drawn = []
    for _ in range(20):
        ctx = context(psc)
        leave(psc, ctx)
        drawn += [ctx.state["away"]["nonce"], ctx.state["away"]["verifier"]]
    assert len(set(drawn)) == 40


# -- a login that must be recent ----------------------------------------------------------------


def test_a_new_login_is_asked_for_and_checked(psc: FakeUpstream) -> None:
    ctx = context(psc)
    ctx.max_age = timedelta(0)
    url = leave(psc, ctx)
    assert parse_qs(urlsplit(url).query)["prompt"] == ["login"]
    assert code_of(come_back(psc, ctx, {**psc.sign_in(url), "code": "x"})) == "code_refused"
    query = psc.sign_in(leave(psc, ctx))
    psc.behaviour.become(Switch.OLD_AUTH_TIME)
    assert code_of(come_back(psc, ctx, query)) == "not_fresh"
    psc.behaviour.become()
    done(come_back(psc, ctx, psc.sign_in(leave(psc, ctx))))


def test_an_age_is_asked_for_and_a_missing_auth_time_refused(psc: FakeUpstream) -> None:
    ctx = context(psc)
    ctx.max_age = timedelta(minutes=5)
    url = leave(psc, ctx)
    assert parse_qs(urlsplit(url).query)["max_age"] == ["300"]
    assert "prompt" not in parse_qs(urlsplit(url).query)
    psc.behaviour.become(id_token={"auth_time": None})
    assert code_of(come_back(psc, ctx, psc.sign_in(url))) == "not_fresh"


def test_an_old_session_there_does_where_no_age_was_asked(psc: FakeUpstream) -> None:
    psc.behaviour.become(Switch.OLD_AUTH_TIME)
    done(login(psc))


def test_a_login_there_may_take_ten_minutes(psc: FakeUpstream) -> None:
    ctx = context(psc)
    url = leave(psc, ctx)
    ctx.advance(seconds=LIFETIME.total_seconds() - 1)
    done(come_back(psc, ctx, psc.sign_in(url)))
    url = leave(psc, ctx)
    ctx.advance(seconds=LIFETIME.total_seconds())
    asked = len(psc.transport.calls)
    assert come_back(psc, ctx, psc.sign_in(url)) == Refused("stale")
    assert len(psc.transport.calls) == asked
