"""The audit trail: appended to in the transaction of the change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from idp.domain.audit import AuditEvent
from idp.domain.ids import new_id
from idp.store.schema import audit_event


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it was written."""

    at: datetime
    event: AuditEvent
    request_id: str | None


class Audit:
    """Append and read; nothing changes or deletes an event."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def record(self, event: AuditEvent, now: datetime, request_id: str | None = None) -> None:
        self._db.execute(
            insert(audit_event).values(
                event_id=new_id(),
                at=now,
                name=event.name,
                actor=event.actor,
                subject=event.subject,
                client_id=event.client_id,
                outcome=event.outcome,
                detail=dict(event.detail),
                request_id=request_id,
            )
        )

    def latest(self, limit: int, *, name: str | None = None, subject: str | None = None) -> Sequence[Recorded]:
        """Newest first."""
        query = select(audit_event).order_by(audit_event.c.at.desc(), audit_event.c.event_id.desc()).limit(limit)
        if name:
            query = query.where(audit_event.c.name == name)
        if subject:
            query = query.where(audit_event.c.subject == subject)
        return [
            Recorded(
                row.at,
                AuditEvent(row.name, row.actor, row.subject, row.client_id, row.outcome, row.detail),
                row.request_id,
            )
            for row in self._db.execute(query)
        ]
