"""Methods suspended for every service at once, when there is something wrong with them."""

from dataclasses import dataclass
from datetime import datetime

from idp.domain.client import Client
from idp.domain.ids import new_id
from idp.domain.policy import Policy, able, in_force
from idp.domain.suspension import LONGEST, MAX_REASON, MethodSuspension, Suspensions
from idp.errors import InvalidOperation
from idp.flows.operators.desk import Desk
from idp.store import Tx


class ClosesConsole(InvalidOperation):
    """Nobody could enter the console any more, and end the suspension there."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What a suspension does to one service. is_closed: no way in is left that does for its policy."""

    client: Client
    is_closed: bool


def suspend(desk: Desk, method_id: str, *, until: datetime, reason: str, spares: str | None = None) -> MethodSuspension:
    """From now on, for every service; longer, if the method is suspended already.

    spares: a service that must keep a way in, which an emergency code is not. Raises ClosesConsole if it would not;
    InvalidOperation for an unknown method, an end that is past, too far, or no later than it is anyway, and a reason
    that is none.
    """
    why, now = " ".join(reason.split()), desk.now()
    if method_id not in desk.registry:
        raise InvalidOperation(f"{method_id}: no such method")
    if not now < until <= now + LONGEST:
        raise InvalidOperation(f"a suspension ends at an instant to come, in {LONGEST.days} days at most")
    if not why or len(why) > MAX_REASON or not why.isprintable():
        raise InvalidOperation(f"a reason has 1 to {MAX_REASON} characters that can be printed")
    made = MethodSuspension(new_id(), method_id, now, until, why, desk.operator)
    with desk.db.write() as tx:
        tx.method_suspensions.add(made)
        if any(each.is_closed and each.client.client_id == spares for each in effects(desk, tx, method_id, spares)):
            raise ClosesConsole(f"{spares} would have no method left")
        detail = {"method": method_id, "suspension": made.suspension_id, "until": until.isoformat(), "reason": why}
        desk.record(tx, "method.suspended", **detail)
    return made


def restore(desk: Desk, method_id: str) -> None:
    """End the suspension of a method now. Raises InvalidOperation if there is none."""
    with desk.db.write() as tx:
        ended = tx.method_suspensions.end(method_id, desk.now(), desk.operator)
        ids = " ".join(each.suspension_id for each in ended)
        desk.record(tx, "method.restored", method=method_id, suspension=ids)


def effects(desk: Desk, tx: Tx, method_id: str, spares: str | None = None) -> list[Effect]:
    """The enabled services that lose a way in while this method is suspended, with what is suspended besides. spares:
    as for `suspend`.
    """
    now, found = desk.now(), Suspensions.of(tx.method_suspensions.all())
    with_it = Suspensions({**found.ends, method_id: max(now + LONGEST, found.ends.get(method_id, now))})
    made = []
    for client in tx.clients.all():
        policy = in_force(tx.policies.of(client.client_id), now) if client.enabled else None
        left = policy.within(desk.registry.only_after).under(with_it, now) if policy else None
        if left and any(method_id in (entry.id, entry.after) for entry, _ in left.suspended):
            made.append(Effect(client, is_closed=not _has_way(desk, left, for_good=client.client_id == spares)))
    return made


def _has_way(desk: Desk, policy: Policy, *, for_good: bool) -> bool:
    left = able(policy.methods, policy.min_assurance, desk.registry.reach)
    return not all(for_good and desk.registry[entry.id].is_temporary for entry in left)
