"""An upstream that is down: who is still sent there, what is said of it, and what is kept."""

from collections.abc import Callable

import pytest

from demo.pro_sante_connect.behaviour import Endpoint, Switch
from idp.methods.conformance import FakeContext
from tests.fakes.federated_method import code_of, come_back, context, done, leave, login
from tests.fakes.upstream import AUTH, WALLET, FakeUpstream

PROTOCOL = "/auth/realms/esante-wallet/protocol/openid-connect"


def log_in(psc: FakeUpstream, ctx: FakeContext) -> None:
    psc.pages.delete_cookie("psc_session")
    done(come_back(psc, ctx, psc.sign_in(leave(psc, ctx))))


def of_settings_alone() -> FakeUpstream:
    """Each endpoint is set: there are no metadata to ask for."""
    base = f"{AUTH}{PROTOCOL}"
    return FakeUpstream(
        authorization_endpoint=f"{WALLET}/auth", token_endpoint=f"{base}/token", jwks_uri=f"{base}/certs",
        userinfo_endpoint=f"{base}/userinfo", origins=(),
    )  # fmt: skip


def test_without_metadata_where_each_endpoint_is_set() -> None:
    alone = of_settings_alone()
    done(login(alone))
    assert not any("well-known" in path for path in alone.transport.calls)


@pytest.mark.parametrize("made", [FakeUpstream, of_settings_alone], ids=["metadata", "settings alone"])
def test_nobody_is_sent_to_one_that_is_down(made: Callable[[], FakeUpstream]) -> None:
    """Nobody would come back to say so."""
    psc = made()
    ctx = context(psc)
    log_in(psc, ctx)
    ctx.advance(minutes=1)
    leave(psc, ctx)
    psc.behaviour.become(Switch.DOWN)
    for _ in range(3):
        assert psc.method.trouble(ctx.now) is None
        ctx.advance(minutes=1)
        assert code_of(psc.method.begin(ctx)) == "down"
    assert psc.method.trouble(ctx.now)
    assert code_of(psc.method.begin(ctx)) == "down"
    psc.behaviour.become()
    log_in(psc, ctx)  # pressed again, at once
    assert psc.method.trouble(ctx.now) is None


def test_of_one_that_answers_it_is_asked_once_a_minute(psc: FakeUpstream) -> None:
    ctx = context(psc)
    for seconds, asked in ((0, 1), (59, 1), (1, 2), (0, 2)):
        ctx.advance(seconds=seconds)
        leave(psc, ctx)
        assert len(psc.transport.calls) == asked
    psc.behaviour.become(Switch.DOWN)
    ctx.advance(seconds=59)
    leave(psc, ctx)


def test_what_was_learnt_is_kept_while_the_upstream_fails(psc: FakeUpstream) -> None:
    ctx = context(psc)
    log_in(psc, ctx)
    ctx.advance(hours=2)
    query = psc.sign_in(leave(psc, ctx))
    psc.behaviour.become(Switch.DOWN, endpoints=frozenset({Endpoint.DISCOVERY, Endpoint.JWKS}))
    done(come_back(psc, ctx, query))
    way_out = {"hint": "a.b.c", "back": "https://idp.example/logged-out", "state": "s"}
    ctx.advance(hours=23)
    assert psc.method.leave_url(ctx.now, **way_out)
    ctx.advance(hours=1)
    assert psc.method.leave_url(ctx.now, **way_out) is None


def test_three_failures_in_a_row_are_said_on_the_login_page_until_it_answers(psc: FakeUpstream) -> None:
    ctx = context(psc)
    leave(psc, ctx)
    psc.behaviour.become(Switch.DOWN, endpoints=frozenset({Endpoint.TOKEN}))
    for _ in range(3):
        assert psc.method.trouble(ctx.now) is None
        ctx.advance(minutes=1)  # it is asked whether it is there, which says nothing of the token endpoint
        assert code_of(come_back(psc, ctx, psc.sign_in(leave(psc, ctx)))) == "down"
    assert psc.method.trouble(ctx.now)
    ctx.advance(minutes=1)
    leave(psc, ctx)
    assert psc.method.trouble(ctx.now)
    ctx.advance(minutes=1)
    assert psc.method.trouble(ctx.now) is None
    psc.behaviour.become()
    done(come_back(psc, ctx, psc.sign_in(leave(psc, ctx))))
    assert psc.method.trouble(ctx.now) is None
