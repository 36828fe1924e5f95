"""Alerts, from when they are raised until an operator closes them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, func, insert, select, update

from idp.domain.alert import NOT_ME, RAISED_AGAIN_AFTER, Alert
from idp.errors import InvalidOperation
from idp.store.schema import alert


class Alerts:
    """At most one open alert an hour for the same thing."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, new: Alert) -> bool:
        """False, and nothing is written, if the same was raised within the hour and is open.

        The last thing that a unit does: those that raise the same kind wait for one another.
        """
        if self._db.dialect.name == "postgresql":
            self._db.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"alert:{new.kind}"))))
        about = alert.c.kind == new.kind, alert.c.account_id.is_not_distinct_from(new.account_id)
        recent = self._find(*about, alert.c.closed_at.is_(None), alert.c.at > new.at - RAISED_AGAIN_AFTER)
        if any(new.is_same(other) for other in recent):
            return False
        values = {name: getattr(new, name) for name in alert.c.keys()}  # noqa: SIM118
        self._db.execute(insert(alert).values({**values, "detail": dict(new.detail)}))
        return True

    def get(self, alert_id: str) -> Alert | None:
        return next(iter(self._find(alert.c.alert_id == alert_id)), None)

    def latest(self, limit: int, *, closed: bool = False) -> Sequence[Alert]:
        """Open ones, or with `closed` all of them; newest first."""
        which = [] if closed else [alert.c.closed_at.is_(None)]
        return self._find(*which, limit=limit)

    def of_account(self, account_id: str, kind: str) -> Sequence[Alert]:
        """Open and closed ones."""
        return self._find(alert.c.account_id == account_id, alert.c.kind == kind)

    def mailbox_is_closed(self, account_id: str) -> bool:
        """True while support has not yet heard a holder who said « it was not me »: the mailbox may be another's."""
        query = select(alert.c.alert_id).where(
            alert.c.account_id == account_id, alert.c.kind == NOT_ME, alert.c.closed_at.is_(None)
        )
        return self._db.scalar(query.limit(1)) is not None

    def close(self, alert_id: str, by: str, note: str, now: datetime) -> Alert:
        """The alert as it is then; `note` goes into its detail. Raises InvalidOperation if it is unknown or closed."""
        found = self.get(alert_id)
        if found is None:
            raise InvalidOperation(f"{alert_id}: no such alert")
        closed = self._db.execute(
            update(alert)
            .where(alert.c.alert_id == alert_id, alert.c.closed_at.is_(None))
            .values(closed_at=now, closed_by=by, detail={**found.detail, "note": note})
        )
        if closed.rowcount != 1:
            raise InvalidOperation(f"{alert_id}: closed by {found.closed_by}")
        return found

    def _find(self, *which: ColumnElement[bool], limit: int | None = None) -> list[Alert]:
        query = select(alert).where(*which).order_by(alert.c.at.desc(), alert.c.alert_id.desc()).limit(limit)
        return [_build(row) for row in self._db.execute(query)]


def _build(row: Row[Any]) -> Alert:
    return Alert(**row._mapping)
