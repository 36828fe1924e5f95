"""What people consented to, by client."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from idp.store import upsert
from idp.store.schema import consent


@dataclass(frozen=True, slots=True)
class Consent:
    """What one account lets one client have."""

    client_id: str
    scopes: tuple[str, ...]
    given_at: datetime


class Consents:
    """One row for an account and a client: every scope that was agreed to, until it is withdrawn."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def scopes(self, account_id: str, client_id: str) -> frozenset[str]:
        """The scopes that this account agreed to, none if it was never asked."""
        query = select(consent.c.scopes).where(consent.c.account_id == account_id, consent.c.client_id == client_id)
        return frozenset(self._db.scalar(query) or ())

    def of(self, account_id: str) -> list[Consent]:
        """All of one account, by client."""
        query = select(consent).where(consent.c.account_id == account_id).order_by(consent.c.client_id)
        return [Consent(row.client_id, tuple(row.scopes), row.given_at) for row in self._db.execute(query)]

    def give(self, account_id: str, client_id: str, scopes: frozenset[str], now: datetime) -> None:
        """Add to what was agreed to before."""
        pair = {"account_id": account_id, "client_id": client_id}
        together = sorted(scopes | self.scopes(**pair))
        upsert.replace(self._db, consent, **pair, scopes=together, given_at=now)

    def withdraw(self, account_id: str, client_id: str) -> bool:
        """Forget what was agreed to; False if there was nothing."""
        gone = self._db.execute(
            delete(consent).where(consent.c.account_id == account_id, consent.c.client_id == client_id)
        )
        return gone.rowcount == 1
