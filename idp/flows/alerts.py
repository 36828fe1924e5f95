"""Alerts: written with the change that they speak of, and mailed to support."""

from idp.domain.alert import Alert
from idp.domain.audit import AuditEvent
from idp.domain.ids import new_id
from idp.flows import letters
from idp.flows.services import Services
from idp.store import Tx

PROVIDER = "provider"  # who acts when nobody asked


def raise_alert(services: Services, tx: Tx, kind: str, /, *, account_id: str | None = None, **detail: str) -> None:
    """Tell support, once an hour for the same thing. The last thing that a unit does. kind: one of `KINDS`.

    detail: short facts without personal values; `domain.alert.ABOUT` says which of them tell what it is about.
    """
    new = Alert(new_id(), kind, services.now(), account_id, detail)
    if not tx.alerts.add(new):
        return
    facts = {"kind": kind, "alert": new.alert_id}
    services.record(tx, AuditEvent("alert.raised", PROVIDER, account_id, detail.get("client_id"), detail=facts))
    if support_address(services):
        letters.put(services, tx, "alert", {"alert_id": new.alert_id})


def support_address(services: Services) -> str | None:
    """Who is mailed alerts, if anybody."""
    return services.settings.mail.alerts_to or services.settings.brand.support_email
