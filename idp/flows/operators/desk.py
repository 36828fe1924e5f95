"""An operator at work."""

from dataclasses import dataclass
from datetime import datetime

from idp.clock import Clock
from idp.domain.account import Account, normalise_login
from idp.domain.audit import AuditEvent
from idp.errors import InvalidOperation
from idp.methods.registry import Registry
from idp.store import Database, Tx


class Obstacle(InvalidOperation):
    """Why something cannot be done. code: by which the console says it in its own words."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(said)
        self.code = code


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

    def own_account(self, tx: Tx) -> Account | None:
        """Of the operator, whose name is all that is known of who runs a command."""
        return tx.accounts.find_by_login(normalise_login(self.operator))

    def is_own(self, operator: Account | None, account: Account) -> bool:
        """Whether an account is that of the operator, as far as names say. operator: `own_account`."""
        is_known = operator is not None and operator.account_id == account.account_id
        return is_known or person_of(self.operator) in {account.login_name, person_of(account.email or "")}


def person_of(name: str) -> str:
    """A login name, or what stands before the "@" of an address without its tag: the same person's everywhere."""
    return normalise_login(name).partition("@")[0].partition("+")[0]
