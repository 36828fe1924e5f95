"""Connections to the SQL database, as each server wants them."""

import time
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from idp.store import prepared

BUSY_TIMEOUT_MS = 5000
MAY_IDLE_S = 2.0
IDLE_SINCE = "idle_since"  # of a connection that was kept outside of the pool, where it is known already
POOL_WAIT_S = 5.0
# A server that is silent must not keep a thread for ever. Seconds; milliseconds for tcp_user_timeout.
POSTGRESQL = {"connect_timeout": 3, "tcp_user_timeout": 10_000, "keepalives_idle": 10, "keepalives_interval": 5}


def make_engine(url: str, connections: int) -> Engine:
    """connections: kept open; as many more for a moment."""
    options: dict[str, Any] = {"pool_size": connections, "max_overflow": connections}  # a writer may read beside
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":  # what the URL says counts more
        options["connect_args"] = {
            **{name: POSTGRESQL[name] for name in POSTGRESQL.keys() - parsed.query.keys()},
            "prepare_threshold": None,  # psycopg would drop, with its own, what `Wire` has prepared
        }
        options["use_native_hstore"] = False  # asked for at each first connection
    # hide_parameters: an error says which statement failed, never with which values. What PostgreSQL says of the row
    # is left out of the logs (idp.web.logs).
    engine = create_engine(parsed, hide_parameters=True, pool_timeout=POOL_WAIT_S, **options)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine)
    else:
        _ask_the_idle(engine)
        prepared.keep_order(engine)
    return engine


def _prepare_sqlite(engine: Engine) -> None:
    """WAL, a busy timeout, and BEGIN IMMEDIATE for units that write, so that they queue instead of failing."""

    @event.listens_for(engine, "connect")
    def connect(dbapi_connection: Any, _entry: ConnectionPoolEntry) -> None:
        dbapi_connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            "synchronous = NORMAL",
            "foreign_keys = ON",
        ):
            dbapi_connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("sesame_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _ask_the_idle(engine: Engine) -> None:
    """Try a connection that was idle, or that was kept when another broke, before it is used again: the server, or what
    is between, may have dropped it.

    Each time, as SQLAlchemy's `pool_pre_ping` does, would be a round trip more for every unit of work.
    """
    broken_at = float("-inf")

    @event.listens_for(engine, "checkin")
    def checkin(_dbapi_connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info.setdefault(IDLE_SINCE, time.monotonic())

    @event.listens_for(engine, "invalidate")
    def invalidate(*_: Any) -> None:
        nonlocal broken_at
        broken_at = time.monotonic()

    @event.listens_for(engine, "checkout")
    def checkout(dbapi_connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        idle_since = entry.info.pop(IDLE_SINCE, None)
        if idle_since is not None and (idle_since <= broken_at or time.monotonic() - idle_since > MAY_IDLE_S):
            try:
                engine.dialect.do_ping(dbapi_connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error  # the pool opens another
