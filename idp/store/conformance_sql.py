"""The suite that every SQL database must pass. Needs pytest; nothing else of the package imports this module.

A subclass of `DatabaseSuite` gives three fixtures: `empty` yields a Database without a schema, `database` one without
rows, its schema migrated, and both close it; `unreachable` returns a Database that does not answer.
"""

from collections.abc import Callable
from datetime import UTC, timedelta, timezone
from threading import Event, Thread

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, StatementError

from idp.domain.account import AccountStatus
from idp.domain.audit import AuditEvent
from idp.domain.throttle import Limit
from idp.errors import InvalidOperation, Unavailable
from idp.store.conformance import RACERS, START, race
from idp.store.conformance_audit import AuditSuite
from idp.store.conformance_configuration import ConfigurationSuite
from idp.store.conformance_migrations import MigrationSuite
from idp.store.conformance_profiles import ProfileSuite
from idp.store.conformance_rows import (
    HOUR,
    IDLE,
    REFUSED,
    add_account,
    add_client,
    add_grant,
    add_session,
    ask,
    is_done,
    policy_of,
    proof,
)
from idp.store.conformance_stored import StoredSuite
from idp.store.database import Database, Tx
from idp.store.schema import audit_event, metadata

TURNS = 10


class DatabaseSuite(StoredSuite, ProfileSuite, ConfigurationSuite, AuditSuite, MigrationSuite):
    """Units of work, migrations, single use, repositories."""

    @pytest.fixture
    def empty(self) -> Database:  # without a schema
        raise NotImplementedError

    @pytest.fixture
    def database(self) -> Database:  # migrated, without rows
        raise NotImplementedError

    @pytest.fixture
    def unreachable(self) -> Database:  # does not answer
        raise NotImplementedError

    # -- schema --------------------------------------------------------------------

    def test_the_migrations_make_the_schema_of_the_code(self, database: Database) -> None:
        with database.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []

    def test_migrating_again_changes_nothing(self, database: Database) -> None:
        with database.write() as tx:
            add_account(tx)
        database.migrate()
        database.ping()
        with database.read() as tx:
            assert tx.accounts.find_by_login("anne.pierre")

    def test_a_database_without_a_schema_is_not_ready(self, empty: Database) -> None:
        with pytest.raises(Unavailable, match="sesame migrate"):
            empty.ping()
        empty.migrate()
        empty.ping()

    def test_a_schema_of_a_later_version_is_ready(self, database: Database) -> None:
        """The code before it still serves while workers are replaced one by one."""
        with database.engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
        database.ping()

    # -- units of work -------------------------------------------------------------

    def test_a_unit_is_written_as_a_whole_or_not_at_all(self, database: Database) -> None:
        def fail() -> None:
            with database.write() as tx:
                add_account(tx)
                tx.audit.record(AuditEvent("account.created", "operator:test"), START)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        with database.read() as tx:
            assert tx.accounts.find_by_login("anne.pierre") is None
            assert tx.audit.latest(10) == []

    def test_a_refusal_of_the_database_undoes_the_unit(self, database: Database) -> None:
        def break_a_reference() -> None:
            with database.write() as tx:
                add_client(tx)
                tx.accounts.grant("nobody", "ror", "operator:test", START, None)

        with pytest.raises(IntegrityError):
            break_a_reference()
        with database.read() as tx:
            assert tx.clients.all() == []

    def test_nobody_reads_what_is_not_committed(self, database: Database) -> None:
        with database.write() as writing:
            add_client(writing)
            with database.read() as reading:
                assert reading.clients.all() == []
        with database.read() as reading:
            assert len(reading.clients.all()) == 1

    def test_references_are_enforced(self, database: Database) -> None:
        with database.write() as tx:
            account_id = add_account(tx).account_id
        orphans: list[Callable[[Tx], object]] = [
            lambda tx: tx.accounts.grant(account_id, "nowhere", "operator:test", START, None),
            lambda tx: tx.accounts.set_password("nobody", "digest", "knowledge", START),
            lambda tx: tx.sessions.open("c", "nobody", START, lifetime=HOUR, user_agent="", ip_prefix=""),
            lambda tx: tx.sessions.add_proof("nothing", proof()),
            lambda tx: tx.resets.add("token", "nobody", START, START + HOUR),
        ]
        for write in orphans:
            with pytest.raises(IntegrityError), database.write() as tx:
                write(tx)

    def test_an_error_does_not_tell_the_values(self, database: Database) -> None:
        """It is logged with its trace."""
        with pytest.raises(IntegrityError) as refusal, database.write() as tx:
            tx.accounts.set_password("nobody", "$argon2id$secret", "knowledge", START)
        assert "secret" not in str(refusal.value)

    # -- instants ------------------------------------------------------------------

    def test_a_naive_instant_is_refused(self, database: Database) -> None:
        with pytest.raises(StatementError, match="naive instant"), database.write() as tx:
            tx.audit.record(AuditEvent("client.created", "operator:test"), START.replace(tzinfo=None))

    def test_an_instant_comes_back_aware_in_utc(self, database: Database) -> None:
        paris = START.replace(microsecond=123456).astimezone(timezone(HOUR))
        with database.write() as tx:
            tx.audit.record(AuditEvent("client.created", "operator:test"), paris)
        with database.read() as tx:
            (found,) = tx.audit.latest(1)
        assert found.at == paris
        assert found.at.tzinfo is UTC

    # -- many at once --------------------------------------------------------------

    def test_writers_at_once_wait_for_one_another(self, database: Database) -> None:
        def work(number: int) -> None:
            for turn in range(TURNS):
                with database.write() as tx:
                    tx.audit.latest(1)  # a unit that reads first must not lose its turn
                    tx.audit.record(AuditEvent("client.created", f"operator:{number}.{turn}"), START)

        race(work)
        with database.read() as tx:
            actors = tx._connection.scalars(select(audit_event.c.actor)).all()
        assert len(set(actors)) == len(actors) == RACERS * TURNS

    def test_a_reader_does_not_wait_for_a_writer(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            done = Event()

            def read() -> None:
                with database.read() as other:
                    other.clients.all()
                done.set()

            Thread(target=read, daemon=True).start()
            assert done.wait(3)

    def test_a_code_is_redeemed_once(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            account_id = add_account(tx).account_id
            session_id = add_session(tx, account_id)
            grants = [add_grant(tx, account_id, session_id, code=f"code{n}") for n in range(3)]

        def redeem(grant_id: str) -> bool:
            return is_done(database, lambda tx: tx.grants.redeem(grant_id, START, otherwise=REFUSED))

        for grant in grants:
            assert race(lambda _, grant_id=grant.grant_id: redeem(grant_id)).count(True) == 1  # type: ignore[misc]

    def test_a_reset_link_is_used_once(self, database: Database) -> None:
        with database.write() as tx:
            account_id = add_account(tx).account_id
            tx.resets.add("token", account_id, START, START + HOUR)

        def take(_: int) -> str | None:
            with database.write() as tx:
                return tx.resets.take("token", START)

        assert [found for found in race(take) if found] == [account_id]

    def test_a_letter_is_leased_to_one_worker(self, database: Database) -> None:
        with database.write() as tx:
            tx.outbox.put("letter", "email_otp", b"sealed", START)

        def lease(_: int) -> str | None:
            with database.write() as tx:
                found = tx.outbox.lease_next(START)
            return found.outbox_id if found else None

        assert [found for found in race(lease) if found] == ["letter"]

    @pytest.mark.parametrize("stranger", [True, False], ids=["first attempts", "a known bucket"])
    def test_attempts_at_once_never_exceed_the_limit(self, database: Database, stranger: bool) -> None:
        limit = Limit(most=5, window=HOUR)

        def attempt(_: int) -> timedelta:
            with database.write() as tx:
                return tx.throttle.take("bucket", limit, START)

        if not stranger:
            attempt(0)
        delays = race(attempt, 12)
        assert delays.count(timedelta(0)) == (5 if stranger else 4)

    def test_a_session_is_given_one_new_cookie(self, database: Database) -> None:
        with database.write() as tx:
            session_id = add_session(tx, add_account(tx).account_id)

        def rotate(number: int) -> bool:
            with database.write() as tx:
                rotated = tx.sessions.rotate(session_id, "cookie", f"cookie{number}", START)
                tx.sessions.add_proof(session_id, proof(START + number * HOUR))
            return rotated

        won = race(rotate)
        assert won.count(True) == 1
        with database.read() as tx:
            found = tx.sessions.find(f"cookie{won.index(True)}", START, IDLE)
        assert found
        assert len(found.proofs) == RACERS  # those of all tabs are kept

    def test_of_two_that_are_the_same_one_is_made(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)

        def made(write: Callable[[Tx], object]) -> bool:
            try:
                with database.write() as tx:
                    write(tx)
            except InvalidOperation:
                return False
            return True

        assert race(lambda _: made(add_account)).count(True) == 1
        assert race(lambda _: made(lambda tx: tx.policies.add(policy_of("ror")))).count(True) == 1
        assert race(lambda _: made(lambda tx: add_client(tx, "other"))).count(True) == 1

    def test_a_session_that_is_being_opened_does_not_escape_a_suspension(self, database: Database) -> None:
        with database.write() as tx:
            account_id = add_account(tx).account_id
        held, done = Event(), Event()

        def open_session() -> None:
            with database.write() as tx:
                assert tx.accounts.hold(account_id)
                held.set()
                done.wait(0.3)  # a suspension that does not wait for us ends here
                add_session(tx, account_id)

        opening = Thread(target=open_session)
        opening.start()
        held.wait(5)
        with database.write() as tx:
            tx.accounts.set_status(account_id, AccountStatus.SUSPENDED, START)
            tx.sessions.end_all(account_id, START)
        done.set()
        opening.join()
        with database.write() as tx:
            assert tx.sessions.find("cookie", START, IDLE) is None
            assert not tx.accounts.hold(account_id)

    # -- failure -------------------------------------------------------------------

    def test_a_database_that_does_not_answer_is_unavailable(self, unreachable: Database) -> None:
        for use in (unreachable.ping, unreachable.migrate, lambda: ask(unreachable)):
            with pytest.raises(Unavailable, match="database"):
                use()
