"""Sockets that wait until one instant, and no longer."""

import socket
import time
from collections.abc import Iterator

import pytest

from idp.outgoing.sockets import TimedSocket


@pytest.fixture
def pair() -> Iterator[tuple[TimedSocket, socket.socket]]:
    near, far = socket.socketpair()
    with TimedSocket(fileno=near.detach()) as timed, far:
        yield timed, far


def test_who_sets_no_deadline_gets_nothing(pair: tuple[TimedSocket, socket.socket]) -> None:
    timed, far = pair
    far.sendall(b"ready")
    with pytest.raises(TimeoutError):
        timed.recv_into(bytearray(5))
    with pytest.raises(TimeoutError):
        timed.sendall(b"x")


def test_a_call_is_given_what_is_left(pair: tuple[TimedSocket, socket.socket]) -> None:
    """A timeout of its own, which each call would begin anew, does not count."""
    timed, far = pair
    timed.ends_at = time.monotonic() + 5
    timed.settimeout(None)
    timed.sendall(b"x")
    far.sendall(b"ready")
    assert timed.recv_into(bytearray(5)) == 5
    left = timed.gettimeout()
    assert left is not None
    assert left <= 5
