"""OIDC Back-Channel Logout 1.0: services hear that sessions have ended, each as fast as it can listen."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from socket import socket
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from structlog.testing import capture_logs

from idp.domain.account import AccountStatus
from idp.flows.backchannel import EVENT, Backchannel
from idp.flows.operators import accounts
from idp.settings.sections import Outgoing
from idp.store.outbox import LEASE, MAX_ATTEMPTS
from tests.fakes.provider import ISSUER, Provider
from tests.fakes.relying_party import RelyingParty, csrf_of
from tests.fakes.servers import free_port
from tests.fakes.site import Site, answer

pytestmark = pytest.mark.spec("OIDC Back-Channel Logout 1.0")
LOOPBACK = Outgoing(allowed_networks=("127.0.0.0/8",), timeout_s=2)  # type: ignore[arg-type]


@pytest.fixture
def provider(start: Callable[..., Provider]) -> Provider:
    made = start(outgoing=LOOPBACK)
    made.add_account("anne.pierre")
    return made


@pytest.fixture
def receiver() -> Iterator[Callable[..., Site]]:
    """Starts a service's back channel on loopback."""
    with ExitStack() as stack:
        yield lambda **how: stack.enter_context(Site(None, **how).running())


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Refuses connections, and is kept: one that is let go may be given to the next server that starts."""
    with socket() as kept:
        kept.bind(("127.0.0.1", 0))
        yield int(kept.getsockname()[1])


def register(provider: Provider, client_id: str, port: int, **changes: Any) -> RelyingParty:
    uri = f"http://127.0.0.1:{port}/backchannel"
    provider.add_client(client_id, backchannel_logout_uri=uri, **changes)
    return RelyingParty(provider, client_id)


def log_out(rp: RelyingParty) -> None:
    page = rp.browser.get(str(rp.browser.get("/logout").headers["Location"]).removeprefix(ISSUER))
    rp.browser.post(page.request.path, data={"csrf": csrf_of(page), "decision": "confirm"})


def deliver(provider: Provider, channel: Backchannel | None = None) -> int:
    """Deliver what is due; how many turns that took."""
    channel, turns = channel or Backchannel(provider.services), 0
    while channel.deliver_next():
        turns += 1
    return turns


def token_of(received: str) -> str:
    (token,) = parse_qs(received.partition("\r\n\r\n")[2])["logout_token"]
    return token


def verified(rp: RelyingParty, received: str) -> dict[str, Any]:
    """The claims of the logout token in a request, as a service checks them (§2.6)."""
    token = token_of(received)
    assert received.startswith("POST /backchannel HTTP/1.1\r\n")
    assert "content-type: application/x-www-form-urlencoded" in received.lower()
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
    claims = rp.verify(token)
    assert claims.keys() == {"iss", "aud", "iat", "exp", "jti", "events", "sub", "sid"}  # and no nonce
    assert claims["events"] == {EVENT: {}}
    assert claims["exp"] - claims["iat"] == 120
    return claims


def waiting(provider: Provider) -> int:
    with provider.services.db.read() as tx:
        return tx.outbox.waiting()


def test_a_service_that_refuses_is_not_told_again(provider: Provider, receiver: Callable[..., Site]) -> None:
    site = receiver(pieces=lambda: [answer(b'{"error":"invalid_request"}', status=400)])
    rp = register(provider, "rp", site.port)
    sid = rp.tokens()["claims"]["sid"]
    log_out(rp)
    deliver(provider)
    assert (len(site.received), waiting(provider)) == (1, 0)
    (event,) = provider.events("logout.refused")
    assert (event.client_id, event.outcome, event.detail) == ("rp", "refused", {"session": sid})


def test_a_service_that_fails_is_told_again_later_with_another_token(
    provider: Provider, receiver: Callable[..., Site]
) -> None:
    statuses = [500, 302, 204]
    site = receiver(pieces=lambda: [answer(status=statuses.pop(0))])
    rp = register(provider, "rp", site.port)
    rp.tokens()
    log_out(rp)
    channel = Backchannel(provider.services)
    for seconds in (10, 20):
        assert deliver(provider, channel) == 1
        provider.clock.advance(seconds=seconds - 1)
        assert deliver(provider, channel) == 0
        provider.clock.advance(seconds=1)
    deliver(provider, channel)
    assert len({verified(rp, received)["jti"] for received in site.received}) == 3
    assert waiting(provider) == 0
    assert not provider.events("logout.given_up")


def test_a_service_that_is_dead_is_given_up_with_an_alert(provider: Provider) -> None:
    rp = register(provider, "rp", free_port())
    rp.tokens()
    log_out(rp)
    tries = 0
    for _ in range(30):
        tries += deliver(provider)
        provider.clock.advance(minutes=30)
    assert tries == MAX_ATTEMPTS
    (event,) = provider.events("logout.given_up")
    assert (event.client_id, event.outcome) == ("rp", "failed")
    with provider.services.db.read() as tx:
        (alert,) = tx.alerts.latest(10)
        assert tx.outbox.undelivered() == 1
    assert (alert.kind, alert.detail["client_id"]) == ("logout.given_up", "rp")


def test_notices_to_a_dead_service_do_not_wait_for_ever_for_their_turn(provider: Provider) -> None:
    rp = register(provider, "rp", free_port())
    for _ in range(2):
        rp.tokens()
        log_out(rp)
    channel = Backchannel(provider.services)
    assert deliver(provider, channel) == 2  # one is tried, and the other postponed
    provider.clock.advance(hours=24)
    deliver(provider, channel)
    assert waiting(provider) == 0
    assert len(provider.events("logout.given_up")) == 2
    with provider.services.db.read() as tx:
        assert len(tx.alerts.latest(10)) == 1


def test_a_notice_of_which_each_worker_died_is_given_up_untried(
    provider: Provider, receiver: Callable[..., Site]
) -> None:
    site = receiver()
    rp = register(provider, "rp", site.port)
    rp.tokens()
    log_out(rp)
    for _ in range(MAX_ATTEMPTS):
        with provider.services.db.write() as tx:
            assert tx.outbox.lease_next(provider.clock.now(), logouts=True)
        provider.clock.advance(seconds=LEASE.total_seconds())
    deliver(provider)
    assert (site.received, waiting(provider)) == ([], 0)
    (event,) = provider.events("logout.given_up")
    assert event.detail["reason"] == "too late"


@pytest.mark.parametrize("slow", [False, True], ids=["dead", "silent"])
def test_a_service_that_does_not_listen_holds_up_nobody(
    provider: Provider, receiver: Callable[..., Site], closed_port: int, slow: bool
) -> None:
    site = receiver(pieces=lambda: [answer()])
    bad = register(provider, "bad", receiver(is_silent=True).port if slow else closed_port)
    good = register(provider, "good", site.port)
    good.browser = bad.browser  # a letter about a new browser would wait beside the notices
    for _ in range(3):
        for rp in (bad, good):
            rp.tokens()
            log_out(rp)
    deliver(provider)
    assert len(site.received) == 3
    assert waiting(provider) == 3
    with provider.services.db.read() as tx:  # one try was enough to let it rest: the others of its notices wait
        assert tx._connection.exec_driver_sql("SELECT sum(attempts) FROM outbox").scalar_one() == 1


def test_while_a_service_is_tried_others_are_served(provider: Provider, receiver: Callable[..., Site]) -> None:
    reached, go_on = Event(), Event()

    def hold() -> list[bytes]:
        reached.set()
        go_on.wait(5)
        return [answer()]

    slow, site = receiver(pieces=hold), receiver(pieces=lambda: [answer()])
    first, second = register(provider, "slow", slow.port), register(provider, "quick", site.port)
    channel = Backchannel(provider.services)
    first.tokens()
    log_out(first)
    held = Thread(target=channel.deliver_next)
    held.start()
    assert reached.wait(5)
    for rp in (first, second):
        rp.tokens()
        log_out(rp)
    deliver(provider, channel)
    assert (len(slow.received), len(site.received)) == (1, 1)  # the slow one is not tried twice at a time
    go_on.set()
    held.join(5)


# -- what is said, and when --------------------------------------------------------------


@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_a_logout_token_says_whose_session_ended(provider: Provider, receiver: Callable[..., Site], alg: str) -> None:
    site = receiver(pieces=lambda: [answer()])
    rp = register(provider, "rp", site.port, id_token_alg=alg)
    before = rp.tokens()["claims"]
    log_out(rp)
    deliver(provider)
    (received,) = site.received
    claims = verified(rp, received)
    assert (claims["iss"], claims["aud"]) == (ISSUER, "rp")
    assert (claims["sub"], claims["sid"]) == (before["sub"], before["sid"])
    assert jwt.get_unverified_header(token_of(received))["alg"] == alg


def test_a_pairwise_client_is_told_its_own_subject(provider: Provider, receiver: Callable[..., Site]) -> None:
    site = receiver(pieces=lambda: [answer()])
    rp = register(provider, "rp", site.port, subject_type="pairwise", sector="rp.example")
    before = rp.tokens()["claims"]
    log_out(rp)
    deliver(provider)
    claims = verified(rp, site.received[0])
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
    assert account
    assert claims["sub"] == provider.services.data_keys.subject("rp.example", account.account_id)
    assert claims["sub"] == before["sub"] != account.account_id
    assert claims["sid"] == before["sid"], "the session that its ID Token named"


def test_every_service_of_the_session_is_told_once(provider: Provider, receiver: Callable[..., Site]) -> None:
    site, silent = receiver(pieces=lambda: [answer()]), receiver(pieces=lambda: [answer()])
    first = register(provider, "first", site.port)
    second = RelyingParty(provider, register(provider, "second", site.port).client_id, first.browser)
    register(provider, "stranger", silent.port)
    first.tokens()
    second.redeem(second.silent()["code"])
    second.redeem(second.silent()["code"])
    log_out(first)
    deliver(provider)
    tokens = [jwt.decode(token_of(received), options={"verify_signature": False}) for received in site.received]
    assert sorted(claims["aud"] for claims in tokens) == ["first", "second"]
    assert not silent.received


@pytest.mark.parametrize("by", ["suspension", "password", "expiry"])
def test_what_ends_a_session(provider: Provider, by: str) -> None:
    rp = register(provider, "rp", free_port())
    rp.tokens()
    if by == "suspension":
        accounts.set_status(provider.desk, "anne.pierre", AccountStatus.SUSPENDED, "left")
    elif by == "password":
        rp.post("/password/forgot", page="/password/forgot", login="anne.pierre")
        path = provider.last_reset_path()
        rp.post(path, page=path, password="une phrase de passe neuve", confirmation="une phrase de passe neuve")
        provider.mails()
    else:
        provider.clock.advance(hours=12)
        rp.authorize(prompt="none")
    assert waiting(provider) == (0 if by == "expiry" else 1)


def test_an_end_that_is_undone_tells_nobody(provider: Provider) -> None:
    rp = register(provider, "rp", free_port())
    sid = rp.tokens()["claims"]["sid"]
    with pytest.raises(RuntimeError), provider.services.db.write() as tx:  # noqa: PT012 - it must be undone
        assert tx.sessions.end(sid, provider.clock.now())
        raise RuntimeError
    assert waiting(provider) == 0


def test_a_service_that_left_the_register_is_forgotten(provider: Provider) -> None:
    rp = register(provider, "rp", free_port())
    rp.tokens()
    log_out(rp)
    with provider.services.db.write() as tx:
        tx._connection.exec_driver_sql("UPDATE client SET backchannel_logout_uri = NULL")
    with capture_logs() as logs:
        deliver(provider)
    assert waiting(provider) == 0
    assert [each["event"] for each in logs] == ["no service to tell of a logout: it is gone, or wants to hear no more"]
