"""The purge, in batches: everything that is over, a few rows at a time, and nobody waits long."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from idp.domain.throttle import ATTEMPTS
from idp.flows.operators import purging
from idp.store import purge as store
from idp.store.schema import known_browser, throttle
from tests.fakes.provider import Provider
from tests.fakes.relying_party import RelyingParty

OVER = 5


@pytest.fixture
def full(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """More rows than a batch holds, of a kind that is found by SQL and of the kind that is not."""
    monkeypatch.setattr(store, "BATCH", 2)
    monkeypatch.setattr(purging, "BATCH", 2)
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        for number in range(OVER):
            tx.browsers.meet(account.account_id, f"browser{number}", provider.clock.now(), since=provider.clock.now())
            tx.throttle.take(f"bucket{number}", ATTEMPTS, provider.clock.now())
    provider.clock.advance(days=181)
    with provider.services.db.write() as tx:
        tx.browsers.meet(account.account_id, "known", provider.clock.now(), since=provider.clock.now())
        tx.throttle.take("bucket2b", ATTEMPTS, provider.clock.now())
    return provider


def left(provider: Provider) -> tuple[int, int]:
    with provider.services.db.read() as tx:
        browsers, counts = (
            tx._connection.scalar(select(func.count()).select_from(table)) or 0 for table in (known_browser, throttle)
        )
    return browsers, counts


def test_it_goes_on_until_nothing_is_over(full: Provider) -> None:
    deleted = purging.purge(full.desk, full.services.settings)
    assert deleted == {"known_browser": OVER, "throttle": OVER}
    assert left(full) == (1, 1)
    (event,) = full.events("purge.done")
    assert event.detail == {"known_browser": "5", "throttle": "5"}
    assert purging.purge(full.desk, full.services.settings) == {}
    assert len(full.events("purge.done")) == 1


def test_it_stops_between_two_batches(full: Provider) -> None:
    def after_a_batch() -> bool:
        return left(full)[0] < OVER + 1

    assert purging.purge(full.desk, full.services.settings, is_stopped=after_a_batch) == {"known_browser": 2}
    assert left(full) == (OVER - 1, OVER + 1)


def test_others_write_between_two_batches(full: Provider) -> None:
    """Each batch is a unit of its own."""
    written = []

    def write() -> bool:
        with full.services.db.write() as tx:
            written.append(tx.leases.take("somebody", "else", full.clock.now(), timedelta(hours=1)))
        return False

    purging.purge(full.desk, full.services.settings, is_stopped=write)
    assert all(written)
    assert left(full) == (1, 1)


def test_where_people_were_is_forgotten_beside_old_events(provider: Provider) -> None:
    RelyingParty(provider).login()
    provider.clock.advance(days=364)
    purging.purge(provider.desk, provider.services.settings)
    assert provider.events("login.succeeded")[0].personal
    provider.clock.advance(days=2)
    assert purging.purge(provider.desk, provider.services.settings)["audit_personal"] == 1
    assert provider.events("login.succeeded")[0].personal == {}
