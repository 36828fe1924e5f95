"""Dated policies, append-only."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from idp.domain.authn import Assurance
from idp.domain.policy import MethodEntry, Policy
from idp.errors import InvalidOperation
from idp.store.meta import Meta
from idp.store.schema import policy


class Policies:
    """What each client accepts, from which instant on."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def of(self, client_id: str) -> list[Policy]:
        """All of one client, the cancelled ones too, oldest first."""
        query = select(policy).where(policy.c.client_id == client_id).order_by(policy.c.effective_from)
        return [_build(row) for row in self._db.execute(query)]

    def add(self, new: Policy) -> None:
        """Raises InvalidOperation if the client has a policy for that very instant."""
        try:
            self._db.execute(
                insert(policy).values(
                    policy_id=new.policy_id,
                    client_id=new.client_id,
                    effective_from=new.effective_from,
                    methods=[{"id": e.id, "after": e.after, "options": dict(e.options)} for e in new.methods],
                    min_assurance=new.min_assurance.name,
                    max_age_s=None if new.max_age is None else int(new.max_age.total_seconds()),
                    notice=new.notice,
                    created_by=new.created_by,
                    created_at=new.created_at,
                    reason=new.reason,
                )
            )
        except IntegrityError as error:
            raise InvalidOperation("the client has a policy from that instant on already") from error
        Meta(self._db).bump_config()

    def cancel(self, policy_id: str, now: datetime) -> Policy:
        """Cancel a policy that is not yet in force. Raises InvalidOperation otherwise."""
        changed = self._db.execute(
            update(policy)
            .where(policy.c.policy_id == policy_id, policy.c.effective_from > now, policy.c.cancelled_at.is_(None))
            .values(cancelled_at=now)
        )
        if changed.rowcount != 1:
            raise InvalidOperation("only a policy that is still to come can be cancelled")
        Meta(self._db).bump_config()
        return _build(self._db.execute(select(policy).where(policy.c.policy_id == policy_id)).one())


def _build(row: Row[Any]) -> Policy:
    return Policy(
        policy_id=row.policy_id,
        client_id=row.client_id,
        effective_from=row.effective_from,
        methods=tuple(MethodEntry(e["id"], e["after"], e["options"]) for e in row.methods),
        min_assurance=Assurance[row.min_assurance],
        max_age=None if row.max_age_s is None else timedelta(seconds=row.max_age_s),
        notice=row.notice,
        created_by=row.created_by,
        created_at=row.created_at,
        reason=row.reason,
        cancelled_at=row.cancelled_at,
    )
