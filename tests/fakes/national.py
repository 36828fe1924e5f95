"""National identities of accounts, as a test gives them and looks at them."""

from typing import Any

from idp.domain.account import Account
from idp.domain.authn import IdentityRef
from tests.fakes.provider import Provider

NATIONAL = ("adeli", "employee", "rpps")


def with_identity(provider: Provider, login: str, kind: str, value: str, **data: Any) -> Account:
    """An account with an identity that a card of those years proved."""
    account = provider.add_account(login, **data)
    give(provider, account, kind, value)
    return account


def give(provider: Provider, account: Account, kind: str, value: str, origin: str = "cps_card") -> None:
    with provider.services.db.write() as tx:
        tx.means.add_identity(account.account_id, IdentityRef(kind, value), origin, provider.clock.now())


def held(provider: Provider, login: str = "karim.benali") -> dict[str, str]:
    """The national identities of an account."""
    with provider.services.db.read() as tx:
        account = tx.accounts.find_by_login(login)
    assert account
    return {kind: value for kind, value in account.identities.items() if kind in NATIONAL}


def alerts(provider: Provider) -> list[str]:
    """Kinds, newest first."""
    return [event.detail["kind"] for event in provider.events("alert.raised")]
