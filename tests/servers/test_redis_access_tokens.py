"""PostgreSQL with Redis passes the suite of access tokens."""

from collections.abc import Iterator

import pytest

from idp.store.access_tokens import MarkedAccessTokens, open_stores
from idp.store.conformance import ManualClock
from idp.store.conformance_access_tokens import AccessTokenSuite, Stores
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
