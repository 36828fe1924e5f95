"""A single sign-on that waits for the holder's row on PostgreSQL: what was true before it waited counts no more."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from idp.flows.operators import accounts
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty
from tests.fakes.servers import PostgreSQL
from tests.fakes.waiting import until

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@pytest.fixture
def rp(start: Callable[..., Provider], postgres: PostgreSQL) -> RelyingParty:
    """Anne is signed in to a service that she has access to."""
    provider = start(database_url=postgres.create())
    provider.add_client("ror", needs_entitlement=True)
    anne = provider.add_account("anne.pierre")
    with provider.services.db.write() as tx:
        accounts.entitle(provider.desk, tx, anne, "ror")
    made = RelyingParty(provider, "ror")
    assert made.login()["code"]
    return made


def test_an_access_that_is_withdrawn_meanwhile_gives_no_code(rp: RelyingParty) -> None:
    provider, database = rp.provider, rp.provider.services.db
    with database.read() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
    assert account

    def is_waiting() -> bool:
        with database.read() as tx:
            return bool(tx._connection.scalar(WAITING))

    with ThreadPoolExecutor(1) as service:
        with database.write() as tx:
            assert tx.accounts.revoke(account.account_id, "ror", provider.clock.now())
            tx.grants.revoke_for(account.account_id, "ror", provider.clock.now())
            asked = service.submit(rp.authorize, prompt="none")
            until(is_waiting)
        answered = asked.result(20)
    assert (answered.status_code, "code=" in answered.headers.get("Location", "")) == (410, False)
    assert len(provider.events("authorization.issued")) == 1, "that of the login before"
