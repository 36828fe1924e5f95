"""Counts of attempts, durable: a restart does not give them back."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, Dialect, bindparam, delete, or_, select, update

from idp.domain.throttle import Limit, wait
from idp.store import upsert
from idp.store.prepared import Prepared, Row, Statement
from idp.store.schema import throttle

OF_BUCKET = throttle.c.bucket == bindparam("of")
FIND, LOCK = Prepared(select(throttle).where(OF_BUCKET)), Prepared(select(throttle).where(OF_BUCKET).with_for_update())
WRITE = Prepared(
    update(throttle).where(OF_BUCKET).values(stamps=bindparam("kept"), since_success=bindparam("in_a_row"))
)


def _held(dialect: Dialect) -> Statement:
    """Makes the row, or locks the one that is there, so that nobody clears or purges it before it is counted."""
    fresh = upsert.insert(dialect, throttle).values(bucket=bindparam("of"), stamps=[], since_success=0)
    held = fresh.on_conflict_do_update(index_elements=[throttle.c.bucket], set_={"bucket": bindparam("of")})
    return held.returning(throttle)


HOLD = Prepared(_held)


class Throttle:
    """One row a bucket, locked while it is counted, so that attempts at once are counted one by one."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def take(self, bucket: str, limit: Limit, now: datetime) -> timedelta:
        """Count one attempt; returns zero, or the time to wait, in which case nothing was counted."""
        (row,) = HOLD.all(self._db, {"of": bucket})
        delay = self._wait(row, limit, now)
        if not delay:
            kept = [at.timestamp() for at in _instants(row) if now - at < limit.window] + [now.timestamp()]
            in_a_row = row["since_success"] + 1 if len(kept) > 1 else 1
            WRITE.later(self._db, {"of": bucket, "kept": kept[-limit.most :], "in_a_row": in_a_row})
        return delay

    def delay(self, bucket: str, limit: Limit, now: datetime) -> timedelta:
        """What `take` would answer; counts nothing."""
        row = FIND.first(self._db, {"of": bucket})
        return timedelta(0) if row is None else self._wait(row, limit, now)

    def forgive(self, bucket: str) -> None:
        """The last attempt succeeded: it does not count, and delays start anew. Earlier failures keep counting."""
        row = LOCK.first(self._db, {"of": bucket})
        if row is not None:
            WRITE.later(self._db, {"of": bucket, "kept": row["stamps"][:-1], "in_a_row": 0})

    def clear(self, bucket: str) -> None:
        """Forget the failures of a bucket and of those below it (`bucket:…`): what they were guesses of has changed."""
        below = throttle.c.bucket.startswith(f"{bucket}:", autoescape=True)
        self._db.execute(delete(throttle).where(or_(throttle.c.bucket == bucket, below)))

    @staticmethod
    def _wait(row: Row, limit: Limit, now: datetime) -> timedelta:
        return wait(limit, _instants(row), row["since_success"], now)


def _instants(row: Row) -> list[datetime]:
    return [datetime.fromtimestamp(stamp, UTC) for stamp in row["stamps"]]
