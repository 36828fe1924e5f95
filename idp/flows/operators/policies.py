"""Dated policies, as service owners manage them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from idp.domain.authn import Assurance
from idp.domain.ids import new_id
from idp.domain.policy import Policy
from idp.errors import InvalidOperation
from idp.flows.operators.desk import Desk
from idp.store import Tx


def add(
    desk: Desk,
    tx: Tx,
    client_id: str,
    methods: Sequence[str],
    *,
    effective_from: datetime | None = None,
    min_assurance: Assurance = Assurance.LOW,
    max_age: timedelta | None = None,
    notice: str | None = None,
    reason: str = "",
) -> Policy:
    """Record a policy from now, or from an instant to come, on. `methods`: as Registry.entry reads them.

    Raises InvalidOperation: an unknown client or method, a past instant, a policy that nobody could satisfy.
    """
    now = desk.now()
    if tx.clients.get(client_id) is None:
        raise InvalidOperation(f"{client_id}: no such client")
    if effective_from is not None and effective_from < now:
        raise InvalidOperation("a policy cannot begin in the past")
    policy = Policy(
        policy_id=new_id(),
        client_id=client_id,
        effective_from=effective_from or now,
        methods=tuple(desk.registry.entry(text) for text in methods),
        min_assurance=min_assurance,
        max_age=max_age,
        notice=notice,
        created_by=desk.operator,
        created_at=now,
        reason=reason,
    )
    problems = desk.registry.problems(policy)
    if problems:
        raise InvalidOperation("; ".join(problems))
    tx.policies.add(policy)
    desk.record(
        tx,
        "policy.created",
        client_id=client_id,
        methods=" ".join(methods),
        effective_from=policy.effective_from.isoformat(),
        min_assurance=min_assurance.name,
        reason=reason,
    )
    return policy


def cancel(desk: Desk, policy_id: str) -> None:
    """Cancel a policy that is still to come. Raises InvalidOperation otherwise."""
    with desk.db.write() as tx:
        policy = tx.policies.cancel(policy_id, desk.now())
        desk.record(tx, "policy.cancelled", client_id=policy.client_id, policy=policy_id)
