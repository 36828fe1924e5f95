"""Suspensions of methods, append-only: one that is ended early keeps its row."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, distinct, func, insert, or_, select, update

from idp.domain.suspension import MethodSuspension, Suspensions
from idp.errors import InvalidOperation
from idp.store.meta import Meta
from idp.store.schema import method_suspension as table
from idp.store.schema import session, session_proof


class MethodSuspensions:
    """Which methods are suspended for every client, and were."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def all(self) -> list[MethodSuspension]:
        """Oldest first. Operators record a few a year, so that all are read, also those that are long over."""
        return [_build(row) for row in self._db.execute(select(table).order_by(table.c.began_at, table.c.until))]

    def add(self, new: MethodSuspension) -> None:
        """Raises InvalidOperation if the method is suspended already, and no less long."""
        Meta(self._db).bump_config()  # first: of two at once the second waits here, and then sees the other
        end = Suspensions.of(self.all()).end(new.began_at, new.method)
        if end is not None and end >= new.until:
            raise InvalidOperation(f"{new.method} is suspended already, until {end.isoformat()}")
        self._db.execute(insert(table).values(**asdict(new)))

    def end(self, method: str, now: datetime, by: str) -> list[MethodSuspension]:
        """End those of a method that are in force. Raises InvalidOperation if none is."""
        Meta(self._db).bump_config()
        ended = [each for each in self.all() if each.method == method and each.is_in_force(now)]
        if not ended:
            raise InvalidOperation(f"{method} is not suspended")
        ids = [each.suspension_id for each in ended]
        self._db.execute(update(table).where(table.c.suspension_id.in_(ids)).values(ended_at=now, ended_by=by))
        return ended

    def sessions(self, method: str, now: datetime, idle: timedelta) -> int:
        """How many live sessions have a proof that this method made, alone or as a first factor."""
        proof = session_proof.c.proof
        return (
            self._db.scalar(
                select(func.count(distinct(session.c.session_id)))
                .join(session_proof, session_proof.c.session_id == session.c.session_id)
                .where(session.c.expires_at > now, session.c.ended_at.is_(None), session.c.last_seen_at > now - idle)
                .where(or_(proof["method"].as_string() == method, proof["after"].as_string() == method))
            )
            or 0
        )


def _build(row: Row[Any]) -> MethodSuspension:
    return MethodSuspension(**row._mapping)
