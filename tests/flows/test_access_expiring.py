"""Thirty days before an access ends, its holder is told, once."""

from datetime import timedelta
from threading import Event

import pytest

from idp.domain.access_request import AccessRequest, Level
from idp.domain.account import AccountStatus
from idp.domain.ids import new_id
from idp.flows.access.asking import TOLD_BEFORE
from idp.flows.access.expiring import tell_expiring
from idp.flows.operators import accounts
from idp.flows.worker import tasks
from tests.fakes.provider import Provider

SECOND = timedelta(seconds=1)


@pytest.fixture
def ending(provider: Provider) -> Provider:
    """Anne's access to the ROR ends in thirty days and a second."""
    provider.add_client("ror", name="ROR Nouvelle-Aquitaine", needs_entitlement=True)
    grant(provider)
    return provider


def grant(provider: Provider) -> None:
    with provider.services.db.write() as tx:
        account = tx.accounts.find_by_login("anne.pierre")
        assert account
        until = provider.clock.now() + TOLD_BEFORE + SECOND
        tx.accounts.grant(account.account_id, "ror", "operator:test", provider.clock.now(), until)


def test_told_thirty_days_before_and_once(ending: Provider) -> None:
    tell_expiring(ending.services)
    assert not ending.mails()
    ending.clock.advance(seconds=1)
    for _ in range(3):
        assert not tell_expiring(ending.services)
    (letter,) = ending.mails()
    assert "ROR Nouvelle-Aquitaine prend bientôt fin" in letter.subject
    assert "/compte/access/ror" in letter.text
    assert len(ending.events("entitlement.expiry_told")) == 1
    ending.clock.advance(days=15)
    tell_expiring(ending.services)
    assert len(ending.mails()) == 1


def test_told_in_the_language_in_which_they_asked_for_it(ending: Provider) -> None:
    with ending.services.db.write() as tx:
        anne = tx.accounts.find_by_login("anne.pierre")
        assert anne
        asked = AccessRequest(new_id(), anne.account_id, "ror", Level.REGION, "x", "en", ending.clock.now())
        assert tx.access_requests.submit(asked)
    ending.clock.advance(seconds=1)
    tell_expiring(ending.services)
    (letter,) = ending.mails()
    assert "Your access to ROR Nouvelle-Aquitaine" in letter.subject


def test_an_access_that_is_given_anew_is_told_anew(ending: Provider) -> None:
    ending.clock.advance(seconds=1)
    tell_expiring(ending.services)
    grant(ending)
    ending.clock.advance(days=1)
    tell_expiring(ending.services)
    assert len(ending.mails()) == 2


@pytest.mark.parametrize("end", ["revoked", "suspended", "over"])
def test_nobody_is_told_of_what_is_over(ending: Provider, end: str) -> None:
    ending.clock.advance(seconds=1)
    if end == "revoked":
        accounts.withdraw(ending.desk, "anne.pierre", "ror")
    elif end == "suspended":
        accounts.set_status(ending.desk, "anne.pierre", AccountStatus.SUSPENDED, "test")
    else:
        ending.clock.advance(days=30)
    tell_expiring(ending.services)
    assert not ending.mails()


def test_it_is_a_task_of_the_worker_under_a_lease(ending: Provider) -> None:
    (task,) = [each for each in tasks(ending.services, Event()) if each.name == "tell of accesses that end"]
    assert task.alone
    ending.clock.advance(seconds=1)
    task.run()
    assert len(ending.mails()) == 1
