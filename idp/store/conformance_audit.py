"""The suite of the audit trail and its chain; part of `idp.store.conformance_sql`. Needs pytest."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from idp.domain.audit import AuditEvent
from idp.domain.audit_chain import LATE, START_OF_CHAIN, Seal, Verifier, extend, personal_digest
from idp.errors import InvalidOperation
from idp.store.audit import Sought
from idp.store.conformance import START
from idp.store.conformance_rows import HOUR, SECOND
from idp.store.database import Database
from idp.store.schema import audit_event, audit_personal, audit_seal

HERE = {"network": "192.0.2.0/24", "browser": "Firefox"}


def mac(*parts: str) -> str:
    return hashlib.sha256("|".join(("key", *parts)).encode()).hexdigest()


def record(database: Database, *instants: datetime, **changes: Any) -> None:
    for number, instant in enumerate(instants):
        with database.write() as tx:
            tx.audit.record(AuditEvent("client.created", f"operator:{number}", **changes), instant)


def seal_all(database: Database, now: datetime = START) -> Sequence[Seal]:
    with database.write() as tx:
        seals = list(extend(mac, tx.audit.last_seal(), tx.audit.unsealed(), now))
        tx.audit.seal(seals)
    return seals


def faults(database: Database) -> list[int]:
    with database.read() as tx:
        return [fault.number for fault in Verifier(mac).walk(tx.audit.chained())]


def forge_seal(connection: Any, number: int) -> None:
    """Give the only event a seal of this number, without the key."""
    event_id = connection.scalar(select(audit_event.c.event_id))
    row = {"number": number, "event_id": event_id, "chain": START_OF_CHAIN, "sealed_at": START}
    connection.execute(insert(audit_seal), row)


class AuditSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_the_audit_keeps_each_event_newest_first(self, database: Database) -> None:
        first = AuditEvent("client.created", "operator:test", client_id="ror", detail={"name": "ROR"})
        second = AuditEvent("login.failed", "anonymous", "anne", "ror", "refused", {"reason": "login_wrong"}, HERE)
        with database.write() as tx:
            tx.audit.record(first, START)
            tx.audit.record(second, START, "request-1")
            assert [(r.event, r.at, r.request_id) for r in tx.audit.latest(10)] == [
                (second, START, "request-1"),
                (first, START, None),
            ]
            assert [r.event for r in tx.audit.latest(1)] == [second]
            assert [r.event for r in tx.audit.latest(10, name="client.created")] == [first]
            assert [r.event for r in tx.audit.latest(10, subject="anne")] == [second]

    def test_events_are_searched_without_what_is_personal(self, database: Database) -> None:
        for number, client_id in enumerate(("ror", "espace-pro", None, "ror")):
            record(database, START + number * HOUR, client_id=client_id, personal=HERE, detail={"n": str(number)})

        def found(limit: int = 10, **sought: Any) -> list[int]:
            with database.read() as tx:
                rows = tx.audit.search(Sought(**sought), limit)
            assert all(row.event.personal == {} for row in rows)
            return [int(row.event.detail["n"]) for row in rows]

        assert found() == [3, 2, 1, 0]
        assert found(2) == [3, 2]
        assert found(clients={"ror"}) == [3, 0]
        assert found(clients=()) == []
        assert found(since=START + HOUR, until=START + 3 * HOUR) == [2, 1]
        assert found(name="login.failed") == []
        assert found(actor="operator:0", name="client.created", outcome="ok") == [3, 2, 1, 0]
        with database.read() as tx:
            (last,) = tx.audit.search(Sought(clients={"espace-pro"}), 1)
        assert found(before=last.event_id) == [0]
        assert found(before="unknown") == [3, 2, 1, 0]

    def test_events_are_numbered_in_order_from_one(self, database: Database) -> None:
        record(database, START + SECOND, START)
        first = seal_all(database)
        record(database, START + HOUR)
        second = seal_all(database)
        with database.read() as tx:
            chained = list(tx.audit.chained())
            assert tx.audit.last_seal() == second[-1]
            assert tx.audit.unsealed_count() == 0
        assert [seal.number for seal, _ in chained] == [1, 2, 3]
        assert [seal for seal, _ in chained] == [*first, *second]
        assert [r.at for _, r in chained if r] == [START, START + SECOND, START + HOUR]
        assert faults(database) == []

    def test_what_waits_for_its_seal_is_counted(self, database: Database) -> None:
        record(database, START)
        seal_all(database)
        record(database, START - LATE, START)
        with database.read() as tx:
            assert tx.audit.unsealed_count() == 2
            assert len(tx.audit.unsealed(limit=1)) == 1

    def test_an_event_that_comes_too_late_is_not_sealed(self, database: Database) -> None:
        record(database, START)
        seal_all(database)
        record(database, START - LATE - timedelta(microseconds=1))
        with database.read() as tx:
            assert tx.audit.unsealed() == []
            assert tx.audit.unsealed_count() == 0
            assert [each.at for each in tx.audit.late()] == [START - LATE - timedelta(microseconds=1)]

    def test_an_event_is_sealed_once(self, database: Database) -> None:
        record(database, START)
        with database.read() as tx:
            waiting = tx.audit.unsealed()
        seal_all(database)
        with pytest.raises(InvalidOperation), database.write() as tx:
            tx.audit.seal(list(extend(mac, None, waiting, START)))

    @pytest.mark.parametrize(
        "change",
        [
            {"name": "client.disabled"},
            {"actor": "operator:0"},
            {"subject": "anne"},
            {"client_id": "ror"},
            {"outcome": "refused"},
            {"detail": {"a": "b"}},
            {"request_id": "other"},
            {"personal_digest": "0" * 64},
            {"at": START},
        ],
    )
    def test_an_altered_event_shows(self, database: Database, change: dict[str, Any]) -> None:
        record(database, START, START + SECOND, START + 2 * SECOND)
        seals = seal_all(database)
        with database.engine.begin() as connection:
            connection.execute(update(audit_event).where(audit_event.c.event_id == seals[1].event_id).values(**change))
        assert faults(database) == [2]

    def test_a_deleted_event_shows(self, database: Database) -> None:
        record(database, START, START + SECOND, START + 2 * SECOND)
        seals = seal_all(database)
        with database.engine.connect() as connection, connection.begin():
            self.without_foreign_keys(connection)
            connection.execute(delete(audit_event).where(audit_event.c.event_id == seals[1].event_id))
        assert faults(database) == [2]

    def test_a_deleted_event_and_its_seal_show(self, database: Database) -> None:
        record(database, START, START + SECOND, START + 2 * SECOND)
        seals = seal_all(database)
        with database.engine.begin() as connection:
            connection.execute(delete(audit_seal).where(audit_seal.c.number == 2))
            connection.execute(delete(audit_event).where(audit_event.c.event_id == seals[1].event_id))
        assert faults(database)[0] == 2

    def test_two_events_that_changed_places_show(self, database: Database) -> None:
        record(database, START, START + SECOND, START + 2 * SECOND)
        one, two, _ = seal_all(database)
        with database.engine.begin() as connection:
            for number, event_id in ((1, "elsewhere"), (2, one.event_id), (1, two.event_id)):
                self.move_seal(connection, number, event_id)
        assert faults(database) == [1, 2]

    def test_late_events_that_were_walked_back_to_in_turns_show(self, database: Database) -> None:
        record(database, START)
        seal_all(database)
        for turn in range(1, 4):
            record(database, START - turn * (LATE - SECOND))
            assert len(seal_all(database)) == 1
        assert faults(database) == [3, 4]

    def test_a_late_event_shows_after_an_altered_instant_of_a_seal(self, database: Database) -> None:
        record(database, START, START + SECOND)
        seals = seal_all(database, START + HOUR)
        with database.engine.begin() as connection:
            last = update(audit_seal).where(audit_seal.c.number == seals[-1].number)
            connection.execute(last.values(sealed_at=START.replace(year=2001)))
        record(database, START - 9 * HOUR)
        assert len(seal_all(database, START + HOUR)) == 1
        assert faults(database) == [3]

    @pytest.mark.parametrize("number", [0, -1])
    def test_a_seal_has_no_number_below_one(self, database: Database, number: int) -> None:
        record(database, START)
        with pytest.raises(IntegrityError, match="number_from_one"), database.engine.begin() as connection:
            forge_seal(connection, number)

    @pytest.mark.parametrize("number", [0, -1, -(2**31)])
    def test_an_event_that_was_kept_out_of_the_chain_shows(self, database: Database, number: int) -> None:
        record(database, START)
        with database.engine.begin() as connection:
            self.without_checks(connection)
            forge_seal(connection, number)
        record(database, START + SECOND)
        assert [seal.number for seal in seal_all(database)] == [1]
        assert faults(database) == [number]

    def test_personal_values_are_forgotten_and_the_chain_holds(self, database: Database) -> None:
        record(database, START, START + HOUR, personal=HERE)
        seal_all(database)
        with database.write() as tx:
            rows = list(tx.audit.personal_rows())
            assert [digest for _, digest, _, _ in rows] == [personal_digest(salt, values) for *_, salt, values in rows]
            assert len({salt for *_, salt, _ in rows}) == 2
            assert tx.audit.forget_personal(START + SECOND) == 1
            assert tx.audit.forget_personal(START + SECOND) == 0
            assert [r.event.personal for r in tx.audit.latest(10)] == [HERE, {}]
        with database.engine.connect() as connection:
            assert len(connection.execute(select(audit_personal)).all()) == 1
        assert faults(database) == []

    @staticmethod
    def without_foreign_keys(connection: Any) -> None:
        """As who owns the database could do."""
        if connection.dialect.name == "sqlite":
            connection.execute(text("PRAGMA defer_foreign_keys = ON"))
            connection.execute(text("DROP TABLE audit_personal"))
            connection.execute(text("ALTER TABLE audit_seal RENAME TO sealed"))
            connection.execute(text("CREATE TABLE audit_seal AS SELECT * FROM sealed"))
            connection.execute(text("DROP TABLE sealed"))
        else:
            connection.execute(text("SET session_replication_role = replica"))

    @staticmethod
    def without_checks(connection: Any) -> None:
        """As who owns the database could do, or as it was before there was the check."""
        if connection.dialect.name == "sqlite":
            connection.execute(text("PRAGMA ignore_check_constraints = ON"))
        else:
            connection.execute(text("ALTER TABLE audit_seal DROP CONSTRAINT ck_audit_seal_number_from_one"))

    def move_seal(self, connection: Any, number: int, event_id: str) -> None:
        if event_id == "elsewhere":
            self.without_foreign_keys(connection)
        connection.execute(update(audit_seal).where(audit_seal.c.number == number).values(event_id=event_id))
