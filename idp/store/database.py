"""The SQL database: engine, units of work, migrations."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from importlib import resources
from typing import Any

import alembic.command
import alembic.config
import alembic.runtime.migration
import alembic.script
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from idp.errors import Unavailable
from idp.store.accounts import Accounts
from idp.store.audit import Audit
from idp.store.clients import Clients
from idp.store.grants import Grants
from idp.store.meta import Meta
from idp.store.outbox import Outbox
from idp.store.policies import Policies
from idp.store.resets import ResetLinks
from idp.store.sessions import Sessions
from idp.store.throttle import Throttle

BUSY_TIMEOUT_MS = 5000


class Tx:
    """One unit of work: the repositories on one connection. Everything is committed together or not at all."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self._connection)

    @cached_property
    def audit(self) -> Audit:
        return Audit(self._connection)

    @cached_property
    def clients(self) -> Clients:
        return Clients(self._connection)

    @cached_property
    def grants(self) -> Grants:
        return Grants(self._connection)

    @cached_property
    def meta(self) -> Meta:
        return Meta(self._connection)

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self._connection)

    @cached_property
    def policies(self) -> Policies:
        return Policies(self._connection)

    @cached_property
    def resets(self) -> ResetLinks:
        return ResetLinks(self._connection)

    @cached_property
    def sessions(self) -> Sessions:
        return Sessions(self._connection)

    @cached_property
    def throttle(self) -> Throttle:
        return Throttle(self._connection)


class Database:
    """Opens units of work. Raises Unavailable when the server does not answer."""

    def __init__(self, url: str) -> None:
        self.engine = create_engine(url, **({} if url.startswith("sqlite") else {"pool_pre_ping": True}))
        if self.engine.dialect.name == "sqlite":
            _prepare_sqlite(self.engine)

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
        try:
            with self.engine.connect() as connection:
                connection.execution_options(sesame_writes=writes)
                with connection.begin():
                    yield Tx(connection)
        except OperationalError as error:
            raise Unavailable("database") from error

    def ping(self) -> None:
        """Raises Unavailable if the database does not answer or its schema is not the code's."""
        with self.read() as tx:
            found = alembic.runtime.migration.MigrationContext.configure(tx._connection).get_current_revision()
        if found != self.expected_revision:
            raise Unavailable(f"database schema is {found}, {self.expected_revision} is needed (`sesame migrate`)")

    def migrate(self) -> None:
        """Bring the schema to the code's version."""
        with self.engine.connect() as connection:
            connection.execution_options(sesame_writes=True)
            config = _alembic()
            config.attributes["connection"] = connection
            with connection.begin():
                alembic.command.upgrade(config, "head")

    @cached_property
    def expected_revision(self) -> str | None:
        return alembic.script.ScriptDirectory.from_config(_alembic()).get_current_head()

    def close(self) -> None:
        self.engine.dispose()


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
