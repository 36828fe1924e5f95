"""The suite of statements that are sent without SQLAlchemy's execution: they say what they would say with it.

Needs pytest; nothing else of the package imports this module. A subclass gives the fixture
`database`: see `DatabaseSuite`.
"""

from collections.abc import Callable
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    bindparam,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, StatementError

from idp.domain.audit import AuditEvent
from idp.store.conformance import START
from idp.store.conformance_rows import REFUSED, add_client, is_done
from idp.store.database import Database, Tx
from idp.store.prepared import Prepared
from idp.store.schema import Instant

EVENT = AuditEvent("client.created", "operator:test")
kinds = Table(
    "kinds",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("said", String(40)),
    Column("sure", Boolean),
    Column("at", Instant),
    Column("bare", LargeBinary),
    Column("tree", JSON),
    Column("leaf", JSON(none_as_null=True)),
)
FULL: dict[str, Any] = {
    "said": "50 % d'été 🐚",
    "sure": True,
    "at": START.replace(microsecond=123456).astimezone(timezone(timedelta(hours=2))),
    "bare": b"\x00\xff%s",
    "tree": {"a": [1, None, "é"]},
    "leaf": ["%(at)s"],
}
VALUES = [FULL, {**FULL, "sure": False, "tree": [], "at": START.astimezone(UTC)}, dict.fromkeys(FULL)]
ADD, ALL = Prepared(insert(kinds)), Prepared(select(kinds).order_by(kinds.c.number))
SENDERS: dict[str, Callable[[Tx], Any]] = {
    "commit": lambda _: None,
    "prepared": lambda tx: ALL.all(tx._connection),
    "core": lambda tx: tx._connection.execute(select(kinds)),
}


class PreparedSuite:
    """Types, parameters, errors; a unit that is one statement."""

    @pytest.fixture
    def database(self) -> Database:  # migrated, without rows
        raise NotImplementedError

    @pytest.fixture
    def table(self, database: Database) -> Table:
        kinds.metadata.create_all(database.engine)
        return kinds

    @pytest.mark.parametrize("values", VALUES, ids=["full", "other", "null"])
    def test_each_type_is_stored_and_read_as_sqlalchemy_does(
        self, database: Database, table: Table, values: dict[str, Any]
    ) -> None:
        with database.write() as tx:
            tx._connection.execute(insert(table), {"number": 1, **values})
            ADD.run(tx._connection, {"number": 2, **values})
            stored = tx._connection.exec_driver_sql("SELECT * FROM kinds ORDER BY number").all()
            found = [dict(row) for row in tx._connection.execute(select(table).order_by(table.c.number)).mappings()]
            assert stored[0][1:] == stored[1][1:]
            assert ALL.all(tx._connection) == found
        assert {name: found[1][name] for name in values} == values
        assert found[1]["at"] is None or found[1]["at"].tzinfo is UTC

    def test_values_of_the_statement_and_names_that_come_twice(self, database: Database, table: Table) -> None:
        both = (table.c.said == bindparam("said")) | (literal("%") == bindparam("said"))
        find = Prepared(select(table.c.number, literal("50 %").label("share")).where(both, table.c.number > 1))
        with database.write() as tx:
            for number in (1, 2):
                ADD.run(tx._connection, {**FULL, "number": number})
            assert find.all(tx._connection, {"said": FULL["said"]}) == [{"number": 2, "share": "50 %"}]
            assert find.first(tx._connection, {"said": "other"}) is None

    def test_it_is_told_how_many_rows_were_written(self, database: Database, table: Table) -> None:
        forget = Prepared(update(table).where(table.c.number > bindparam("after")).values(said=None))
        with database.write() as tx:
            for number in range(3):
                ADD.run(tx._connection, {**FULL, "number": number})
            assert [forget.run(tx._connection, {"after": after}) for after in (0, 9)] == [2, 0]

    def test_a_list_is_refused(self, database: Database, table: Table) -> None:
        among = Prepared(select(table).where(table.c.number.in_(bindparam("numbers"))))
        with pytest.raises(TypeError, match="a list"), database.read() as tx:
            among.all(tx._connection, {"numbers": [1]})

    def test_a_parameter_that_is_missing_or_wrong_is_refused_with_its_value_untold(
        self, database: Database, table: Table
    ) -> None:
        with pytest.raises(StatementError, match="said"), database.write() as tx:
            ADD.run(tx._connection, {"number": 1})
        with pytest.raises(StatementError, match="naive instant"), database.write() as tx:
            ADD.run(tx._connection, {**FULL, "number": 1, "at": START.replace(tzinfo=None)})
        with pytest.raises(IntegrityError) as refusal:
            is_done(database, lambda tx: [ADD.run(tx._connection, {**FULL, "number": 77}) for _ in range(2)])
        assert "été" not in str(refusal.value)
        with database.read() as tx:
            assert ALL.all(tx._connection) == []

    # -- what may wait --------------------------------------------------------------------

    def test_what_waits_is_written_in_order_whoever_sends_it(self, database: Database, table: Table) -> None:
        said = Prepared(update(table).where(table.c.number == bindparam("of")).values(said=bindparam("word")))
        count = Prepared(select(table.c.said).where(table.c.number == bindparam("of")))
        with database.write() as tx:
            ADD.later(tx._connection, {**FULL, "number": 1})
            said.later(tx._connection, {"of": 1, "word": "first"})
            assert count.all(tx._connection, {"of": 1}) == [{"said": "first"}]
            said.later(tx._connection, {"of": 1, "word": "second"})
            assert tx._connection.scalar(select(table.c.said)) == "second"
            said.later(tx._connection, {"of": 1, "word": "third"})
        with database.read() as tx:
            assert tx._connection.scalar(select(table.c.said)) == "third"

    def test_what_waits_is_undone_with_its_unit(self, database: Database, table: Table) -> None:
        def undone(tx: Tx) -> None:
            ADD.later(tx._connection, {**FULL, "number": 1})
            raise REFUSED

        assert not is_done(database, undone)
        with database.write() as tx:
            assert ALL.all(tx._connection) == []
            ADD.later(tx._connection, {**FULL, "number": 2})
            tx._connection.execute(select(table))
            ADD.later(tx._connection, {**FULL, "number": 3})
            tx._connection.rollback()
        with database.read() as tx:
            assert ALL.all(tx._connection) == []

    @pytest.mark.parametrize("sender", SENDERS.values(), ids=SENDERS)
    def test_what_waits_and_is_refused_undoes_its_unit(
        self, database: Database, table: Table, sender: Callable[[Tx], Any]
    ) -> None:
        def twice(tx: Tx) -> None:
            for _ in range(2):
                ADD.later(tx._connection, {**FULL, "number": 1})
            sender(tx)

        with pytest.raises(IntegrityError):
            is_done(database, twice)
        with database.write() as tx:
            assert ALL.all(tx._connection) == []

    @pytest.mark.parametrize("sender", SENDERS.values(), ids=SENDERS)
    def test_what_must_write_and_does_not_undoes_its_unit(
        self, database: Database, table: Table, sender: Callable[[Tx], Any]
    ) -> None:
        forget = Prepared(update(table).where(table.c.number == bindparam("of")).values(said=None))

        def change(tx: Tx, of: int, number: int) -> None:
            ADD.later(tx._connection, {**FULL, "number": number})
            forget.must(tx._connection, {"of": of}, REFUSED)
            sender(tx)

        done = [is_done(database, lambda tx, each=each: change(tx, *each)) for each in ((1, 1), (9, 2), (1, 3), (4, 4))]  # type: ignore[misc]
        assert done == [True, False, True, True]
        with database.read() as tx:
            assert [(row["number"], row["said"]) for row in ALL.all(tx._connection)] == [
                (1, None),
                (3, FULL["said"]),
                (4, None),
            ]

    # -- a unit that is one event ------------------------------------------------------

    def test_an_event_by_itself_is_committed(self, database: Database) -> None:
        database.append(EVENT, START, "request")
        with database.read() as tx:
            (found,) = tx.audit.latest(2)
        assert (found.event, found.at, found.request_id) == (EVENT, START, "request")

    def test_its_personal_values_are_written_with_it_or_not_at_all(self, database: Database) -> None:
        personal = AuditEvent("login.failed", "anonymous", personal={"network": "192.0.2.0/24"})
        database.append(personal, START)
        bad = AuditEvent("login.failed", "anonymous", personal={"network": START})  # type: ignore[dict-item]
        with pytest.raises((StatementError, TypeError)):
            database.append(bad, START)
        with database.read() as tx:
            assert [each.event for each in tx.audit.latest(3)] == [personal]

    @pytest.mark.parametrize("at", [START, START.replace(tzinfo=None)], ids=["written", "refused"])
    def test_the_units_after_it_are_still_units(self, database: Database, at: Any) -> None:
        with database.write() as tx:
            tx.clients.all()  # one connection is kept, which `append` takes
        try:
            database.append(EVENT, at)
        except StatementError:
            assert at is not START
        with database.write() as tx:
            add_client(tx)
            tx.audit.record(EVENT, START)
            tx._connection.rollback()
        with database.read() as tx:
            assert tx.clients.all() == []
            assert len(tx.audit.latest(3)) == (1 if at is START else 0)

    # -- a unit that has ended ---------------------------------------------------------

    @pytest.mark.parametrize("was_used", [True, False])
    def test_a_unit_that_has_ended_is_asked_nothing(self, database: Database, was_used: bool) -> None:
        """Its connection is kept, and is that of the unit after it."""
        with database.write() as ended:
            if was_used:
                add_client(ended)
        with database.write() as tx:
            assert len(tx.clients.all()) == was_used
            with pytest.raises(RuntimeError):
                ended.clients.all()
