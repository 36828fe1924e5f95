"""The SQL database: units of work, migrations."""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import (
    DatabaseError,
    DBAPIError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from idp.domain.audit import AuditEvent
from idp.errors import InvalidOperation, Unavailable
from idp.store import migrating, prepared
from idp.store.connections import Connections
from idp.store.engine import make_engine
from idp.store.unit import Tx

__all__ = ["Database", "Tx"]

RIGHTS = (
    "GRANT USAGE ON SCHEMA public TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "REVOKE UPDATE, DELETE ON audit_event, audit_seal FROM {role}",
    "REVOKE UPDATE ON audit_personal FROM {role}",
    "REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}",
)
NO_ANSWER = {OperationalError, InterfaceError, DatabaseError}  # those that say nothing of the statement itself


class Database:
    """Opens units of work. Raises Unavailable when the server does not answer."""

    def __init__(
        self, url: str, *, connections: int = 5, announce: Callable[[Collection[str]], None] = lambda _: None
    ) -> None:
        """connections: kept open; as many more for a moment. announce: told which grants a unit revoked, just before
        it is committed; what it raises undoes the unit: a revocation that could not be told everybody is not done.
        """
        self._announce = announce
        self.engine = make_engine(url, connections)
        self._connections = Connections(self.engine, connections)

    def read(self) -> "_Unit":
        """A unit that only reads: no lock."""
        return _Unit(self._connections, self._announce, writes=False)

    def write(self) -> "_Unit":
        """A unit that writes; committed at the end, rolled back by any exception."""
        return _Unit(self._connections, self._announce, writes=True)

    def append(self, event: AuditEvent, now: datetime, request_id: str | None = None) -> None:
        """A unit that is one audit event. Without personal values it is one row, which needs no BEGIN and no COMMIT."""
        is_one_row = not event.personal
        with _Unit(self._connections, self._announce, writes=True, alone=is_one_row) as tx:
            tx.audit.record(event, now, request_id)

    def ping(self) -> None:
        """Raises Unavailable if the database does not answer or its schema is older than the code's.

        A schema that this code does not know is a newer one: it serves the code before it too.
        """
        *older, newest = migrating.revisions()
        with self.read() as tx:
            found = migrating.revision(tx._connection)
        if found is None or found in older:
            raise Unavailable(f"database schema is {found}, {newest} is needed (`sesame migrate`)")

    def migrate(self) -> None:
        """Bring the schema to the code's version; a SQLite file is made for its owner alone."""
        if self.engine.dialect.name == "sqlite" and self.engine.url.database not in {None, "", ":memory:"}:
            _make_private(Path(str(self.engine.url.database)))
        with _answering(), self.engine.connect() as connection:
            connection.execution_options(sesame_writes=True)
            with connection.begin():
                migrating.upgrade(connection)

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

    def close(self) -> None:
        self._connections.close()
        self.engine.dispose()


class _Unit:
    """Begins at its first use, on a connection of its own."""

    def __init__(
        self,
        connections: Connections,
        announce: Callable[[Collection[str]], None],
        *,
        writes: bool,
        alone: bool = False,
    ) -> None:
        """As `Connections.begin`. announce: as of `Database`."""
        self._connections, self._announce, self._writes, self._alone = connections, announce, writes, alone
        self._connection: Connection | None = None
        self._tx = Tx(self._begin)

    def __enter__(self) -> Tx:
        return self._tx

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        try:
            if error is None:
                self._end()
        except BaseException as failure:
            self._undo()
            _tell(failure)
            raise
        finally:
            self._tx.end()
        if error is not None:
            self._undo()
            _tell(error)

    def _begin(self) -> Connection:
        self._connection = self._connections.begin(writes=self._writes, alone=self._alone)
        return self._connection

    def _end(self) -> None:
        connection = self._connection
        if connection is None:
            return
        if self._tx.revoked:
            prepared.flush(connection)  # what must be written is known to be, before anybody is told
            self._announce(self._tx.revoked)
        self._connections.commit(connection)
        self._connection = None
        self._connections.give_back(connection)

    def _undo(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._connections.roll_back(connection)


@contextmanager
def _answering() -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        _tell(error)
        raise


def _tell(error: BaseException) -> None:
    """Raises Unavailable where the server is the cause."""
    if isinstance(error, DBAPIError) and type(error) in NO_ANSWER:
        raise Unavailable(f"database: {str(error.orig).partition(chr(10))[0]}") from error
    if isinstance(error, NoConnectionLeft):
        raise Unavailable("database: every connection is in use") from error


def _make_private(file: Path) -> None:
    """Make the file before SQLite would, readable by its owner alone: it holds digests of passwords."""
    with suppress(OSError):  # a folder that is missing or closed is told when the database is opened
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
