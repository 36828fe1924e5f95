"""The end of a consent, whoever withdraws it."""

from datetime import datetime

from idp.store import Tx


def withdraw(tx: Tx, account_id: str, client_id: str, now: datetime) -> bool:
    """The service asks again, and its tokens are dead. False, and nothing changes, if there was no consent."""
    tx.accounts.lock(account_id)  # a code that is being issued has its grant before, or comes after and asks
    if not tx.consents.withdraw(account_id, client_id):
        return False
    tx.grants.revoke_for(account_id, client_id, now)
    return True
