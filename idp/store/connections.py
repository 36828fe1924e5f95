"""Connections that stay open from one unit of work to the next, and what a unit begins and ends with on them."""

import time
from collections import deque
from contextlib import suppress
from threading import Lock
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
        self._lock, self._waiting = Lock(), 0  # how many threads want one of the pool's
        event.listen(pool, "invalidate", self._note_broken)

    def begin(self, *, writes: bool, alone: bool = False) -> Connection:
        """For a unit that ends with `commit` and `give_back`, or with `roll_back`. alone: of one `Prepared`, which the
        server commits by itself. On PostgreSQL, where each statement sees what is committed by then, a unit that only
        reads is no transaction.
        """
        connection = self._take()
        try:
            if not self._most and not alone:
                connection.execution_options(sesame_writes=writes)
                connection.begin()
            prepared.begin(connection, alone=alone or not writes)
        except BaseException:
            self.roll_back(connection)
            raise
        return connection

    def commit(self, connection: Connection) -> None:
        """Raises SQLAlchemy's errors, and what `Prepared.must` is told to; then the unit is still to be rolled back."""
        prepared.commit(connection)
        if connection.in_transaction():
            connection.commit()

    def roll_back(self, connection: Connection) -> None:
        """Undo the unit, and give the connection back; one that is not able to is given up."""
        try:
            if connection.in_transaction():
                connection.rollback()
            elif not connection.invalidated:
                prepared.forget(connection)
                connection.connection.rollback()  # what `Prepared` began
        except (DBAPIError, self._pool.dialect.loaded_dbapi.Error):
            connection.invalidate()
        self.give_back(connection)

    def give_back(self, connection: Connection) -> None:
        """For the next unit; to the pool, if somebody waits there. More than are kept are closed."""
        if connection.invalidated or not self._most:
            connection.close()
        elif len(self._free) >= self._most:
            connection.detach()
            connection.close()
        else:
            self._free.append((connection, time.monotonic()))
            if self._waiting:
                self._hand_over()

    def close(self) -> None:
        """Give all that are free back to the pool."""
        while self._free:
            self._hand_over()

    def _take(self) -> Connection:
        if (connection := self._fresh()) is not None:
            return connection
        with self._lock:
            self._waiting += 1
        try:  # looks again: what was given back before is seen, and who gives back later sees who waits
            return self._fresh() or self._pool.connect()
        finally:
            with self._lock:
                self._waiting -= 1

    def _fresh(self) -> Connection | None:
        """One that need not be tried first; those that are older go to the pool, which tries them."""
        while True:
            try:
                connection, since = self._free.pop()
            except IndexError:
                return None
            if since > self._broken_at and time.monotonic() - since <= engine.MAY_IDLE_S:
                return connection
            connection.info[engine.IDLE_SINCE] = since
            connection.close()

    def _hand_over(self) -> None:
        with suppress(IndexError):  # another thread took it
            self._free.popleft()[0].close()

    def _note_broken(self, *_: Any) -> None:
        self._broken_at = time.monotonic()
