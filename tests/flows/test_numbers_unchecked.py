"""Whose RPPS number nobody verified for 24 months is told by the worker, and not again within 90 days."""

from datetime import timedelta
from threading import Event

import pytest

from idp.domain.authn import IdentityRef
from idp.flows import worker
from idp.flows.operators import rpps
from idp.store.rpps_extract import Registered
from tests.fakes.provider import Provider
from tests.fakes.registering import submit

ANNE, PAUL, OLD = "10000000017", "10000000025", timedelta(days=731)


@pytest.fixture
def old(provider: Provider) -> Provider:
    """Anne's and Paul's numbers are old; the extract has Paul's at his name."""
    provider.add_account("paul.roux")
    provider.add_account("no.address", email="")
    for login, number in (("anne.pierre", ANNE), ("paul.roux", PAUL), ("no.address", "10000000033")):
        with provider.services.db.write() as tx:
            account = tx.accounts.find_by_login(login)
            assert account
            verified_at = provider.clock.now() - OLD
            tx.means.add_identity(account.account_id, IdentityRef("rpps", number), "support", verified_at)
    extract(provider)
    return provider


def extract(provider: Provider) -> None:
    with provider.services.db.write() as tx:
        tx.rpps_extract.put([Registered(PAUL, "ROUX", "PAUL")], provider.clock.now())


def turn(provider: Provider, *, is_stopped: bool = False) -> list[str]:
    """One turn of the worker's task; to whom it wrote."""
    before, stop = len(provider.mails()), Event()
    if is_stopped:
        stop.set()
    (task,) = (each for each in worker.tasks(provider.services, stop) if each.name == "tell of unchecked numbers")
    assert task.alone
    assert not task.run()
    return [mail.to for mail in provider.mails()[before:]]


def test_the_worker_tells_whom_the_extract_does_not_confirm(old: Provider) -> None:
    assert turn(old) == ["anne.pierre@chu.example"]
    assert "24 mois" in old.mails()[-1].text
    (told,) = old.events("identity.unchecked_told")
    assert told.actor == "operator:worker"


def test_told_in_the_language_of_their_registration(old: Provider) -> None:
    with old.services.db.read() as tx:
        anne = tx.accounts.find_by_login("anne.pierre")
    assert anne
    submit(old, lang="en", account_id=anne.account_id)
    assert turn(old)
    assert "24 months" in old.mails()[-1].text


def test_nobody_is_told_twice_within_90_days_nor_by_an_operator(old: Provider) -> None:
    assert turn(old)
    for wait in (timedelta(0), timedelta(days=30), timedelta(days=60) - timedelta(seconds=1)):
        old.clock.advance(seconds=wait.total_seconds())
        assert turn(old) == []
        assert rpps.tell_unchecked(old.services, old.desk) == 0
    old.clock.advance(seconds=1)
    assert turn(old) == ["anne.pierre@chu.example"]
    assert len(old.events("identity.unchecked_told")) == 2


def test_what_an_operator_told_the_worker_does_not_tell_again(old: Provider) -> None:
    assert rpps.tell_unchecked(old.services, old.desk) == 1
    old.mails()
    assert turn(old) == []


def test_without_an_extract_the_worker_writes_to_nobody(old: Provider) -> None:
    with old.services.db.write() as tx:
        assert tx.rpps_extract.drop_before(old.clock.now() + timedelta(seconds=1)) == 1
    assert turn(old) == []


def test_it_stops_with_the_worker(old: Provider) -> None:
    assert turn(old, is_stopped=True) == []
