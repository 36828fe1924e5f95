"""PostgreSQL with Redis passes the suite of access tokens."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis

from idp.store.access_tokens import MarkedAccessTokens, open_stores
from idp.store.conformance import ManualClock
from idp.store.conformance_access_tokens import AccessTokenSuite, Stores
from idp.store.ephemeral import Ephemeral, connect
from tests.fakes.servers import PostgreSQL


class TestServers(AccessTokenSuite):
    @pytest.fixture
    def stores(self, clock: ManualClock, postgres: PostgreSQL, redis_url: str) -> Iterator[Stores]:
        url = postgres.create()
        db, ephemeral, tokens = open_stores(url, redis_url, clock)
        assert isinstance(tokens, MarkedAccessTokens)
        yield db, ephemeral, tokens
        db.close()
        ephemeral.close()
        postgres.drop(url)


def test_a_connection_that_breaks_under_a_reading_is_replaced(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis may close a connection that looked sound a moment ago: a reading is then done again."""
    client = connect(redis_url)
    store = Ephemeral(client, ManualClock())
    store.put("access", "a token", {"sub": "1"}, timedelta(minutes=1), beside="grant")

    def break_off(*_command: str) -> None:
        monkeypatch.undo()
        raise redis.ConnectionError("closed by the server")

    monkeypatch.setattr(client.connection_pool.connection_class, "send_command", break_off)
    assert store.get_unless_marked("access", "a token", beside="grant", mark="revoked") == {"sub": "1"}
    store.close()
