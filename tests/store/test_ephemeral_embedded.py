"""The embedded store passes the suite of ephemeral stores."""

import socket

import fakeredis
import pytest
import redis

from idp.clock import SystemClock
from idp.errors import Unavailable
from idp.store.conformance import EphemeralSuite
from idp.store.ephemeral import Ephemeral, connect


class TestEmbedded(EphemeralSuite):
    @pytest.fixture
    def client(self) -> redis.Redis:
        return connect("embedded")

    @pytest.fixture
    def dead_client(self) -> redis.Redis:
        server = fakeredis.FakeServer()
        server.connected = False
        return fakeredis.FakeRedis(server=server)


def test_each_embedded_store_is_its_own() -> None:
    one, other = connect("embedded"), connect("embedded")
    one.set("key", "value")
    assert other.get("key") is None


def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        store = Ephemeral(connect(f"redis://127.0.0.1:{taken.getsockname()[1]}"), SystemClock())
        with pytest.raises(Unavailable):
            store.ping()
