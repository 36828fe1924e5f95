"""The suite of the configuration that a process keeps; part of `idp.store.conformance_sql`. Needs pytest."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
from sqlalchemy import event
from structlog.testing import capture_logs

from idp.store.configuration import MAX_AGE, Configuration
from idp.store.conformance import START, ManualClock
from idp.store.conformance_rows import HOUR, SECOND, add_client, policy_of, proof
from idp.store.conformance_suspensions import suspension
from idp.store.database import Database


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """The statements that are sent meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


class ConfigurationSuite:
    """Uses the fixture `database` of DatabaseSuite. Two Configurations are two processes."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def configuration(self, database: Database, clock: ManualClock) -> Configuration:
        with database.write() as tx:
            add_client(tx)
            tx.policies.add(policy_of("ror", START - HOUR))
        return Configuration(database, clock)

    def test_what_is_known_costs_no_statement_within_its_age(
        self, database: Database, configuration: Configuration, clock: ManualClock
    ) -> None:
        assert configuration.client("ror")
        with counted(database) as sent:
            clock.advance(MAX_AGE - timedelta(milliseconds=1))
            assert configuration.client("ror")
            assert configuration.policy("ror")
        assert not sent

    def test_an_unchanged_configuration_is_asked_for_by_one_statement(
        self, database: Database, configuration: Configuration, clock: ManualClock
    ) -> None:
        kept = configuration.client("ror")
        clock.advance(MAX_AGE)
        with counted(database) as sent:
            assert configuration.client("ror") is kept
        assert len(sent) == 1

    def test_a_change_by_another_process_counts_within_a_second(
        self, database: Database, configuration: Configuration, clock: ManualClock
    ) -> None:
        assert configuration.client("ror")
        with database.write() as tx:
            tx.clients.set_enabled("ror", False)
        clock.advance(SECOND)
        assert configuration.client("ror") is None
        with database.write() as tx:
            tx.clients.set_enabled("ror", True)
            tx.policies.add(policy_of("ror", START + HOUR))
        clock.advance(SECOND)
        assert configuration.client("ror")
        clock.advance(HOUR)
        policy = configuration.policy("ror")
        assert policy
        assert policy.effective_from == START + HOUR

    def test_a_policy_is_in_force_at_its_instant_and_not_before(
        self, database: Database, configuration: Configuration, clock: ManualClock
    ) -> None:
        with database.write() as tx:
            tx.policies.add(policy_of("ror", START + timedelta(milliseconds=500)))
        before = configuration.policy("ror")
        clock.advance(timedelta(milliseconds=500))
        with counted(database) as sent:
            after = configuration.policy("ror")
        assert before
        assert after
        assert before.effective_from < after.effective_from == clock.now()
        assert not sent

    def test_a_policy_that_was_cancelled_never_comes_into_force(
        self, database: Database, configuration: Configuration, clock: ManualClock
    ) -> None:
        before = configuration.policy("ror")
        with database.write() as tx:
            tx.policies.add(later := policy_of("ror", START + HOUR))
            tx.policies.cancel(later.policy_id, START)
        clock.advance(HOUR)
        assert before
        assert configuration.policy("ror") == before

    def test_a_suspension_by_another_process_counts_within_a_second(
        self, database: Database, configuration: Configuration, clock: ManualClock
    ) -> None:
        assert configuration.policy("ror")
        with database.write() as tx:
            tx.method_suspensions.add(suspension("password", START + HOUR))
        clock.advance(SECOND)
        policy = configuration.policy("ror")
        assert policy
        assert policy.methods == ()
        assert not policy.accepts(proof())

    def test_a_suspension_ends_at_its_instant_without_a_statement(
        self, database: Database, configuration: Configuration, clock: ManualClock
    ) -> None:
        end = START + timedelta(milliseconds=500)
        with database.write() as tx:
            tx.method_suspensions.add(suspension("password", end))
        before = configuration.policy("ror")
        clock.advance(timedelta(milliseconds=500))
        with counted(database) as sent:
            after = configuration.policy("ror")
        assert not sent
        assert before
        assert after
        assert (before.methods, len(after.methods)) == ((), 1)
        assert after.accepts(proof(end))
        assert not after.accepts(proof(end - timedelta(milliseconds=1)))

    def test_a_client_that_is_unknown_is_seen_when_it_is_registered(
        self, database: Database, configuration: Configuration
    ) -> None:
        assert configuration.client("new") is None
        assert configuration.policy("new") is None
        with database.write() as tx:
            add_client(tx, "new")
        assert configuration.client("new")

    @pytest.mark.parametrize("odd", ["", "\x00", "ror\x00", "ror\n", "é", "x" * 65])
    def test_what_cannot_be_a_client_is_not_asked_for(
        self, database: Database, configuration: Configuration, odd: str
    ) -> None:
        configuration.refresh()
        with counted(database) as sent:
            assert configuration.client(odd) is None
            assert configuration.policy(odd) is None
        assert sent == []

    def test_a_clock_that_goes_back_asks_again(
        self, database: Database, configuration: Configuration, clock: ManualClock
    ) -> None:
        assert configuration.client("ror")
        clock.advance(-SECOND)
        with counted(database) as sent:
            assert configuration.client("ror")
        assert len(sent) == 1

    def test_followers_are_called_once_a_change(
        self, database: Database, configuration: Configuration, clock: ManualClock
    ) -> None:
        called: list[datetime] = []
        configuration.on_change(lambda: called.append(clock.now()), fails_with=OSError)
        configuration.refresh()
        clock.advance(MAX_AGE)
        configuration.refresh()
        assert called == [START]
        with database.write() as tx:
            tx.meta.bump_config()
        clock.advance(MAX_AGE)
        configuration.refresh()
        configuration.refresh()
        assert called == [START, clock.now()]

    def test_a_follower_that_fails_is_called_each_second_until_it_does_not(
        self, database: Database, configuration: Configuration, clock: ManualClock
    ) -> None:
        others: list[datetime] = []
        failing = Failing()
        configuration.on_change(failing.follow, fails_with=OSError)
        configuration.on_change(lambda: others.append(clock.now()), fails_with=OSError)
        with capture_logs() as logs:
            for turn in range(3):
                configuration.refresh()
                configuration.refresh()
                assert failing.called == turn + 1
                assert not configuration.catch_up()
                clock.advance(MAX_AGE)
        assert (failing.called, len(others)) == (3, 1), "one that fails holds nobody else up"
        assert [(each["log_level"], each["cause"]) for each in logs] == [("error", "away")], "told once"
        failing.is_away = False
        assert configuration.catch_up(), "without the database"
        clock.advance(MAX_AGE)
        configuration.refresh()
        assert failing.called == 4

    def test_each_change_that_is_not_followed_is_told(
        self, database: Database, configuration: Configuration, clock: ManualClock
    ) -> None:
        configuration.on_change(Failing().follow, fails_with=OSError)
        with capture_logs() as logs:
            configuration.refresh()
            with database.write() as tx:
                tx.meta.bump_config()
            clock.advance(MAX_AGE)
            configuration.refresh()
        assert len(logs) == 2


class Failing:
    """A follower that cannot read what it must."""

    def __init__(self) -> None:
        self.called, self.is_away = 0, True

    def follow(self) -> None:
        self.called += 1
        if self.is_away:
            raise OSError("away")
