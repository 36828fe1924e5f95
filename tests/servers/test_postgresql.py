"""PostgreSQL passes the suites of SQL databases."""

from collections.abc import Iterator

import pytest

from idp.errors import Unavailable
from idp.store.conformance_rows import ask
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


@pytest.fixture
def cut(postgres: PostgreSQL) -> Iterator[Database]:
    """A database whose kept connection was ended by the server."""
    url = postgres.create()
    made, other = Database(url), Database(url)
    ask(made)
    with other.engine.connect() as connection:
        mine = "pid <> pg_backend_pid() AND datname = current_database()"
        assert connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {mine}")
    other.close()
    yield made
    made.close()
    postgres.drop(url)


def test_a_connection_that_died_idle_is_replaced(cut: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idp.store.database.MAY_IDLE_S", -1.0)
    ask(cut)


def test_a_connection_that_died_in_use_costs_one_request(cut: Database) -> None:
    with pytest.raises(Unavailable, match=r"terminat|closed"):
        ask(cut)
    ask(cut)
