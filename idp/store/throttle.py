"""Counts of attempts, durable: a restart does not give them back."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, or_, select, update

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
        self._db.execute(fresh.on_conflict_do_nothing())
        row = self._db.execute(select(throttle).where(throttle.c.bucket == bucket).with_for_update()).one()
        stamps = [datetime.fromtimestamp(stamp, UTC) for stamp in row.stamps]
        delay = wait(limit, stamps, row.since_success, now)
        if not delay:
            kept = [at.timestamp() for at in stamps if now - at < limit.window] + [now.timestamp()]
            in_a_row = row.since_success + 1 if len(kept) > 1 else 1
            self._db.execute(
                update(throttle)
                .where(throttle.c.bucket == bucket)
                .values(stamps=kept[-limit.most :], since_success=in_a_row)
            )
        return delay

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
