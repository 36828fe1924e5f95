"""An operator at work."""

from dataclasses import dataclass
from datetime import datetime

from idp.clock import Clock
from idp.domain.account import Account, normalise_login
from idp.domain.audit import AuditEvent
from idp.errors import InvalidOperation
from idp.methods.registry import Registry
from idp.store import Database, Tx


@dataclass(frozen=True, slots=True)
class Desk:
    """Who acts, and on what. `operator` is the name that the audit keeps."""

    db: Database
    clock: Clock
    registry: Registry
    operator: str

    def now(self) -> datetime:
        return self.clock.now()

    @property
    def actor(self) -> str:
        return f"operator:{self.operator}"

    def record(self, tx: Tx, event_name: str, /, **facts: object) -> None:
        """Write an audit event; `subject` and `client_id` are its own fields, the rest is detail."""
        tx.audit.record(self.event(event_name, **facts), self.now())

    def event(self, event_name: str, /, **facts: object) -> AuditEvent:
        """An audit event of this operator's, see `record`."""
        subject, client_id = facts.pop("subject", None), facts.pop("client_id", None)
        detail = {key: str(value) for key, value in facts.items() if value not in (None, "")}
        return AuditEvent(
            event_name,
            self.actor,
            str(subject) if subject else None,
            str(client_id) if client_id else None,
            detail=detail,
        )

    def account(self, tx: Tx, login: str) -> Account:
        """Raises InvalidOperation if nobody has this login name or verified e-mail address."""
        account = tx.accounts.find_by_login(normalise_login(login))
        if account is None:
            raise InvalidOperation(f"{login}: no such account")
        return account
