"""PostgreSQL passes the suites of SQL databases."""

from collections.abc import Iterator

import pytest

from idp.store.conformance_sql import DatabaseSuite
from idp.store.database import Database
from tests.fakes.servers import PostgreSQL, free_port


class TestPostgreSQL(DatabaseSuite):
    @pytest.fixture
    def empty(self, postgres: PostgreSQL) -> Iterator[Database]:
        url = postgres.create(template="template1")
        made = Database(url)
        yield made
        made.close()
        postgres.drop(url)

    @pytest.fixture
    def database(self, postgres: PostgreSQL) -> Iterator[Database]:
        url = postgres.create()
        made = Database(url)
        yield made
        made.close()
        postgres.drop(url)

    @pytest.fixture
    def unreachable(self) -> Database:
        return Database(f"postgresql+psycopg://postgres@127.0.0.1:{free_port()}/nothing")
