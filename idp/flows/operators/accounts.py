"""Accounts and entitlements, as operators manage them. No operator chooses a password (ASVS 6.4.6)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from idp.domain.account import Account, AccountStatus
from idp.domain.enrolled import ENROLLED_KINDS
from idp.domain.ids import new_id
from idp.errors import InvalidOperation
from idp.flows import consents, open_changes
from idp.flows.operators.desk import Desk
from idp.flows.operators.newcomers import bring_in, require, sound
from idp.store import Tx


def create(desk: Desk, tx: Tx, data: Mapping[str, str], profile: Mapping[str, Any] | None = None) -> Account:
    """An account without a password; its holder chooses one by « Mot de passe oublié ? ».

    data: `login`, `given_name`, `family_name`; `email` (verified by whoever imports it), `rpps`, `civility`,
    `services` (client_ids, separated by spaces) where known. Raises InvalidOperation.
    """
    newcomer = sound(data)
    is_free = not tx.imports.taken(newcomer.refs)
    require(is_free, f"{newcomer.login}: the login name or an identifier is already in use")
    for client_id in newcomer.services:
        require(tx.clients.get(client_id), f"{client_id}: no such client")
    now = desk.now()
    made = newcomer.account(new_id(), now, profile)
    bring_in(desk, tx, [(made, newcomer)], now)
    return made


class IsOperatorError(InvalidOperation):
    """The account has a role in the console: one operator does not decide of another."""


def set_status(
    desk: Desk,
    login: str,
    status: AccountStatus,
    reason: str,
    *,
    before: AccountStatus | None = None,
    spares_operators: bool = False,
) -> None:
    """Activate, suspend or close an account; what is not active has no session and no grant.

    before: what it must be for that. Raises InvalidOperation where somebody else was faster; with spares_operators,
    IsOperatorError for an account that has any role in the console.
    """
    with desk.db.write() as tx:
        tx.accounts.lock(desk.account(tx, login).account_id)
        account = desk.account(tx, login)
        if before not in (None, account.status):
            raise InvalidOperation(f"{login}: the account is {account.status}")
        if spares_operators and tx.operator_roles.of(account.account_id):
            raise IsOperatorError(f"{login} is an operator")
        tx.accounts.set_status(account.account_id, status, desk.now())
        if status is not AccountStatus.ACTIVE:
            tx.sessions.end_all(account.account_id, desk.now())
            tx.emergency_codes.revoke(account.account_id, desk.now())
            open_changes.cancel(tx, account.account_id, desk.actor, desk.now(), status.value)
        if status is AccountStatus.CLOSED:
            tx.practices.remove(account.account_id)
            tx.means.revoke_kinds(account.account_id, ENROLLED_KINDS, desk.now())
            tx.passkeys.drop_handle(account.account_id)
            tx.operator_roles.revoke_all(account.account_id)
        desk.record(tx, "account.status_changed", subject=account.account_id, status=status.value, reason=reason)


def end_sessions(desk: Desk, login: str, reason: str) -> int:
    """End every session and grant of an account, which stays as it is; returns how many sessions."""
    with desk.db.write() as tx:
        account = desk.account(tx, login)
        tx.accounts.lock(account.account_id)  # a login that is under way has its session before, or comes after
        ended = tx.sessions.end_all(account.account_id, desk.now())
        desk.record(tx, "session.ended", subject=account.account_id, sessions=ended, reason=reason)
    return ended


def confirm_password(desk: Desk, login: str, reason: str) -> None:
    """The holder of a password that was set through the mailbox was identified by other means (face to face, …)."""
    with desk.db.write() as tx:
        account = desk.account(tx, login)
        if not tx.accounts.confirm_password(account.account_id):
            raise InvalidOperation(f"{login}: there is no password to confirm")
        desk.record(tx, "password.confirmed", subject=account.account_id, reason=reason)


def entitle(desk: Desk, tx: Tx, account: Account, client_id: str, expires_at: datetime | None = None) -> None:
    """Give an account access to a service. Raises InvalidOperation for an unknown service."""
    if tx.clients.get(client_id) is None:
        raise InvalidOperation(f"{client_id}: no such client")
    tx.accounts.grant(account.account_id, client_id, desk.actor, desk.now(), expires_at)
    until = expires_at.isoformat() if expires_at else None
    desk.record(tx, "entitlement.granted", subject=account.account_id, client_id=client_id, until=until)


def withdraw(desk: Desk, login: str, client_id: str) -> None:
    """Take access to a service away, with the tokens that came of it."""
    with desk.db.write() as tx:
        account = desk.account(tx, login)
        if not tx.accounts.revoke(account.account_id, client_id, desk.now()):
            raise InvalidOperation(f"{login} has no access to {client_id}")
        tx.grants.revoke_for(account.account_id, client_id, desk.now())
        desk.record(tx, "entitlement.revoked", subject=account.account_id, client_id=client_id)


def withdraw_consent(desk: Desk, login: str, client_id: str) -> None:
    """The holder no longer agrees that a service has the data: it asks again, and its tokens are dead."""
    with desk.db.write() as tx:
        account = desk.account(tx, login)
        if not consents.withdraw(tx, account.account_id, client_id, desk.now()):
            raise InvalidOperation(f"{login} gave no consent to {client_id}")
        desk.record(tx, "consent.withdrawn", subject=account.account_id, client_id=client_id)
