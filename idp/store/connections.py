"""Connections that stay open from one unit of work to the next, and what a unit begins and ends with on them."""

import time
from collections import deque
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import DBAPIError

from idp.store import engine, prepared


class Connections:
    """SQLAlchemy's connections, kept as they are: taking one out of its pool and giving it back costs as much as two
    statements. How many there are, the wait for one, and the trial of one that was idle are the pool's.

    Those of SQLite go back at once: its units begin and end with statements of SQLAlchemy's.
    """

    def __init__(self, pool: Engine, most: int) -> None:
        """most: kept open."""
        self._pool, self._most = pool, most if pool.dialect.name == "postgresql" else 0
        self._free: deque[tuple[Connection, float]] = deque()  # with when each was last used
        self._broken_at = float("-inf")
        event.listen(pool, "invalidate", self._note_broken)

    def begin(self, *, writes: bool) -> Connection:
        """For a unit that ends with `commit` or `roll_back`. On PostgreSQL, where each statement sees what is committed
        by then, a unit that only reads is no transaction.
        """
        connection = self._take()
        if not self._most:
            connection.execution_options(sesame_writes=writes)
            connection.begin()
        prepared.begin(connection, alone=not writes)
        return connection

    def begin_alone(self) -> Connection:
        """For a unit of one `Prepared`, which the server commits by itself."""
        connection = self._take()
        prepared.begin(connection, alone=True)
        return connection

    def commit(self, connection: Connection) -> None:
        """Raises SQLAlchemy's errors, and what `Prepared.must` is told to; then the unit is still to be rolled back."""
        prepared.commit(connection)
        if connection.in_transaction():
            connection.commit()
        self._give(connection)

    def roll_back(self, connection: Connection) -> None:
        """Undo the unit; a connection that is not able to is given up."""
        try:
            if connection.in_transaction():
                connection.rollback()
            elif not connection.invalidated:
                connection.connection.rollback()  # what `Prepared` began
        except (DBAPIError, self._pool.dialect.loaded_dbapi.Error):
            connection.invalidate()
        self._give(connection)

    def close(self) -> None:
        """Give all that are free back to the pool."""
        while self._free:
            self._free.pop()[0].close()

    def _take(self) -> Connection:
        while self._free:
            connection, since = self._free.pop()
            if since > self._broken_at and time.monotonic() - since <= engine.MAY_IDLE_S:
                return connection
            connection.info[engine.IDLE_SINCE] = since
            connection.close()
        return self._pool.connect()

    def _give(self, connection: Connection) -> None:
        if connection.invalidated or len(self._free) >= self._most:
            connection.close()
        else:
            self._free.append((connection, time.monotonic()))

    def _note_broken(self, *_: Any) -> None:
        self._broken_at = time.monotonic()
