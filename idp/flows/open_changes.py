"""Open changes of what identifies an account: noted, and ended by whatever is decided of it meanwhile."""

from collections.abc import Collection
from datetime import datetime

from idp.domain.audit import AuditEvent
from idp.domain.identity_change import KINDS, ChangeState, IdentityChange
from idp.store import Tx


def cancel(tx: Tx, account_id: str, actor: str, now: datetime, reason: str, *, kinds: Collection[str] = KINDS) -> None:
    """Nothing that was begun for this account goes on, for something else was decided of it. The account is locked."""
    for change in tx.identity_changes.open_of(account_id):
        if change.kind in kinds:
            _cancel(tx, change, actor, now, reason)


def cancel_of_operator(tx: Tx, operator: str, actor: str, now: datetime) -> None:
    """Nothing goes on that an operator, by their account, had a part in while they might."""
    for change in tx.identity_changes.open_by(operator):
        _cancel(tx, change, actor, now, "operator_role")


def _cancel(tx: Tx, change: IdentityChange, actor: str, now: datetime, reason: str) -> None:
    if tx.identity_changes.end(change, ChangeState.CANCELLED, now, by=actor, note=reason):
        record(tx, change, "identity_change.cancelled", actor, now, reason=reason)


def record(tx: Tx, change: IdentityChange, name: str, actor: str, now: datetime, **facts: str) -> None:
    """An audit event about a change; what it gives stands beside it."""
    detail = {"change": change.change_id, "kind": change.kind, **facts}
    tx.audit.record(AuditEvent(name, actor, change.account_id, detail=detail, personal={"value": change.value}), now)
