"""The keys of clients: registered, or fetched; when an address is asked again."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Event
from typing import Any

import pytest

from idp.domain.client import Client
from idp.errors import Unavailable
from idp.flows.oidc.client_keys import ClientKeys
from idp.outgoing import Unreachable
from keys.jws import InvalidToken
from tests.fakes.client_key import jwks_of, make_key
from tests.fakes.clock import FakeClock

URL = "https://rp.example/jwks"
JWKS = jwks_of(make_key())
CLIENT = Client("app", "app", ("https://rp.example/cb",), auth_method="private_key_jwt", jwks_uri=URL)


class Address:
    """Answers what it is told to, and counts who asks."""

    def __init__(self, answer: Any = JWKS) -> None:
        self.answer, self.asked = answer, 0

    def fetch(self, url: str) -> bytes:
        assert url == URL
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer if isinstance(self.answer, bytes) else json.dumps(self.answer).encode()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def test_registered_keys_are_asked_of_nobody(clock: FakeClock) -> None:
    address = Address()
    client = Client("app", "app", (), auth_method="private_key_jwt", jwks=JWKS)
    assert ClientKeys(address.fetch, clock).of(client, True) == JWKS
    assert address.asked == 0


def test_fetched_keys_are_kept_for_ten_minutes(clock: FakeClock) -> None:
    address = Address()
    keys = ClientKeys(address.fetch, clock)
    for minutes, asked in ((0, 1), (9, 1), (1, 2)):
        clock.advance(minutes=minutes)
        assert keys.of(CLIENT, False) == JWKS
        assert address.asked == asked


def test_newer_keys_are_asked_for_once_a_minute_at_most(clock: FakeClock) -> None:
    """Else anybody could make us ask, with a kid that nobody has."""
    address = Address()
    keys = ClientKeys(address.fetch, clock)
    keys.of(CLIENT, True)
    address.answer = newer = jwks_of(make_key("newer"))
    clock.advance(seconds=59)
    assert keys.of(CLIENT, True) == JWKS
    clock.advance(seconds=1)
    assert [keys.of(CLIENT, True) for _ in range(3)] == [newer] * 3
    assert address.asked == 2


@pytest.mark.parametrize(
    "answer", [Unreachable("no_answer", "gone"), b"", b"\xff", b"[]", {}, {"keys": 5}, b"[" * 9999]
)
def test_an_address_that_gives_no_keys_is_left_alone_for_a_while(clock: FakeClock, answer: Any) -> None:
    address = Address(answer)
    keys = ClientKeys(address.fetch, clock)
    for _ in range(3):
        with pytest.raises(InvalidToken, match="jwks_uri"):
            keys.of(CLIENT, True)
    assert address.asked == 1
    address.answer = JWKS
    clock.advance(seconds=30)
    assert keys.of(CLIENT, False) == JWKS


def test_keys_that_cannot_be_had_again_count_for_a_day(clock: FakeClock) -> None:
    address = Address()
    keys = ClientKeys(address.fetch, clock)
    keys.of(CLIENT, False)
    address.answer = Unreachable("no_answer", "gone")
    for minutes, asked in ((10, 2), (0, 2), (1, 3)):
        clock.advance(minutes=minutes)
        assert keys.of(CLIENT, True) == JWKS
        assert address.asked == asked
    clock.advance(hours=24, minutes=-11, seconds=-1)
    assert keys.of(CLIENT, False) == JWKS
    clock.advance(seconds=1)
    with pytest.raises(InvalidToken):
        keys.of(CLIENT, False)
    clock.advance(seconds=30)
    address.answer = newer = jwks_of(make_key("newer"))
    assert keys.of(CLIENT, False) == newer


def test_while_one_asks_the_others_use_what_it_gave_before(clock: FakeClock) -> None:
    address, asking, answered = Address(), Event(), Event()

    def fetch(url: str) -> bytes:
        if address.asked:
            asking.set()
            assert answered.wait(10)
        return address.fetch(url)

    keys = ClientKeys(fetch, clock)
    keys.of(CLIENT, False)
    clock.advance(minutes=10)
    address.answer = newer = jwks_of(make_key("newer"))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(keys.of, CLIENT, False)
        assert asking.wait(10)
        try:
            assert pool.submit(keys.of, CLIENT, True).result(timeout=10) == JWKS
        finally:
            answered.set()
        assert first.result() == newer
    assert address.asked == 2


@pytest.mark.parametrize(("at_once", "said"), [(4, "are being fetched"), (1, "too many")])
def test_nobody_waits_for_what_another_asks(clock: FakeClock, at_once: int, said: str) -> None:
    """Anybody may have keys fetched: addresses that hang must not hold the threads of the server."""
    address, asking, answered = Address(), Event(), Event()

    def fetch(url: str) -> bytes:
        asking.set()
        assert answered.wait(10)
        return address.fetch(CLIENT.jwks_uri or "")

    keys = ClientKeys(fetch, clock, at_once=at_once)
    other = replace(CLIENT, jwks_uri="https://other.example/jwks") if at_once == 1 else CLIENT
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(keys.of, CLIENT, False)
        assert asking.wait(10)
        try:
            with pytest.raises(Unavailable, match=said):
                keys.of(other, False)
        finally:
            answered.set()
        assert first.result(timeout=10) == JWKS
    assert address.asked == 1
    assert keys.of(other, False) == JWKS


def test_an_address_that_hangs_rests_from_the_end_of_that(clock: FakeClock) -> None:
    address = Address(Unreachable("too_slow", "late"))

    def fetch(url: str) -> bytes:
        clock.advance(seconds=29)
        return address.fetch(url)

    keys = ClientKeys(fetch, clock)
    for seconds, asked in ((0, 1), (29, 1), (1, 2)):
        clock.advance(seconds=seconds)
        with pytest.raises(InvalidToken):
            keys.of(CLIENT, False)
        assert address.asked == asked
