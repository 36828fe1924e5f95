"""Counts of attempts, durable: a restart does not give them back."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, or_, select, update

from idp.domain.throttle import Limit, wait
from idp.store import upsert
from idp.store.schema import throttle


class Throttle:
    """One row a bucket, locked while it is counted, so that attempts at once are counted one by one."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def take(self, bucket: str, limit: Limit, now: datetime) -> timedelta:
        """Count one attempt; returns zero, or the time to wait, in which case nothing was counted."""
        fresh = upsert.insert(self._db, throttle).values(bucket=bucket, stamps=[], since_success=0)
        # Locks the row that is there, so that nobody clears or purges it before it is counted.
        held = fresh.on_conflict_do_update(index_elements=[throttle.c.bucket], set_={"bucket": bucket})
        row = self._db.execute(held.returning(throttle)).one()
        delay = self._wait(row, limit, now)
        if not delay:
            kept = [at.timestamp() for at in _instants(row) if now - at < limit.window] + [now.timestamp()]
            in_a_row = row.since_success + 1 if len(kept) > 1 else 1
            self._db.execute(
                update(throttle)
                .where(throttle.c.bucket == bucket)
                .values(stamps=kept[-limit.most :], since_success=in_a_row)
            )
        return delay

    def delay(self, bucket: str, limit: Limit, now: datetime) -> timedelta:
        """What `take` would answer; counts nothing."""
        row = self._db.execute(select(throttle).where(throttle.c.bucket == bucket)).one_or_none()
        return timedelta(0) if row is None else self._wait(row, limit, now)

    def forgive(self, bucket: str) -> None:
        """The last attempt succeeded: it does not count, and delays start anew. Earlier failures keep counting."""
        row = self._db.execute(select(throttle).where(throttle.c.bucket == bucket).with_for_update()).one_or_none()
        if row is not None:
            self._db.execute(
                update(throttle).where(throttle.c.bucket == bucket).values(stamps=row.stamps[:-1], since_success=0)
            )

    def clear(self, bucket: str) -> None:
        """Forget the failures of a bucket and of those below it (`bucket:…`): what they were guesses of has changed."""
        below = throttle.c.bucket.startswith(f"{bucket}:", autoescape=True)
        self._db.execute(delete(throttle).where(or_(throttle.c.bucket == bucket, below)))

    @staticmethod
    def _wait(row: Row[Any], limit: Limit, now: datetime) -> timedelta:
        return wait(limit, _instants(row), row.since_success, now)


def _instants(row: Row[Any]) -> list[datetime]:
    return [datetime.fromtimestamp(stamp, UTC) for stamp in row.stamps]
