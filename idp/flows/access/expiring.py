"""Accesses that end soon: their holders are told once, while there is time to ask for another."""

from idp.domain.audit import AuditEvent
from idp.flows import letters
from idp.flows.access.asking import TOLD_BEFORE, page_of
from idp.flows.alerts import PROVIDER
from idp.flows.services import Services
from idp.store.held_accesses import BATCH


def tell_expiring(services: Services) -> bool:
    """Tell of those that nobody was told of, a batch a turn; True if it was full. Mark and letter are one unit."""
    now = services.now()
    until = now + TOLD_BEFORE
    with services.db.read() as tx:
        untold = tx.held_accesses.untold(now, until)
    for account_id, client_id in untold:
        with services.db.write() as tx:
            ends = tx.held_accesses.told(account_id, client_id, now, until)
            account, client = tx.accounts.get(account_id), tx.clients.get(client_id)
            if ends is None or account is None or client is None:
                continue
            values = {"service": client.name, "until": ends.isoformat()}
            values["url"] = services.settings.issuer + page_of(client_id)
            letters.tell(services, tx, account, "access_expiring", letters.language(tx, account), **values)
            detail = {"until": ends.isoformat()}
            services.record(tx, AuditEvent("entitlement.expiry_told", PROVIDER, account_id, client_id, detail=detail))
    return len(untold) == BATCH
