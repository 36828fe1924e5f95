"""PostgreSQL passes the suites of SQL databases."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import Any

import pytest
from psycopg.pq.abc import PGresult
from sqlalchemy import text
from sqlalchemy.exc import InternalError, ProgrammingError

from idp.domain.audit import AuditEvent
from idp.domain.upstream_session import UpstreamSession
from idp.errors import Unavailable
from idp.flows import upstream_backchannel, upstream_sessions
from idp.methods.federation.logout_tokens import LoggedOut
from idp.store.conformance import START
from idp.store.conformance_prepared import PreparedSuite
from idp.store.conformance_rows import add_session, ask, is_done
from idp.store.conformance_sql import DatabaseSuite
from idp.store.database import Database, Tx
from idp.store.sessions import Sessions
from idp.store.wire import Wire
from tests.fakes.provider import Provider
from tests.fakes.servers import PostgreSQL, free_port


class TestPostgreSQL(DatabaseSuite, PreparedSuite):
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


def test_an_upstream_that_ends_some_sessions_and_the_holder_who_ends_all_wait_for_one_another(
    start: Callable[..., Provider], postgres: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would hold a session that the other wants: the upstream has them in the order in which they were opened, the
    holder in that of the rows, the newest version last.
    """
    provider = start(database_url=postgres.create())
    account_id = provider.add_account("anne.pierre").account_id
    services, now = provider.services, provider.clock.now()
    sub = upstream_sessions.digest(services, upstream_sessions.SUB, "psc", "sub") or ""
    with services.db.write() as tx:
        first, second = (add_session(tx, account_id, cookie) for cookie in ("one", "two"))
        for each in (first, second):
            tx.upstream_sessions.keep(each, UpstreamSession("psc", now, sub, None, None))
    with services.db.write() as tx:
        assert tx.sessions.rotate(first, "one", "another", now)
    ended_one, go = threading.Event(), threading.Event()
    end = Sessions.end

    def end_and_wait(self: Sessions, session_id: str, now: datetime) -> bool:
        found = end(self, session_id, now)
        ended_one.set()
        go.wait(10)
        return found

    def end_all() -> int:
        ended_one.wait(10)
        with services.db.write() as tx:
            tx.accounts.lock(account_id)
            return tx.sessions.end_all(account_id, now)

    monkeypatch.setattr(Sessions, "end", end_and_wait)
    with ThreadPoolExecutor(2) as both:
        told = both.submit(upstream_backchannel.end, services, "psc", LoggedOut("sub", None, now))
        holder = both.submit(end_all)
        waiting = text(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        for _ in range(10_000):
            with services.db.read() as tx:
                if tx._connection.scalar(waiting):
                    break
        go.set()
        told.result(20)
        assert holder.result(20) == 0  # both were ended


@pytest.fixture
def cut(postgres: PostgreSQL) -> Iterator[Database]:
    """A database whose two kept connections were ended by the server."""
    url = postgres.create()
    made, other = Database(url), Database(url)
    with made.read() as tx:
        assert tx.clients.all() == []
        ask(made)
    with other.engine.connect() as connection:
        mine = "pid <> pg_backend_pid() AND datname = current_database()"
        assert connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {mine}")
    other.close()
    yield made
    made.close()
    postgres.drop(url)


def test_a_connection_that_died_idle_is_replaced(cut: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("idp.store.engine.MAY_IDLE_S", -1.0)
    ask(cut)


def test_a_connection_that_died_in_use_costs_one_request(cut: Database) -> None:
    with pytest.raises(Unavailable, match=r"terminat|closed"):
        ask(cut)
    ask(cut)


@pytest.mark.parametrize("use", [lambda tx: tx.accounts.get("nobody"), lambda tx: tx.clients.all()])
def test_when_one_broke_the_others_that_were_kept_are_tried_first(cut: Database, use: Callable[[Tx], Any]) -> None:
    with pytest.raises(Unavailable, match=r"terminat|closed"), cut.read() as tx:
        use(tx)
    with cut.read() as one, cut.read() as another:
        assert [use(one), use(another)] in ([None, None], [[], []])


def test_an_event_by_itself_finds_the_server_gone(cut: Database) -> None:
    event = AuditEvent("client.created", "operator:test")
    with pytest.raises(Unavailable, match=r"terminat|closed"):
        cut.append(event, START)
    cut.append(event, START)
    with cut.read() as tx:
        assert len(tx.audit.latest(3)) == 1
    cut._connections.close()
    assert cut.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


def test_a_unit_of_which_a_statement_failed_is_not_taken_for_committed(cut: Database) -> None:
    with suppress(Unavailable):
        ask(cut)

    def half_failed(tx: Tx) -> None:
        tx.audit.record(AuditEvent("client.created", "operator:test"), START)
        with pytest.raises(ProgrammingError):
            tx._connection.exec_driver_sql("SELECT 1 FROM nothing")

    with pytest.raises(InternalError, match="rolled back"):
        is_done(cut, half_failed)
    with cut.read() as tx:
        assert tx.audit.latest(1) == []


def test_answers_that_nobody_read_are_not_taken_for_those_of_the_next_unit(
    cut: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_wire: Wire) -> list[PGresult]:
        raise KeyboardInterrupt

    with suppress(Unavailable):
        ask(cut)
    with monkeypatch.context() as patched:
        patched.setattr(Wire, "_answers", interrupted)
        with pytest.raises(KeyboardInterrupt), cut.write() as tx:
            tx.accounts.get("nobody")
    with cut.write() as tx:
        assert tx.accounts.get("nobody") is None


def test_more_than_the_server_reads_at_once_is_sent(cut: Database) -> None:
    with suppress(Unavailable):
        ask(cut)
    long = "é" * 100_000
    with cut.write() as tx:
        for _ in range(200):
            tx.audit.record(AuditEvent("client.created", "operator:test", detail={"said": long}), START)
    with cut.read() as tx:
        assert [each.event.detail["said"] == long for each in tx.audit.latest(300)] == [True] * 200


def test_a_server_that_takes_a_connection_and_says_nothing_is_unavailable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        made = Database(f"postgresql+psycopg://postgres@127.0.0.1:{silent.getsockname()[1]}/nothing")
        started = time.monotonic()
        with pytest.raises(Unavailable, match="timeout"):
            made.ping()
        assert time.monotonic() - started < 10


def test_a_connection_is_given_up_when_the_server_falls_silent(postgres: PostgreSQL) -> None:
    """What the URL says counts more."""
    url = postgres.create()
    made = Database(f"{url}{'&' if '?' in url else '?'}keepalives_idle=60")
    with made.engine.connect() as connection:
        driver: Any = connection.connection.driver_connection
        found = driver.info.get_parameters()
    made.close()
    postgres.drop(url)
    assert (found["tcp_user_timeout"], found["keepalives_interval"]) == ("10000", "5")
    assert found["keepalives_idle"] == "60"
