"""Means of an account that support takes away, or lets count again: a phone was lost, a key was copied."""

from idp.domain.account import Account
from idp.domain.means import Credential, LoginLink
from idp.errors import InvalidOperation
from idp.flows import notices
from idp.flows.operators.desk import Desk
from idp.flows.services import Services
from idp.store import Tx

REMOVED = "means.removed_by_support"


def describe(tx: Tx, account: Account) -> list[tuple[str, str]]:
    """Name and value: each means with its id, what it is called, and when it was made and used."""
    return [("means", _line(each)) for each in _all(tx, account)]


def remove(services: Services, desk: Desk, login: str, means_id: str, reason: str) -> bool:
    """Take a link, or what its holder enrolled, away; every session and grant ends, for they may rest on it.

    Returns whether the holder has an address to be told at. Raises InvalidOperation for a password, which has its own
    way out (`account.not_me`, « Mot de passe oublié ? »), and for what is not this account's.
    """
    with desk.db.write() as tx:
        account, found = _held(desk, tx, login, means_id)
        if isinstance(found, Credential) and found.kind == "password":
            raise InvalidOperation(
                "a password is changed by its holder; end-sessions, or suspend the account meanwhile"
            )
        kind = found.kind if isinstance(found, Credential) else found.method
        tx.means.remove(account.account_id, means_id, desk.now())
        tx.sessions.end_all(account.account_id, desk.now())
        desk.record(tx, "means.removed", subject=account.account_id, method=kind, means=means_id, reason=reason)
        notices.tell(services, tx, account, REMOVED, means=means_id, method=kind, lang="fr")
    return account.verified_email is not None


def unblock(desk: Desk, login: str, means_id: str, reason: str) -> None:
    """Codes of an authenticator application count again. Raises InvalidOperation for anything else."""
    with desk.db.write() as tx:
        account, _ = _held(desk, tx, login, means_id)
        if not tx.totp_secrets.forgive(account.account_id, credential_id=means_id):
            raise InvalidOperation(f"{means_id}: not an authenticator application")
        desk.record(tx, "totp.unblocked", subject=account.account_id, means=means_id, reason=reason)


def _held(desk: Desk, tx: Tx, login: str, means_id: str) -> tuple[Account, Credential | LoginLink]:
    """The account, which nobody else changes until the unit ends, and its means."""
    account = desk.account(tx, login)
    tx.accounts.lock(account.account_id)
    found = next((each for each in _all(tx, account) if _id(each) == means_id), None)
    if found is None:
        raise InvalidOperation(f"{login} has no means {means_id}")
    return account, found


def _all(tx: Tx, account: Account) -> list[Credential | LoginLink]:
    return [*tx.means.links(account.account_id), *tx.means.credentials(account.account_id)]


def _id(means: Credential | LoginLink) -> str:
    return means.credential_id if isinstance(means, Credential) else means.link_id


def _line(means: Credential | LoginLink) -> str:
    kind = means.kind if isinstance(means, Credential) else means.method
    used = means.last_used_at.isoformat() if means.last_used_at else "never"
    return f"{_id(means)} {kind}, {means.name or '-'}, added: {means.created_at.isoformat()}, used: {used}"
