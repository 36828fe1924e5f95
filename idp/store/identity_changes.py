"""Changes of what identifies an account, from a proposal to their end."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from idp.domain.identity_change import OPEN, PROPOSAL_LASTS, ChangeState, IdentityChange
from idp.domain.ids import digest
from idp.errors import InvalidOperation
from idp.store.schema import identity_change

COLUMNS = tuple(identity_change.c[name] for name in IdentityChange.__slots__)
BATCH = 100


class IdentityChanges:
    """Every write is a compare-and-set of state and version: of two operators, or two clicks, one counts."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, made: IdentityChange) -> None:
        """Keep a new one. Raises InvalidOperation if the account has an open one of this kind; the unit is then to be
        given up.
        """
        try:
            self._db.execute(insert(identity_change).values({name: getattr(made, name) for name in made.__slots__}))
        except IntegrityError as error:
            raise InvalidOperation(f"another change of {made.kind} is open") from error

    def get(self, change_id: str) -> IdentityChange | None:
        return next(iter(self._find(identity_change.c.change_id == change_id)), None)

    def of_token(self, token: str) -> IdentityChange | None:
        """Whose link this is or was."""
        return next(iter(self._find(identity_change.c.token_digest == digest(token))), None)

    def open_of(self, account_id: str) -> list[IdentityChange]:
        """Those of an account, oldest first."""
        return self._find(identity_change.c.account_id == account_id, _is_open())

    def open_by(self, operator: str) -> list[IdentityChange]:
        """Those that the operator with this account proposed or approved, oldest first."""
        took_part = (identity_change.c.proposed_account == operator) | (identity_change.c.approved_account == operator)
        return self._find(took_part, _is_open())

    def waiting(self, limit: int) -> list[IdentityChange]:
        """Those of all accounts that wait for an operator or for their holder, oldest first."""
        return self._find(_is_open(), limit=limit)

    def count(self, state: ChangeState) -> int:
        return self._db.scalar(select(func.count()).where(identity_change.c.state == state.value)) or 0

    def due(self, now: datetime) -> list[IdentityChange]:
        """At most BATCH that were approved, and whose holder had the time to answer."""
        is_approved = identity_change.c.state == ChangeState.APPROVED.value
        return self._find(is_approved, identity_change.c.due_at <= now, limit=BATCH)

    def stale(self, now: datetime) -> list[IdentityChange]:
        """At most BATCH that nobody decided in time."""
        is_proposed = identity_change.c.state == ChangeState.PROPOSED.value
        return self._find(is_proposed, identity_change.c.proposed_at <= now - PROPOSAL_LASTS, limit=BATCH)

    def approve(
        self,
        known: IdentityChange,
        now: datetime,
        *,
        by: str | None,
        account_id: str | None,
        due_at: datetime,
        told: str | None,
        token: str | None,
    ) -> bool:
        """Let the holder decide from now on; False if it is not as `known` any more."""
        link = {"told": told, "token_digest": digest(token) if token else None}
        who = {"approved_by": by, "approved_account": account_id, "approved_at": now, "due_at": due_at}
        return known.state is ChangeState.PROPOSED and self._write(known, ChangeState.APPROVED, **who, **link)

    def end(self, known: IdentityChange, to: ChangeState, now: datetime, *, by: str, note: str | None = None) -> bool:
        """Bring it to a final state; False if it is not as `known` any more, or had come to one."""
        return known.is_open and self._write(known, to, ended_at=now, ended_by=by, note=note)

    def _write(self, known: IdentityChange, to: ChangeState, **values: Any) -> bool:
        same = (
            identity_change.c.change_id == known.change_id,
            identity_change.c.state == known.state.value,
            identity_change.c.version == known.version,
        )
        moved = {"state": to.value, "version": known.version + 1, **values}
        return self._db.execute(update(identity_change).where(*same).values(moved)).rowcount == 1

    def _find(self, *which: ColumnElement[bool], limit: int | None = None) -> list[IdentityChange]:
        query = select(*COLUMNS).where(*which).order_by(identity_change.c.change_id).limit(limit)
        rows = self._db.execute(query).mappings()
        return [IdentityChange(**{**row, "state": ChangeState(row["state"])}) for row in rows]


def _is_open() -> ColumnElement[bool]:
    return identity_change.c.state.in_([each.value for each in OPEN])
