"""PostgreSQL with Redis passes the suite of access tokens."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import redis

from idp.domain.access_token import handle_of_grant, new_identifier
from idp.domain.client import MAX_TOKEN_LIFETIME
from idp.domain.ids import new_id
from idp.store.access_tokens import MarkedAccessTokens, open_stores
from idp.store.conformance import START, ManualClock
from idp.store.conformance_access_tokens import RECORD, AccessTokenSuite, Stores
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


def test_the_mark_of_a_revoked_grant_outlives_its_tokens(redis_url: str) -> None:
    """Redis lets both expire by its own clock."""
    client, clock = connect(redis_url), ManualClock()
    store = Ephemeral(client, clock)
    tokens, grant_id = MarkedAccessTokens(store, clock), new_id()
    tokens.put(new_identifier(grant_id), replace(RECORD, expires_at=int((START + MAX_TOKEN_LIFETIME).timestamp())))
    tokens.announce([grant_id])
    record, mark = sorted(client.keys(f"sesame:*{handle_of_grant(grant_id)}*"))
    assert 0 < client.pttl(record) < client.pttl(mark)
    store.close()


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
