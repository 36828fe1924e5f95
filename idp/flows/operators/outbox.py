"""Messages that were given up, as operators put them back."""

from collections.abc import Collection

from idp.errors import InvalidOperation
from idp.flows.operators.desk import Desk


def retry(desk: Desk, outbox_ids: Collection[str] | None) -> int:
    """Try messages again, all that were given up if None; returns how many.

    All of those that are named or none: raises InvalidOperation for one that was not given up.
    """
    with desk.db.write() as tx:
        found = tx.outbox.take_up(outbox_ids, desk.now())
        strange = sorted(set(outbox_ids or ()) - set(found))
        if strange:
            raise InvalidOperation(f"{', '.join(strange)}: no such message was given up; nothing was put back")
        if found:
            desk.record(tx, "outbox.retried", messages=len(found))
    return len(found)
