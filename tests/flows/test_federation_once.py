"""A callback is good once, and the second asks nobody: an upstream may take back all that it gave for a code that is
used twice (RFC 6749 §4.1.2), the honest first login with it.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest
import requests

from demo.look_alike import ANNE as RPPS
from demo.pro_sante_connect import simulator
from demo.pro_sante_connect.behaviour import Switch
from tests.fakes.federated import PSC, back, leave, shown, with_upstreams
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty, answer_of, path_of
from tests.fakes.upstream import FakeUpstream, InProcess


@pytest.fixture
def provider(start: Callable[..., Provider], psc: FakeUpstream) -> Provider:
    made = with_upstreams(start(), psc)
    made.add_account("anne.pierre", rpps=RPPS)
    return made


def redeemed(psc: FakeUpstream) -> int:
    return sum(path.endswith("/token") for path in psc.transport.calls)


def twin(rp: RelyingParty) -> RelyingParty:
    """The same browser, for a second request at the same time."""
    other = RelyingParty(rp.provider, rp.client_id)
    cookie = rp.browser.get_cookie("__Host-sesame-browser")
    assert cookie
    other.browser.set_cookie("__Host-sesame-browser", cookie.value, secure=True)
    return other


def test_while_the_first_is_asking_the_second_asks_nobody(
    provider: Provider, psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    rp = RelyingParty(provider, "psc")
    query = psc.sign_in(leave(rp, rp.open_login()))
    is_asking, go_on, send = Event(), Event(), InProcess.send

    def held_up(self: InProcess, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        if (request.url or "").endswith("/token"):
            is_asking.set()
            assert go_on.wait(10)
        return send(self, request, **options)

    monkeypatch.setattr(InProcess, "send", held_up)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(back, rp, query)
        assert is_asking.wait(10)
        second = back(twin(rp), query)
        go_on.set()
        assert "code" in answer_of(first.result(10))
    assert second.status_code == 303
    assert "code=" not in path_of(second)
    assert redeemed(psc) == 1


def test_of_two_at_once_one_wins(provider: Provider, psc: FakeUpstream) -> None:
    rp = RelyingParty(provider, "psc")
    query = psc.sign_in(leave(rp, rp.open_login()))
    barrier = Barrier(2)

    def come(each: RelyingParty) -> str:
        barrier.wait(10)
        return str(back(each, query).headers.get("Location", ""))

    with ThreadPoolExecutor(2) as pool:
        arrived = list(pool.map(come, [rp, twin(rp)]))
    assert sum("code=" in each for each in arrived) == 1
    assert redeemed(psc) == 1
    assert len(provider.events("login.succeeded")) == 1


@pytest.mark.parametrize("fault", [Switch.TOKEN_REFUSED, Switch.WRONG_NONCE, Switch.DOWN])
def test_what_was_refused_is_not_asked_again(provider: Provider, psc: FakeUpstream, fault: Switch) -> None:
    rp = RelyingParty(provider, "psc")
    path = rp.open_login()
    query = psc.sign_in(leave(rp, path))
    psc.behaviour.become(fault)
    back(rp, query)
    psc.behaviour.become()
    asked = list(psc.transport.calls)
    assert path_of(back(rp, query)) == f"{path}/{PSC}"
    assert psc.transport.calls == asked
    assert not provider.events("login.succeeded")


def test_a_code_of_another_login_is_refused_by_the_nonce_alone(
    provider: Provider, psc: FakeUpstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upstream that forgets PKCE: the attacker's code is put into the victim's callback."""
    monkeypatch.setattr(simulator, "proves", lambda *_: True)
    attacker, victim = RelyingParty(provider, "psc"), RelyingParty(provider, "psc")
    theirs = psc.sign_in(leave(attacker, attacker.open_login()), "karim")
    psc.pages.delete_cookie("psc_session")
    own = psc.sign_in(leave(victim, victim.open_login()))
    refused = back(victim, {**own, "code": theirs["code"]})
    assert "n'est pas celle que nous attendions" in shown(refused)
    assert provider.events("login.failed")[0].detail == {"method": PSC, "reason": "nonce_wrong"}
    assert redeemed(psc) == 1
