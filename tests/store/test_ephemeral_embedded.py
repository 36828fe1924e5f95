"""The embedded store passes the suite of ephemeral stores."""

import socket
from datetime import timedelta

import fakeredis
import pytest
import redis

from idp.clock import SystemClock
from idp.errors import Unavailable
from idp.store.conformance import EphemeralSuite
from idp.store.ephemeral import Ephemeral, connect
from tests.fakes.clock import FakeClock


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


def test_what_has_expired_is_freed_though_nobody_asks_for_it() -> None:
    clock, client = FakeClock(), connect("embedded")
    store = Ephemeral(client, clock, sweeps=True)
    store.put("kind", "forgotten", {}, timedelta(minutes=1))
    held = client.connection_pool.make_connection()._server.dbs[0]  # type: ignore[attr-defined]
    for name, item in held._dict.items():
        item.expireat = 1.0
        held.schedule_expiry(name, 1.0)
    clock.advance(minutes=1)
    store.put("kind", "new", {}, timedelta(minutes=1))
    assert len(held._dict) == 1
