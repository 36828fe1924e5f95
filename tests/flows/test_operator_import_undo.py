"""Taking an import back."""

from pathlib import Path

import pytest

from idp.domain.account import AccountStatus
from idp.errors import InvalidOperation
from idp.flows.operators import accounts, import_undo, imports
from idp.flows.operators.import_undo import Kept, undo
from idp.store.import_runs import RowStatus, RunStatus
from tests.fakes.provider import Provider
from tests.flows.test_operator_import import Crash, crash_after, logins, people, small_batches

__all__ = ["small_batches"]


@pytest.fixture
def provider(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setattr(import_undo, "BATCH", 2)
    provider.add_client("ror", needs_entitlement=True)
    return provider


def imported(provider: Provider, folder: Path, *names: str) -> str:
    """The run's id; an hour ago."""
    run = imports.begin(provider.desk, people(folder, *names))
    imports.switch(provider.desk, run.run_id)
    provider.clock.advance(hours=1)
    return run.run_id


def test_what_nobody_used_is_gone(provider: Provider, tmp_path: Path) -> None:
    provider.add_account("before", password=None)
    run = imported(provider, tmp_path, *"abcde")
    undone = undo(provider.desk, run)
    assert (undone.removed, undone.kept) == (5, [])
    assert logins(provider) == ["before"]
    assert len(provider.events("account.import_undone")) == 5
    (event,) = provider.events("import.undone")
    assert event.detail == {"run": run, "accounts": "5", "kept": "0"}


def test_what_was_used_stays_and_it_is_said_why(provider: Provider, tmp_path: Path) -> None:
    run = imported(provider, tmp_path, *"abcde")
    desk = provider.desk
    with provider.services.db.write() as tx:
        ids = {login: account.account_id for login in "abcde" if (account := tx.accounts.find_by_login(login))}
        tx.accounts.set_password(ids["a"], "digest", "mailbox", provider.clock.now())
        tx.accounts.note_login(ids["a"], provider.clock.now())
        tx.means.add_link(ids["c"], "cps_card", provider.clock.now())
    accounts.set_status(desk, "d", AccountStatus.SUSPENDED, "départ")
    undone = undo(desk, run)
    assert undone.removed == 2
    assert undone.kept == [
        Kept(2, "a", "has a password or another means; has signed in"),
        Kept(4, "c", "a card or a federation is linked"),
        Kept(5, "d", "was changed since"),
    ]
    assert logins(provider) == ["a", "c", "d"]
    with provider.services.db.read() as tx:
        assert tx.accounts.may_open(ids["a"], "ror", provider.clock.now())
        told = [(line, login) for line, _, login, _ in tx.import_runs.problems(run)]
    assert told == [(2, "a"), (4, "c"), (5, "d")]


def test_an_undo_that_was_interrupted_carries_on(provider: Provider, tmp_path: Path) -> None:
    run = imported(provider, tmp_path, *"abcde")
    with pytest.raises(Crash):
        undo(provider.desk, run, crash_after(1))
    assert logins(provider) == ["c", "d", "e"]
    assert undo(provider.desk, run).removed == 3
    assert logins(provider) == []
    assert undo(provider.desk, run).removed == 0


def test_what_was_not_made_yet_never_is(provider: Provider, tmp_path: Path) -> None:
    run = imports.begin(provider.desk, people(tmp_path, *"abcde"))
    with pytest.raises(Crash):
        imports.switch(provider.desk, run.run_id, crash_after(1))
    assert undo(provider.desk, run.run_id).removed == 2
    with pytest.raises(InvalidOperation, match="was undone"):
        imports.switch(provider.desk, run.run_id)
    assert logins(provider) == []
    with provider.services.db.read() as tx:
        rows = tx.import_runs.following(run.run_id, 0, 9, status=tuple(RowStatus))
        (found,) = tx.import_runs.all()
    assert found.status is RunStatus.UNDONE
    assert [(row.person, status) for row, status in rows] == [(None, RowStatus.UNDONE)] * 5


def test_after_an_undo_the_file_can_be_imported(provider: Provider, tmp_path: Path) -> None:
    undo(provider.desk, imported(provider, tmp_path, *"abc"))
    assert imports.import_csv(provider.desk, tmp_path / "people.csv") == 3
    assert logins(provider) == [*"abc"]


def test_an_unknown_run(provider: Provider) -> None:
    with pytest.raises(InvalidOperation, match="nothing: no such run"):
        undo(provider.desk, "nothing")
    assert not provider.events("import.undone")
