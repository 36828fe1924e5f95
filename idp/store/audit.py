"""The audit trail: appended to in the transaction of the change, and sealed afterwards."""

import secrets
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from idp.domain.audit import AuditEvent
from idp.domain.audit_chain import LATE, Recorded, Seal, personal_digest
from idp.domain.ids import new_id
from idp.errors import InvalidOperation
from idp.store import bulk
from idp.store.prepared import Prepared
from idp.store.schema import audit_event, audit_personal, audit_seal

PAGE = 1000
APPEND, APPEND_PERSONAL = Prepared(insert(audit_event)), Prepared(insert(audit_personal))


@dataclass(frozen=True, slots=True)
class Sought:
    """What events are looked for: those of which all that is given is true.

    clients: of these services alone, and of none if it is empty. until: the first instant that is too late.
    before: id of the last event of the page before.
    """

    name: str = ""
    actor: str = ""
    subject: str = ""
    outcome: str = ""
    clients: Collection[str] | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: str = ""


class Audit:
    """Append, seal and read; nothing changes or deletes an event."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def record(self, event: AuditEvent, now: datetime, request_id: str | None = None) -> None:
        """Append an event; its personal values go to a row beside it, which may be purged and the chain still holds."""
        event_id, salt = new_id(), secrets.token_hex(16)
        kept = personal_digest(salt, event.personal) if event.personal else None
        APPEND.later(
            self._db, {**_row(event, now), "event_id": event_id, "request_id": request_id, "personal_digest": kept}
        )
        if event.personal:
            APPEND_PERSONAL.later(self._db, {"event_id": event_id, "salt": salt, "values": dict(event.personal)})

    def record_all(self, events: Collection[AuditEvent], now: datetime) -> None:
        """Append many events without personal values, in one statement."""
        bulk.put(self._db, audit_event, [_row(event, now) for event in events])

    def latest(self, limit: int, *, name: str | None = None, subject: str | None = None) -> Sequence[Recorded]:
        """Newest first, with the personal values that are still there."""
        query = (
            select(audit_event, audit_personal.c["values"])
            .join(audit_personal, isouter=True)
            .order_by(audit_event.c.at.desc(), audit_event.c.event_id.desc())
            .limit(limit)
        )
        if name:
            query = query.where(audit_event.c.name == name)
        if subject:
            query = query.where(audit_event.c.subject == subject)
        return [_recorded(row) for row in self._db.execute(query)]

    def search(self, sought: Sought, limit: int) -> Sequence[Recorded]:
        """Newest first, without personal values."""
        query = select(audit_event).order_by(audit_event.c.at.desc(), audit_event.c.event_id.desc()).limit(limit)
        for name in ("name", "actor", "subject", "outcome"):
            if value := getattr(sought, name):
                query = query.where(audit_event.c[name] == value)
        if sought.clients is not None:
            query = query.where(audit_event.c.client_id.in_(sorted(sought.clients)))
        if sought.since:
            query = query.where(audit_event.c.at >= sought.since)
        if sought.until:
            query = query.where(audit_event.c.at < sought.until)
        if sought.before:
            last = select(audit_event.c.at, audit_event.c.event_id).where(audit_event.c.event_id == sought.before)
            found = self._db.execute(last).one_or_none()
            if found:
                same = (audit_event.c.at == found.at) & (audit_event.c.event_id < found.event_id)
                query = query.where((audit_event.c.at < found.at) | same)
        return [_recorded(row) for row in self._db.execute(query)]

    def forget_personal(self, before: datetime, *, limit: int = PAGE) -> int:
        """Delete the personal values of events before this instant; returns how many. The chain stays valid."""
        old = (
            select(audit_personal.c.event_id).join(audit_event).where(audit_event.c.at < before).limit(limit).subquery()
        )
        gone = self._db.execute(delete(audit_personal).where(audit_personal.c.event_id.in_(select(old.c.event_id))))
        return gone.rowcount

    def forget_personal_of(self, subject: str) -> int:
        """Delete the personal values of all events about one account; returns how many. The chain stays valid."""
        theirs = select(audit_event.c.event_id).where(audit_event.c.subject == subject)
        return self._db.execute(delete(audit_personal).where(audit_personal.c.event_id.in_(theirs))).rowcount

    # -- the chain -----------------------------------------------------------------

    def last_seal(self) -> Seal | None:
        query = select(audit_seal).where(audit_seal.c.number > 0).order_by(audit_seal.c.number.desc()).limit(1)
        row = self._db.execute(query).one_or_none()
        return None if row is None else Seal(row.number, row.event_id, row.chain, row.sealed_at)

    def unsealed(self, limit: int = PAGE) -> Sequence[Recorded]:
        """Committed events that have no seal yet, oldest first; not those that came too late, see `late`."""
        query = self._without_seal(audit_event).where(audit_event.c.at >= self._floor())
        rows = self._db.execute(query.order_by(audit_event.c.at, audit_event.c.event_id).limit(limit))
        return [_recorded(row) for row in rows]

    def unsealed_count(self) -> int:
        """How many events wait for their seal."""
        query = self._without_seal(func.count()).where(audit_event.c.at >= self._floor())
        return self._db.scalar(query.select_from(audit_event)) or 0

    def late(self) -> Sequence[Recorded]:
        """Events without a seal whose instant is long before the last sealed event: nothing of ours writes such."""
        query = self._without_seal(audit_event).where(audit_event.c.at < self._floor())
        return [_recorded(row) for row in self._db.execute(query.order_by(audit_event.c.at))]

    def late_count(self) -> int:
        """How many `late` there are; reads the whole trail."""
        query = self._without_seal(func.count()).where(audit_event.c.at < self._floor())
        return self._db.scalar(query.select_from(audit_event)) or 0

    def seal(self, seals: Sequence[Seal]) -> None:
        """Keep seals. Raises InvalidOperation if another sealer was first."""
        try:
            self._db.execute(insert(audit_seal), [asdict(seal) for seal in seals])
        except IntegrityError as error:
            raise InvalidOperation("the audit was sealed by another process meanwhile") from error

    def chained(self) -> Iterator[tuple[Seal, Recorded | None]]:
        """Every seal by number, those that no sealer makes too, with its event, None for one that is gone."""
        own = (audit_seal.c.number, audit_seal.c.chain, audit_seal.c.sealed_at)
        query = (
            select(*own, audit_seal.c.event_id.label("sealed_id"), audit_event)
            .join(audit_event, isouter=True)
            .order_by(audit_seal.c.number)
            .limit(PAGE)
        )
        rows = self._db.execute(query).all()
        while rows:
            for row in rows:
                seal = Seal(row.number, row.sealed_id, row.chain, row.sealed_at)
                yield seal, None if row.event_id is None else _recorded(row)
            rows = self._db.execute(query.where(audit_seal.c.number > rows[-1].number)).all()

    def personal_rows(self) -> Iterator[tuple[str, str | None, str, dict[str, str]]]:
        """event_id, the digest in the event, salt and values: of the personal values that are still there."""
        query = select(
            audit_personal.c.event_id, audit_event.c.personal_digest, audit_personal.c.salt, audit_personal.c["values"]
        ).join(audit_event)
        for row in self._db.execute(query.execution_options(yield_per=PAGE)):
            yield tuple(row)

    def _floor(self) -> datetime:
        """By the last seal alone, which is soon looked up; who walks this back turn by turn is shown by `Verifier`."""
        columns = (audit_event.c.at, audit_seal.c.sealed_at)
        newest = select(*columns).join(audit_seal).order_by(audit_seal.c.number.desc()).limit(1)
        found = self._db.execute(newest).one_or_none()
        # The earlier: an event whose instant is to come, of a wrong clock or a forger, must not hide those of today.
        return min(found) - LATE if found else datetime.fromtimestamp(0, UTC)

    @staticmethod
    def _without_seal(*what: Any) -> Select[Any]:
        sealed = select(audit_seal.c.number).where(audit_seal.c.event_id == audit_event.c.event_id)
        return select(*what).where(~sealed.exists())


def _recorded(row: Row[Any]) -> Recorded:
    personal = row._mapping.get("values") or {}
    event = AuditEvent(row.name, row.actor, row.subject, row.client_id, row.outcome, row.detail, personal)
    return Recorded(row.event_id, row.at, event, row.request_id, row.personal_digest)


def _row(event: AuditEvent, now: datetime) -> dict[str, Any]:
    """An event without personal values, of no request."""
    return {
        "event_id": new_id(),
        "at": now,
        "name": event.name,
        "actor": event.actor,
        "subject": event.subject,
        "client_id": event.client_id,
        "outcome": event.outcome,
        "detail": dict(event.detail),
        "request_id": None,
        "personal_digest": None,
    }
