"""Redis passes the suite of ephemeral stores."""

from collections.abc import Iterator

import pytest
import redis

from idp.store.conformance import EphemeralSuite
from idp.store.ephemeral import connect
from tests.fakes.servers import free_port


class TestRedis(EphemeralSuite):
    @pytest.fixture
    def client(self, redis_url: str) -> Iterator[redis.Redis]:
        client = connect(redis_url)
        client.flushdb()
        yield client
        client.close()

    @pytest.fixture
    def dead_client(self) -> redis.Redis:
        return connect(f"redis://127.0.0.1:{free_port()}")
