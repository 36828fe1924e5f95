"""The suite of suspensions of methods; part of `idp.store.conformance_stored`. Needs pytest."""

from dataclasses import replace
from datetime import datetime

import pytest

from idp.domain.authn import Proof
from idp.domain.ids import new_id
from idp.domain.suspension import MethodSuspension
from idp.errors import InvalidOperation
from idp.store.conformance import START, race
from idp.store.conformance_rows import HOUR, IDLE, SECOND, add_account, add_session, proof
from idp.store.database import Database


def suspension(method: str = "password", until: datetime = START + HOUR) -> MethodSuspension:
    return MethodSuspension(new_id(), method, START, until, "une faille « connue »", "claire")


class SuspensionSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_they_come_back_as_they_were_recorded(self, database: Database) -> None:
        made = [suspension(), suspension("cps_card", START + 2 * HOUR)]
        with database.write() as tx:
            assert tx.method_suspensions.all() == []
            for each in made:
                tx.method_suspensions.add(each)
            assert tx.method_suspensions.all() == made

    def test_each_change_is_one_of_the_configuration(self, database: Database) -> None:
        with database.write() as tx:
            before = tx.meta.config_version
            tx.method_suspensions.add(suspension())
            between = tx.meta.config_version
            tx.method_suspensions.end("password", START + SECOND, "nadia")
            assert before < between < tx.meta.config_version

    def test_another_one_lasts_longer_or_is_refused(self, database: Database) -> None:
        with database.write() as tx:
            tx.method_suspensions.add(suspension())
        for until in (START + HOUR, START + HOUR - SECOND):
            with pytest.raises(InvalidOperation, match="suspended already"), database.write() as tx:
                tx.method_suspensions.add(suspension(until=until))
        with database.write() as tx:
            tx.method_suspensions.add(suspension(until=START + 2 * HOUR))
            tx.method_suspensions.add(suspension("cps_card"))
            assert len(tx.method_suspensions.all()) == 3

    def test_of_several_at_once_one_is_recorded(self, database: Database) -> None:
        def record(_number: int) -> bool:
            try:
                with database.write() as tx:
                    tx.method_suspensions.add(suspension())
            except InvalidOperation:
                return False
            return True

        assert sum(race(record)) == 1

    def test_an_end_before_its_time(self, database: Database) -> None:
        first, longer, other = suspension(), suspension(until=START + 2 * HOUR), suspension("cps_card")
        with database.write() as tx:
            for each in (first, longer, other):
                tx.method_suspensions.add(each)
            ended = tx.method_suspensions.end("password", START + SECOND, "nadia")
            assert ended == [first, longer]
            kept = [replace(each, ended_at=START + SECOND, ended_by="nadia") for each in ended]
            assert sorted(tx.method_suspensions.all(), key=str) == sorted([*kept, other], key=str)
        for method in ("password", "email_otp"):
            with pytest.raises(InvalidOperation, match="not suspended"), database.write() as tx:
                tx.method_suspensions.end(method, START + 2 * SECOND, "nadia")

    def test_what_is_over_is_ended_no_more(self, database: Database) -> None:
        with database.write() as tx:
            tx.method_suspensions.add(suspension())
        with pytest.raises(InvalidOperation, match="not suspended"), database.write() as tx:
            tx.method_suspensions.end("password", START + HOUR, "nadia")

    def test_live_sessions_by_their_proofs(self, database: Database) -> None:
        made: dict[str, Proof] = {
            "alone": proof(),
            "as first": replace(proof(), method="email_otp", after="password"),
            "other": replace(proof(), method="cps_card"),
            "ended": proof(),
        }
        with database.write() as tx:
            anne = add_account(tx).account_id
            for cookie, each in made.items():
                session_id = add_session(tx, anne, cookie)
                for _ in range(2):
                    tx.sessions.add_proof(session_id, each)
            tx.sessions.end(session_id, START)
            count = tx.method_suspensions.sessions
            assert [count(method, START, IDLE) for method in ("password", "email_otp", "totp")] == [2, 1, 0]
            assert count("password", START + IDLE, IDLE) == 0, "they are idle"
