"""Imports on PostgreSQL, where others write at the same time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from idp.flows.operators import imports
from idp.flows.operators.import_undo import Kept, undo
from idp.flows.operators.newcomers import bring_in
from tests.fakes.provider import Provider
from tests.fakes.servers import PostgreSQL
from tests.flows.test_operator_import import logins, made, people

WAITING = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


@pytest.fixture
def provider(start: Callable[..., Provider], postgres: PostgreSQL) -> Provider:
    provider = start(database_url=postgres.create())
    provider.add_client("ror", needs_entitlement=True)
    return provider


def test_two_who_carry_on_at_once_make_each_account_once(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 7)
    names = sorted(f"user{number}" for number in range(100))
    run = imports.begin(provider.desk, people(tmp_path, *names))
    with ThreadPoolExecutor(2) as both:
        counts = list(both.map(lambda _: imports.switch(provider.desk, run.run_id), range(2)))
    assert sum(counts) == made(provider) == 100
    assert logins(provider) == names


def test_an_undo_waits_for_whoever_is_choosing_a_password(provider: Provider, tmp_path: Path) -> None:
    run = imports.begin(provider.desk, people(tmp_path, "anne", "karim"))
    imports.switch(provider.desk, run.run_id)
    provider.clock.advance(hours=1)
    services = provider.services
    with ThreadPoolExecutor(1) as other:
        with services.db.write() as tx:
            anne = tx.accounts.find_by_login("anne")
            assert anne
            tx.accounts.set_password(anne.account_id, "digest", "mailbox", provider.clock.now())
            undoing = other.submit(undo, provider.desk, run.run_id)
            for _ in range(10_000):
                with services.db.read() as looking:
                    if looking._connection.scalar(WAITING):
                        break
        undone = undoing.result(20)
    assert undone.removed == 1
    assert undone.kept == [Kept(2, "anne", "has a password or another means")]
    assert logins(provider) == ["anne"]


def test_an_account_made_meanwhile_costs_its_line_alone(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is committed between the look and the writing: the unit is done again."""
    run = imports.begin(provider.desk, people(tmp_path, "anne", "karim"))
    tries = 0

    def late(*args: Any, **facts: Any) -> None:
        nonlocal tries
        tries += 1
        if tries <= 2:
            provider.add_account(("late", "later")[tries - 1], email=f"{('anne', 'karim')[tries - 1]}@chu.example")
        bring_in(*args, **facts)

    monkeypatch.setattr("idp.flows.operators.imports.bring_in", late)
    assert imports.switch(provider.desk, run.run_id) == 0
    assert tries == 3
    assert logins(provider) == ["late", "later"]
