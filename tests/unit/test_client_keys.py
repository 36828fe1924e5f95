"""The keys of clients: registered, or fetched; when an address is asked again."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from idp.domain.client import Client
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
    clock.advance(seconds=10)
    assert keys.of(CLIENT, False) == JWKS


def test_keys_that_cannot_be_had_again_count_no_more(clock: FakeClock) -> None:
    address = Address()
    keys = ClientKeys(address.fetch, clock)
    keys.of(CLIENT, False)
    address.answer = Unreachable("no_answer", "gone")
    clock.advance(minutes=10)
    with pytest.raises(InvalidToken):
        keys.of(CLIENT, False)


def test_of_many_that_need_the_keys_one_asks(clock: FakeClock) -> None:
    address = Address()
    keys = ClientKeys(address.fetch, clock)
    ask: Callable[[int], Any] = lambda _: keys.of(CLIENT, False)  # noqa: E731
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [JWKS] * 8
    assert address.asked == 1
