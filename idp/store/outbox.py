"""Messages to send, written in the transaction of the event that causes them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from idp.domain.ids import new_id
from idp.store.schema import outbox

LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Letter:
    """One message, sealed. `outbox_id` also names it to the mail system: stable over retries."""

    outbox_id: str
    kind: str
    sealed: bytes
    created_at: datetime
    attempts: int
    lease: str


class Outbox:
    """At least once: a letter is leased by one worker, and deleted when it was sent."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, outbox_id: str, kind: str, sealed: bytes, now: datetime) -> None:
        self._db.execute(
            insert(outbox).values(
                outbox_id=outbox_id, kind=kind, sealed=sealed, created_at=now, not_before=now, attempts=0
            )
        )

    def lease_next(self, now: datetime) -> Letter | None:
        """The oldest letter that is due, for this worker alone during two minutes."""
        due = (
            select(outbox)
            .where(outbox.c.not_before <= now, outbox.c.attempts < MAX_ATTEMPTS)
            .order_by(outbox.c.not_before)
            .limit(1)
        )
        row = self._db.execute(due.with_for_update(skip_locked=True)).one_or_none()
        if row is None:
            return None
        lease = new_id()
        changed = self._db.execute(
            update(outbox)
            .where(outbox.c.outbox_id == row.outbox_id, outbox.c.not_before == row.not_before)
            .values(lease=lease, not_before=now + LEASE, attempts=row.attempts + 1)
        )
        if changed.rowcount != 1:
            return None
        return Letter(row.outbox_id, row.kind, row.sealed, row.created_at, row.attempts + 1, lease)

    def done(self, letter: Letter) -> None:
        """Forget a letter that was sent, or that must not be sent."""
        self._db.execute(delete(outbox).where(outbox.c.outbox_id == letter.outbox_id, outbox.c.lease == letter.lease))

    def retry(self, letter: Letter, now: datetime) -> None:
        """Put a letter back, later and later: 10 s, 20 s, 40 s, …"""
        delay = timedelta(seconds=10 * 2 ** (letter.attempts - 1))
        self._db.execute(
            update(outbox)
            .where(outbox.c.outbox_id == letter.outbox_id, outbox.c.lease == letter.lease)
            .values(lease=None, not_before=now + delay)
        )

    def undelivered(self) -> int:
        """How many letters were given up."""
        return len(self._db.execute(select(outbox.c.outbox_id).where(outbox.c.attempts >= MAX_ATTEMPTS)).all())
