"""The suite of emergency codes; part of `idp.store.conformance_sql`. Needs pytest."""

from dataclasses import asdict, replace
from datetime import timedelta

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.domain.emergency import EmergencyCode
from idp.domain.ids import new_id
from idp.store.conformance import RACERS, START, race
from idp.store.conformance_purge import AGES
from idp.store.conformance_rows import HOUR, SECOND, add_account, add_session
from idp.store.database import Database, Tx
from idp.store.schema import emergency_code

IDLE = timedelta(days=1)


def issue(tx: Tx, account_id: str, hours: int = 4) -> EmergencyCode:
    made = EmergencyCode(new_id(), account_id, "digest", "claire", "nadia@support.example", START, START + hours * HOUR)
    tx.emergency_codes.issue(made)
    return made


class EmergencySuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_a_code_comes_back_until_it_expires(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            made = issue(tx, anne)
            assert tx.emergency_codes.live(anne, START) == made
            assert tx.emergency_codes.live(karim, START) is None
            assert tx.emergency_codes.live(anne, made.expires_at - SECOND) == made
            assert tx.emergency_codes.live(anne, made.expires_at) is None
            assert not tx.emergency_codes.use(made.code_id, made.expires_at)
            assert tx.emergency_codes.use(made.code_id, made.expires_at - SECOND)

    def test_a_code_is_used_once(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            made = issue(tx, anne)
            assert not tx.emergency_codes.use("another", START)
            assert tx.emergency_codes.use(made.code_id, START)
            assert not tx.emergency_codes.use(made.code_id, START)
            assert tx.emergency_codes.live(anne, START) is None

    def test_of_many_at_once_one_uses_a_code(self, database: Database) -> None:
        with database.write() as tx:
            made = issue(tx, add_account(tx).account_id)

        def use(_: int) -> bool:
            with database.write() as tx:
                return tx.emergency_codes.use(made.code_id, START)

        assert sorted(race(use)) == [False] * (RACERS - 1) + [True]

    def test_the_newer_one_ends_the_older(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            older, his = issue(tx, anne), issue(tx, karim)
            newer = replace(older, code_id=new_id())
            assert tx.emergency_codes.issue(newer)
            assert tx.emergency_codes.live(anne, START) == newer
            assert not tx.emergency_codes.use(older.code_id, START)
            assert tx.emergency_codes.use(newer.code_id, START)
            assert not tx.emergency_codes.issue(replace(older, code_id=new_id()))
            assert tx.emergency_codes.live(karim, START) == his

    def test_of_many_issued_at_once_one_is_good(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id

        def at_once(_: int) -> str:
            with database.write() as tx:
                tx.accounts.lock(anne)
                return issue(tx, anne).code_id

        made = race(at_once)
        with database.write() as tx:
            found = tx.emergency_codes.live(anne, START)
            assert found is not None
            assert [tx.emergency_codes.use(each, START) for each in sorted(made)].count(True) == 1

    def test_two_that_are_good_cannot_be(self, database: Database) -> None:
        """Where a unit forgets to hold the account, the database refuses."""
        with database.write() as tx:
            made = issue(tx, add_account(tx).account_id)
        other = {**asdict(made), "code_id": new_id()}
        with pytest.raises(IntegrityError), database.engine.begin() as connection:
            connection.execute(insert(emergency_code).values(other))

    def test_those_of_an_account_are_revoked(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            used, his = issue(tx, anne), issue(tx, karim)
            tx.emergency_codes.use(used.code_id, START)
            unused = issue(tx, anne)
            ended = tx.emergency_codes.revoke(anne, START)
            assert sorted(ended) == sorted([(used.code_id, True), (unused.code_id, False)])
            assert tx.emergency_codes.revoke(anne, START) == []
            assert tx.emergency_codes.live(anne, START) is None
            assert not tx.emergency_codes.use(unused.code_id, START)
            assert tx.emergency_codes.revoke(karim, his.expires_at) == []

    def test_what_expired_is_purged_at_once(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            over, good = issue(tx, anne, hours=1), issue(tx, karim, hours=2)
        ages = replace(AGES, now=START + HOUR)
        with database.write() as tx:
            found = tx.purge.find("emergency_code", ages)
            assert found == [(over.code_id,)]
            assert tx.purge.delete("emergency_code", ages, found) == 1
            assert tx.emergency_codes.live(karim, START) == good

    def test_a_session_is_made_shorter_and_never_longer(self, database: Database) -> None:
        with database.write() as tx:
            session_id = add_session(tx, add_account(tx).account_id)
            before = tx.sessions.get(session_id)
            assert before is not None
            for until in (before.expires_at + HOUR, START + SECOND, START + HOUR):
                tx.sessions.shorten(session_id, until)
            after = tx.sessions.get(session_id)
            assert after is not None
            assert after.expires_at == START + SECOND

    def test_a_session_with_a_temporary_proof_is_marked(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            plain, marked = add_session(tx, anne), add_session(tx, anne, "another")
            proof = Proof("password", IdentityRef("login_name", "anne"), Assurance.LOW, ("pwd",), START, "knowledge")
            for session_id, each in ((plain, proof), (marked, proof), (marked, replace(proof, until=START + HOUR))):
                tx.sessions.add_proof(session_id, each)
            found = {each.session_id: each.is_temporary for each in tx.own_data.open_sessions(anne, START, IDLE)}
            assert found == {plain: False, marked: True}
