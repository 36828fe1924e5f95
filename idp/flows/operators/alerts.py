"""Alerts, as support handles them."""

from idp.errors import InvalidOperation
from idp.flows.operators.desk import Desk


def close(desk: Desk, alert_id: str, note: str) -> None:
    """Close an alert; after account.not_me, the holder's mailbox lets them in again. Raises InvalidOperation."""
    if not note.strip():
        raise InvalidOperation("a note is needed: what was found, and done")
    with desk.db.write() as tx:
        alert = tx.alerts.close(alert_id, desk.actor, note, desk.now())
        client_id = alert.detail.get("client_id")
        desk.record(
            tx,
            "alert.closed",
            subject=alert.account_id,
            client_id=client_id,
            kind=alert.kind,
            alert=alert_id,
            note=note,
        )
