"""The SQL database: engine, units of work, migrations."""

import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import alembic.runtime.migration
import alembic.script
from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    DisconnectionError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.pool import ConnectionPoolEntry

from idp.errors import InvalidOperation, Unavailable
from idp.store.accounts import Accounts
from idp.store.alerts import Alerts
from idp.store.audit import Audit
from idp.store.clients import Clients
from idp.store.consents import Consents
from idp.store.grants import Grants
from idp.store.imports import Imports
from idp.store.lazy import lazy
from idp.store.leases import Leases
from idp.store.meta import Meta
from idp.store.outbox import Outbox
from idp.store.policies import Policies
from idp.store.purge import Purge
from idp.store.refresh_tokens import RefreshTokens
from idp.store.resets import ResetLinks
from idp.store.sessions import Sessions
from idp.store.throttle import Throttle

BUSY_TIMEOUT_MS = 5000
MAY_IDLE_S = 2.0
POOL_WAIT_S = 5.0
# A server that is silent must not keep a thread for ever. Seconds; milliseconds for tcp_user_timeout.
POSTGRESQL = {"connect_timeout": 3, "tcp_user_timeout": 10_000, "keepalives_idle": 10, "keepalives_interval": 5}
RIGHTS = (
    "GRANT USAGE ON SCHEMA public TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "REVOKE UPDATE, DELETE ON audit_event, audit_seal FROM {role}",
    "REVOKE UPDATE ON audit_personal FROM {role}",
    "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}",
)
NO_ANSWER = {OperationalError, InterfaceError, DatabaseError}  # those that say nothing of the statement itself


class Tx:
    """One unit of work: the repositories on one connection. Everything is committed together or not at all."""

    def __init__(self, begin: Callable[[], Connection]) -> None:
        """begin: called at the first use; a unit that asks nothing costs nothing."""
        self._begin = begin
        self.revoked: list[str] = []  # grants that this unit revoked, by their ids

    @lazy
    def _connection(self) -> Connection:
        return self._begin()

    @lazy
    def accounts(self) -> Accounts:
        return Accounts(self._connection)

    @lazy
    def alerts(self) -> Alerts:
        return Alerts(self._connection)

    @lazy
    def audit(self) -> Audit:
        return Audit(self._connection)

    @lazy
    def clients(self) -> Clients:
        return Clients(self._connection)

    @lazy
    def consents(self) -> Consents:
        return Consents(self._connection)

    @lazy
    def grants(self) -> Grants:
        return Grants(self._connection, self.revoked)

    @lazy
    def imports(self) -> Imports:
        return Imports(self._connection)

    @lazy
    def leases(self) -> Leases:
        return Leases(self._connection)

    @lazy
    def meta(self) -> Meta:
        return Meta(self._connection)

    @lazy
    def outbox(self) -> Outbox:
        return Outbox(self._connection)

    @lazy
    def policies(self) -> Policies:
        return Policies(self._connection)

    @lazy
    def purge(self) -> Purge:
        return Purge(self._connection)

    @lazy
    def refresh_tokens(self) -> RefreshTokens:
        return RefreshTokens(self._connection)

    @lazy
    def resets(self) -> ResetLinks:
        return ResetLinks(self._connection)

    @lazy
    def sessions(self) -> Sessions:
        return Sessions(self._connection, self.revoked)

    @lazy
    def throttle(self) -> Throttle:
        return Throttle(self._connection)


class Database:
    """Opens units of work. Raises Unavailable when the server does not answer."""

    def __init__(
        self, url: str, *, connections: int = 5, announce: Callable[[Collection[str]], None] = lambda _: None
    ) -> None:
        """connections: kept open; as many more for a moment. announce: told which grants a unit revoked, just before
        it is committed; what it raises undoes the unit: a revocation that could not be told everybody is not done.
        """
        self._announce = announce
        options: dict[str, Any] = {"pool_size": connections, "max_overflow": connections}  # a writer may read beside
        parsed = make_url(url)
        if parsed.get_backend_name() == "postgresql":  # what the URL says counts more
            options["connect_args"] = {name: POSTGRESQL[name] for name in POSTGRESQL.keys() - parsed.query.keys()}
        # hide_parameters: an error that is logged says which statement failed, never with which values.
        self.engine = create_engine(parsed, hide_parameters=True, pool_timeout=POOL_WAIT_S, **options)
        if self.engine.dialect.name == "sqlite":
            _prepare_sqlite(self.engine)
        else:
            _ask_the_idle(self.engine)

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """A unit that only reads: a consistent view, no lock."""
        with self._open(writes=False) as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """A unit that writes; committed at the end, rolled back by any exception."""
        with self._open(writes=True) as tx:
            yield tx

    @contextmanager
    def _open(self, *, writes: bool) -> Iterator[Tx]:
        with _answering(), ExitStack() as opened:

            def begin() -> Connection:
                connection = opened.enter_context(self.engine.connect())
                connection.execution_options(sesame_writes=writes)
                opened.enter_context(connection.begin())
                return connection

            tx = Tx(begin)
            yield tx
            if tx.revoked:
                self._announce(tx.revoked)

    def ping(self) -> None:
        """Raises Unavailable if the database does not answer or its schema is older than the code's.

        A schema that this code does not know is a newer one: it serves the code before it too.
        """
        with self.read() as tx:
            found = alembic.runtime.migration.MigrationContext.configure(tx._connection).get_current_revision()
        if found is None or found in self._older_revisions:
            raise Unavailable(f"database schema is {found}, {self.expected_revision} is needed (`sesame migrate`)")

    def migrate(self) -> None:
        """Bring the schema to the code's version; a SQLite file is made for its owner alone."""
        if self.engine.dialect.name == "sqlite" and self.engine.url.database not in {None, "", ":memory:"}:
            _make_private(Path(str(self.engine.url.database)))
        with _answering(), self.engine.connect() as connection:
            connection.execution_options(sesame_writes=True)
            config = _alembic()
            config.attributes["connection"] = connection
            with connection.begin():
                alembic.command.upgrade(config, "head")

    def grant_to(self, role: str) -> None:
        """Give a role of PostgreSQL what the application needs: it can append to the audit, not change or delete it.

        Raises InvalidOperation on SQLite, which knows no roles, and for a role that does not exist.
        """
        if self.engine.dialect.name != "postgresql":
            raise InvalidOperation("only PostgreSQL has roles: a SQLite file belongs to whoever may write it")
        quoted = self.engine.dialect.identifier_preparer.quote_identifier(role)
        try:
            with _answering(), self.engine.begin() as connection:
                for statement in RIGHTS:
                    connection.exec_driver_sql(statement.format(role=quoted).replace("%", "%%"))
        except ProgrammingError as error:
            raise InvalidOperation(f"{role}: {str(error.orig).partition(chr(10))[0]}") from error

    @cached_property
    def expected_revision(self) -> str | None:
        return alembic.script.ScriptDirectory.from_config(_alembic()).get_current_head()

    @cached_property
    def _older_revisions(self) -> frozenset[str]:
        scripts = alembic.script.ScriptDirectory.from_config(_alembic()).walk_revisions()
        return frozenset(script.revision for script in scripts) - {self.expected_revision}

    def close(self) -> None:
        self.engine.dispose()


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if type(error) not in NO_ANSWER:
            raise
        raise Unavailable(f"database: {str(error.orig).partition(chr(10))[0]}") from error
    except NoConnectionLeft as error:
        raise Unavailable("database: every connection is in use") from error


def _make_private(file: Path) -> None:
    """Make the file before SQLite would, readable by its owner alone: it holds digests of passwords."""
    with suppress(OSError):  # a folder that is missing or closed is told when the database is opened
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))


def _alembic() -> alembic.config.Config:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(resources.files("migrations")).replace("%", "%%"))
    return config


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
    """Try a connection that was idle before it is used again: the server, or what is between, may have dropped it.

    Each time, as SQLAlchemy's `pool_pre_ping` does, would be a round trip more for every unit of work.
    """

    @event.listens_for(engine, "checkin")
    def checkin(_dbapi_connection: Any, entry: ConnectionPoolEntry) -> None:
        entry.info["idle_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def checkout(dbapi_connection: Any, entry: ConnectionPoolEntry, _proxy: Any) -> None:
        idle_since = entry.info.get("idle_since")
        if idle_since is not None and time.monotonic() - idle_since > MAY_IDLE_S:
            try:
                engine.dialect.do_ping(dbapi_connection)
            except engine.dialect.loaded_dbapi.Error as error:
                raise DisconnectionError from error  # the pool opens another
