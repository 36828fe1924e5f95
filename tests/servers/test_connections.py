"""Connections to PostgreSQL that stay open from one unit of work to the next."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError, PendingRollbackError

from idp.domain.audit import AuditEvent
from idp.errors import Unavailable
from idp.store.conformance import START
from idp.store.conformance_rows import REFUSED, is_done
from idp.store.database import Database, Tx
from idp.store.wire import INLINE
from tests.fakes.servers import PostgreSQL
from tests.fakes.waiting import until

EVENT = AuditEvent("client.created", "operator:test")
OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@pytest.fixture
def database(postgres: PostgreSQL) -> Iterator[Database]:
    url = postgres.create()
    made = Database(url, connections=2)
    yield made
    made.close()
    postgres.drop(url)


@pytest.fixture
def ask(database: Database) -> Iterator[Callable[[str], Any]]:
    """One value, on a connection that is not the database's own."""
    other = Database(str(database.engine.url))
    engine = other.engine.execution_options(isolation_level="AUTOCOMMIT")  # else it sees the same for ever
    with engine.connect() as connection:
        yield lambda query: connection.exec_driver_sql(query).scalar()
    other.close()


def look(tx: Tx) -> None:
    assert tx.accounts.get("nobody") is None


def test_a_statement_that_a_migration_made_useless_costs_one_request(database: Database) -> None:
    for _ in range(INLINE + 1):
        assert is_done(database, look)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE identity ALTER COLUMN value TYPE text")
    with pytest.raises(Unavailable, match="since it was prepared"):
        is_done(database, look)
    for _ in range(INLINE + 2):
        assert is_done(database, look)


def test_a_statement_that_a_pooler_lost_costs_one_request(database: Database) -> None:
    def lose(tx: Tx) -> None:
        tx._connection.exec_driver_sql("DEALLOCATE ALL")
        look(tx)

    for _ in range(INLINE + 1):
        assert is_done(database, look)
    with pytest.raises(Unavailable, match="since it was prepared"):
        is_done(database, lose)
    for _ in range(INLINE + 2):
        assert is_done(database, look)


def test_what_is_prepared_outlives_a_unit_that_is_rolled_back(database: Database) -> None:
    """psycopg, where it prepares by itself, has the server forget all that is prepared."""

    def often(tx: Tx) -> None:
        for _ in range(10):  # psycopg prepares at the sixth
            tx.clients.all()
        raise REFUSED

    for _ in range(INLINE + 1):
        assert is_done(database, look)
    assert not is_done(database, often)
    assert is_done(database, look)


def test_no_more_are_kept_than_were_said(database: Database, ask: Callable[[str], Any]) -> None:
    for _ in range(2):
        with ExitStack() as units:
            for _ in range(4):
                look(units.enter_context(database.write()))
            assert ask(f"SELECT count(*) {OTHERS}") == 4
        until(lambda: ask(f"SELECT count(*) = 2 {OTHERS}"))  # the server ends them by and by


def test_who_waits_is_given_what_comes_back(database: Database) -> None:
    with ThreadPoolExecutor(1) as pool, ExitStack() as units:
        for _ in range(3):
            look(units.enter_context(database.write()))
        with database.write() as last:
            look(last)
            waiting = pool.submit(is_done, database, look)
            until(lambda: database._connections._waiting)
        assert waiting.result(timeout=10)


@pytest.mark.parametrize("broken", ["the next", "the end"])
def test_a_unit_whose_connection_broke_is_not_taken_for_committed(
    database: Database, ask: Callable[[str], Any], broken: str
) -> None:
    def half(tx: Tx) -> None:
        tx.audit.record(EVENT, START)
        look(tx)
        ask(f"SELECT pg_terminate_backend(pid, 5000) {OTHERS}")
        with suppress(DBAPIError):
            look(tx)
        if broken == "the next":
            tx.audit.record(EVENT, START)
        tx.clients.all()

    with pytest.raises((Unavailable, PendingRollbackError)):
        is_done(database, half)
    with database.read() as tx:
        assert tx.audit.latest(1) == []


def test_nobody_is_told_of_a_revocation_that_does_not_happen(postgres: PostgreSQL) -> None:
    told: list[Any] = []
    url = postgres.create()
    database = Database(url, announce=told.append)

    def change(tx: Tx) -> None:
        tx.revoked.append("grant")
        tx.sessions.must_touch("nothing", "ror", START, otherwise=LookupError())

    with pytest.raises(LookupError):
        is_done(database, change)
    database.close()
    postgres.drop(url)
    assert told == []
