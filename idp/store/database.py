"""The SQL database: engine, units of work, migrations."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import alembic.runtime.migration
import alembic.script
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
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
NO_ANSWER = {OperationalError, InterfaceError, DatabaseError}  # those that say nothing of the statement itself


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

    def __init__(self, url: str, *, connections: int = 5) -> None:
        """connections: kept open; as many more for a moment."""
        options: dict[str, Any] = {} if url.startswith("sqlite") else {"pool_pre_ping": True}
        options |= {"pool_size": connections, "max_overflow": connections}  # a unit that writes may read beside
        # hide_parameters: an error that is logged says which statement failed, never with which values.
        self.engine = create_engine(url, hide_parameters=True, **options)
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
        with _answering(), self.engine.connect() as connection:
            connection.execution_options(sesame_writes=writes)
            with connection.begin():
                yield Tx(connection)

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
