"""Messages to send, written in the transaction of the event that causes them."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, delete, func, insert, literal, or_, select, update

from idp.domain.ids import new_id
from idp.store.schema import client, grant, outbox, session

LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 8
LOGOUT = "logout"
TOLD_FOR = timedelta(hours=12)  # a service's own session seldom outlives ours by more
WAS_GIVEN_UP = and_(outbox.c.attempts >= MAX_ATTEMPTS, outbox.c.lease.is_(None))


@dataclass(frozen=True, slots=True)
class Letter:
    """One message, sealed. `outbox_id` also names it to the mail system: stable over retries.

    A notice of logout is not sealed: it holds identifiers only, and is written where no data key is at hand.
    """

    outbox_id: str
    kind: str
    sealed: bytes
    created_at: datetime
    attempts: int
    lease: str

    @property
    def is_spent(self) -> bool:
        """It was tried as often as it may be; the worker that tried last died of it."""
        return self.attempts > MAX_ATTEMPTS


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A message that is not tried any more, without what it says."""

    outbox_id: str
    kind: str
    created_at: datetime
    attempts: int


class Outbox:
    """At least once: a message is leased by one worker, and deleted when it was sent.

    Two lanes, which do not wait for one another: letters, and notices of logout.
    """

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, outbox_id: str, kind: str, sealed: bytes, now: datetime) -> None:
        row = {"outbox_id": outbox_id, "kind": kind, "sealed": sealed}
        self._db.execute(insert(outbox).values(**row, created_at=now, not_before=now, attempts=0))

    def is_due(self, now: datetime, *, logouts: bool = False) -> bool:
        """True if there may be something to lease. Asked in a unit that reads: an idle worker then locks nothing."""
        return self._db.scalar(select(outbox.c.outbox_id).where(_is_due(now, logouts)).limit(1)) is not None

    def lease_next(self, now: datetime, *, logouts: bool = False) -> Letter | None:
        """The oldest letter, or notice of logout, that is due: for this worker alone during two minutes.

        Those of one instant go out in the order in which they were written.
        """
        oldest = outbox.c.not_before, outbox.c.outbox_id
        due = select(outbox).where(_is_due(now, logouts)).order_by(*oldest).limit(1)
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

    def retry(self, letter: Letter, now: datetime) -> bool:
        """Put a letter back, later and later: 10 s, 20 s, 40 s, … False if that was the last try: it is given up."""
        delay = timedelta(seconds=10 * 2 ** (letter.attempts - 1))
        held = self._put_back(letter, not_before=now + delay)
        return not (held and letter.attempts >= MAX_ATTEMPTS)

    def postpone(self, letter: Letter, until: datetime) -> None:
        """Put a letter back that was not tried."""
        self._put_back(letter, not_before=until, attempts=letter.attempts - 1)

    def give_up(self, letter: Letter) -> bool:
        """Try no more; the row stays until it is purged. False if another worker has the letter."""
        return self._put_back(letter, attempts=max(letter.attempts, MAX_ATTEMPTS))

    def _put_back(self, letter: Letter, **values: Any) -> bool:
        changed = self._db.execute(
            update(outbox)
            .where(outbox.c.outbox_id == letter.outbox_id, outbox.c.lease == letter.lease)
            .values(lease=None, **values)
        )
        return changed.rowcount == 1

    def waiting(self) -> int:
        """How many messages are still to be sent."""
        return self._count(or_(outbox.c.attempts < MAX_ATTEMPTS, outbox.c.lease.is_not(None)))

    def undelivered(self) -> int:
        """How many messages were given up."""
        return self._count(WAS_GIVEN_UP)

    def given_up(self) -> list[GivenUp]:
        """The messages that were given up, oldest first."""
        found = select(*(outbox.c[name] for name in GivenUp.__slots__)).where(WAS_GIVEN_UP)
        rows = self._db.execute(found.order_by(outbox.c.created_at, outbox.c.outbox_id))
        return [GivenUp(**row._mapping) for row in rows]

    def take_up(self, outbox_ids: Collection[str] | None, now: datetime) -> list[str]:
        """Try these messages that were given up again, or all of them, from the first try on; those that were found.

        A notice of logout counts as new, or it would be too late at once; a letter keeps its age, for its code may be
        dead.
        """
        which = WAS_GIVEN_UP if outbox_ids is None else and_(WAS_GIVEN_UP, outbox.c.outbox_id.in_(outbox_ids))
        age = case((outbox.c.kind == LOGOUT, literal(now, outbox.c.created_at.type)), else_=outbox.c.created_at)
        again = update(outbox).where(which).values(attempts=0, not_before=now, created_at=age)
        return list(self._db.scalars(again.returning(outbox.c.outbox_id)))

    def _count(self, which: Any) -> int:
        return self._db.scalar(select(func.count()).select_from(outbox).where(which)) or 0


def _is_due(now: datetime, logouts: bool) -> ColumnElement[bool]:
    is_open = or_(outbox.c.attempts < MAX_ATTEMPTS, outbox.c.lease.is_not(None))
    return and_(outbox.c.kind == LOGOUT if logouts else outbox.c.kind != LOGOUT, outbox.c.not_before <= now, is_open)


@dataclass(frozen=True, slots=True)
class Logout:
    """A service to tell that a session has ended (OIDC Back-Channel Logout 1.0)."""

    client_id: str
    account_id: str
    session_id: str

    def to_bytes(self) -> bytes:
        return json.dumps({name: getattr(self, name) for name in self.__slots__}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Logout":
        return cls(**json.loads(data))


def put_logouts(connection: Connection, session_ids: Collection[str], now: datetime) -> None:
    """A notice for each service that was given something in these sessions, and wants to be told.

    Whether that was revoked meanwhile does not matter: the person may still be signed in there.
    """
    if not session_ids:
        return
    told = (
        select(grant.c.client_id, session.c.account_id, session.c.session_id)
        .join(session, session.c.session_id == grant.c.session_id)
        .join(client, client.c.client_id == grant.c.client_id)
        .where(
            session.c.session_id.in_(session_ids),
            session.c.expires_at > now - TOLD_FOR,
            grant.c.redeemed_at.is_not(None),
            client.c.backchannel_logout_uri.is_not(None),
        )
        .distinct()
    )
    box = Outbox(connection)
    for row in connection.execute(told).all():
        box.put(new_id(), LOGOUT, Logout(*row).to_bytes(), now)
