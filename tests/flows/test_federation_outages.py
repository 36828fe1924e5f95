"""Keys, metadata, and an upstream that does not answer."""

import json
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from demo.pro_sante_connect.behaviour import Switch
from idp.methods.base import Show, Step
from idp.methods.conformance import FakeContext, fake_context
from idp.methods.federation import Federation, methods
from idp.methods.federation.upstream import Connection
from idp.outgoing import Outgoing, Unreachable
from idp.settings import Settings
from tests.fakes.federated_method import code_of, come_back, context, done, leave, login
from tests.fakes.upstream import AUTH, WALLET, FakeUpstream

pytestmark = pytest.mark.embedded  # asks nothing of a store

PROTOCOL = "/auth/realms/esante-wallet/protocol/openid-connect"
TOKEN, USERINFO = f"{PROTOCOL}/token", f"{PROTOCOL}/userinfo"


def test_new_keys_are_fetched_once_and_not_at_every_unknown_kid(psc: FakeUpstream) -> None:
    done(login(psc))
    psc.simulator.keys.rotate()
    ctx = context(psc)
    ctx.advance(minutes=2)
    done(come_back(psc, ctx, psc.sign_in(leave(psc, ctx))))
    psc.behaviour.become(Switch.UNKNOWN_KID)
    certs = psc.transport.calls.count("/auth/realms/esante-wallet/protocol/openid-connect/certs")
    for _ in range(3):
        ctx.advance(seconds=5)
        assert code_of(come_back(psc, ctx, psc.sign_in(leave(psc, ctx)))) == "key_unknown"
    assert psc.transport.calls.count("/auth/realms/esante-wallet/protocol/openid-connect/certs") == certs == 2


def test_the_metadata_must_be_the_issuers() -> None:
    other = FakeUpstream(issuer=f"{AUTH}/auth/realms/other", discovery_url=f"{AUTH}/auth/realms/esante-wallet"
                         "/.well-known/wallet-openid-configuration")  # fmt: skip
    assert code_of(other.method.begin(context(other))) == "upstream_error"


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"])
@pytest.mark.parametrize(
    "value", [None, 5, "", "nonsense", "http://[", "ftp://psc.example/", "https://user@psc.example/"]
)
def test_metadata_whose_addresses_are_none(
    psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    publish(psc, monkeypatch, {name: value})
    assert code_of(psc.method.begin(context(psc))) == "upstream_error"


def test_people_are_sent_to_declared_hosts_only() -> None:
    undeclared = FakeUpstream(origins=())
    assert code_of(undeclared.method.begin(context(undeclared))) == "upstream_error"


@pytest.mark.parametrize("name", ["authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"])
def test_the_metadata_lead_neither_people_nor_codes_to_other_hosts(
    psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    publish(psc, monkeypatch, {name: "https://attacker.example/x"})
    ctx = context(psc)
    assert code_of(psc.method.begin(ctx)) == "upstream_error"
    assert [path.rpartition("/")[2] for path in psc.transport.calls] == ["wallet-openid-configuration"]


def test_an_endpoint_of_the_settings_may_be_elsewhere() -> None:
    undeclared = FakeUpstream(authorization_endpoint=f"{WALLET}/auth", token_endpoint="https://elsewhere.example/token")
    ctx = context(undeclared)
    assert code_of(come_back(undeclared, ctx, undeclared.sign_in(leave(undeclared, ctx)))) == "down"  # no such host


def log_in(psc: FakeUpstream, ctx: FakeContext) -> None:
    psc.pages.delete_cookie("psc_session")
    done(come_back(psc, ctx, psc.sign_in(leave(psc, ctx))))


def publish(psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, metadata: Mapping[str, Any]) -> None:
    document = psc.connection._client.document
    monkeypatch.setattr(psc.connection._client, "document", lambda *asked: {**document(*asked), **metadata})


@pytest.mark.parametrize(
    "page", [{}, {"error": "maintenance"}, {"issuer": "https://attacker.example"}, ["none"], "<html>"]
)
def test_a_bad_answer_replaces_nothing_that_was_good(
    psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, page: object
) -> None:
    """Of a gateway, say: status 200, and something else."""
    ctx = context(psc)
    log_in(psc, ctx)
    send = psc.transport.send

    def gateway(request: requests.PreparedRequest, **options: Any) -> requests.Response:
        answer = send(request, **options)
        if (request.url or "").endswith(("/certs", "configuration")):
            answer._content = json.dumps(page).encode()
        return answer

    monkeypatch.setattr(psc.transport, "send", gateway)
    ctx.advance(hours=2)
    for _ in range(5):
        log_in(psc, ctx)
        ctx.advance(minutes=2)
    monkeypatch.undo()
    psc.simulator.keys.rotate()
    log_in(psc, ctx)


@pytest.mark.parametrize("keys", [{}, {"keys": None}, {"keys": []}, {"keys": "none"}])
def test_a_key_set_without_keys(psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch, keys: dict[str, Any]) -> None:
    monkeypatch.setattr(psc.simulator.keys, "jwks", lambda: keys)
    assert code_of(login(psc)) == "upstream_error"


def test_a_slow_one_has_its_own_words(psc: FakeUpstream) -> None:
    ctx = context(psc)
    query = psc.sign_in(leave(psc, ctx))
    psc.transport.is_slow = True
    assert code_of(come_back(psc, ctx, query)) == "slow"


@pytest.mark.parametrize("path", [TOKEN, USERINFO])
@pytest.mark.parametrize("odd", [404, 500, Unreachable("redirect", "a redirect"), Unreachable("too_large", "more")])
def test_an_odd_answer_is_an_answer(psc: FakeUpstream, path: str, odd: int | Unreachable) -> None:
    """Whoever sends codes that the upstream stumbles over does not take it away from the others."""
    ctx = context(psc)
    for _ in range(4):
        query = psc.sign_in(leave(psc, ctx))
        psc.transport.answers[path] = odd
        assert code_of(come_back(psc, ctx, query)) == "upstream_error"
        assert psc.method.trouble(ctx.now) is None
        psc.transport.answers.clear()


@pytest.mark.parametrize("path", [TOKEN, USERINFO])
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_gateway_without_anybody_behind_it_is_none(psc: FakeUpstream, path: str, status: int) -> None:
    ctx = context(psc)
    for _ in range(3):
        query = psc.sign_in(leave(psc, ctx))
        psc.transport.answers[path] = status
        assert code_of(come_back(psc, ctx, query)) == "down"
    assert psc.method.trouble(ctx.now)


def test_only_some_threads_wait_for_it(psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are told at once, and it is not the upstream's failure."""
    connection = psc.connection = Connection(psc.settings, psc.connection._client, at_once=2)
    method = Federation(psc.method.id, psc.settings, connection)
    monkeypatch.setattr(psc, "method", method)
    contexts = [context(psc) for _ in range(6)]
    queries = [psc.sign_in(leave(psc, ctx)) for ctx in contexts]
    send, go, inside = psc.transport.send, threading.Event(), threading.Semaphore(0)

    def slow(request: requests.PreparedRequest, **options: Any) -> requests.Response:
        inside.release()
        assert go.wait(5)
        return send(request, **options)

    monkeypatch.setattr(psc.transport, "send", slow)
    found: list[Step] = []
    waiting = [
        threading.Thread(target=lambda i=i: found.append(come_back(psc, contexts[i], queries[i])), daemon=True)
        for i in (0, 1)
    ]
    for thread in waiting:
        thread.start()
        assert inside.acquire(timeout=5)
    for i in (2, 3, 4):
        assert code_of(come_back(psc, contexts[i], queries[i])) == "slow"
    assert code_of(method.begin(contexts[2])) == "slow"
    assert method.trouble(contexts[2].now) is None
    go.set()
    for thread in waiting:
        thread.join(5)
    assert len([done(step) for step in found]) == 2
    done(come_back(psc, contexts[5], queries[5]))


@pytest.mark.parametrize(
    ("threads", "names", "at_once", "ears"),
    [
        (16, ("a",), 8, 0),
        (16, ("a", "b"), 4, 0),
        (2, ("a", "b"), 1, 0),
        (16, ("a",), 6, 2),
        (16, ("a", "b"), 3, 1),
        (4, ("a",), 1, 1),
        (1, ("a",), 1, 1),
    ],
)
def test_half_of_the_threads_wait_for_no_upstream(
    tmp_path: Path, threads: int, names: tuple[str, ...], at_once: int, ears: int
) -> None:
    """at_once, ears: logins, and logout tokens, that may wait for one of them; one of each, however few the threads."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    secret.chmod(0o600)
    each: Any = {"preset": "pro_sante_connect", "client_id": "sesame", "client_secret_file": secret}
    each["backchannel_logout"] = ears > 0
    upstreams: Any = dict.fromkeys("abc", each)
    made = Settings(issuer="https://idp.example", threads=threads, methods=names, upstreams=upstreams)
    described = {method.id: method for method in methods(made, Outgoing(made.outgoing))}
    connection = described["a"]._connection
    assert connection is not None
    with ExitStack() as stack:
        for _ in range(at_once):
            stack.enter_context(connection._place())
        with pytest.raises(Unreachable, match="too many"), connection._place():
            pytest.fail("one more was let in")
        for _ in range(ears):
            assert connection._ears.acquire(blocking=False)
        assert not connection._ears.acquire(blocking=False)
        with pytest.raises(Unreachable, match="too many"):
            connection.logged_out("", fake_context().now)
    assert described["c"]._connection is None


def test_a_command_that_signs_nobody_in_needs_no_upstream() -> None:
    psc = FakeUpstream()
    method = type(psc.method)("pro_sante_connect", psc.settings, None)
    ctx = fake_context()
    assert isinstance(method.show(ctx), Show)
    assert method.trouble(ctx.now) is None
    assert code_of(method.begin(ctx)) == "down"
