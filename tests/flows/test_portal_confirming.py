"""A means is confirmed only while the account is active and the session lives."""

from collections.abc import Callable

import pytest
from sqlalchemy import update

from idp.domain.authn import Assurance
from idp.store.accounts import Accounts
from idp.store.schema import account as account_table
from idp.store.schema import session
from tests.fakes.portal import MEANS, by_card, enter, with_card
from tests.fakes.provider import Provider
from tests.fakes.relying_party import csrf_of


@pytest.fixture
def provider(start: Callable[..., Provider], monkeypatch: pytest.MonkeyPatch) -> Provider:
    return with_card(start, monkeypatch)


@pytest.mark.parametrize("what", ["session", "account"])
def test_what_ended_meanwhile_confirms_nothing(provider: Provider, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """It ends after the form was accepted, just before the account is locked."""
    rp = enter(provider, by_card)
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        now, account_id = provider.clock.now(), account.account_id
        password = tx.accounts.set_password(account_id, "of the mailbox", "mailbox", now)
    form, lock = {"csrf": csrf_of(rp.browser.get(MEANS))}, Accounts.lock

    def overtaken(accounts: Accounts, locked: str) -> None:
        lock(accounts, locked)
        connection = accounts._db
        if what == "session":
            connection.execute(update(session).values(ended_at=now))
        else:
            connection.execute(update(account_table).values(status="suspended"))

    monkeypatch.setattr(Accounts, "lock", overtaken)
    assert rp.browser.post(f"{MEANS}/{password}/confirm", data=form).status_code == 410
    monkeypatch.undo()
    with provider.services.db.read() as tx:
        (found,) = tx.means.credentials(account_id)
    assert (found.anchor, found.enrolled) == ("mailbox", Assurance.LOW)
    assert provider.events("means.confirmed") == []
    assert rp.browser.post(f"{MEANS}/{password}/confirm", data=form).status_code == 303  # undone with the rest
