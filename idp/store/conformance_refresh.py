"""The part of the suite of SQL databases that speaks of refresh tokens and of grants that are revoked."""

from datetime import datetime, timedelta

import pytest

from idp.domain.account import AccountStatus
from idp.domain.refresh import GRACE
from idp.store.conformance import RACERS, START, race
from idp.store.conformance_rows import (
    HOUR,
    IDLE,
    REFUSED,
    SECOND,
    add_account,
    add_client,
    add_grant,
    add_session,
    is_done,
    proof,
)
from idp.store.database import Database, Tx

FIRST = "refresh-token"


def add_refresh_token(tx: Tx, *, needs_entitlement: bool = False) -> str:
    """A grant with the refresh token FIRST; its id."""
    add_client(tx, needs_entitlement=needs_entitlement)
    account_id = add_account(tx).account_id
    grant = add_grant(tx, account_id, add_session(tx, account_id), proof=proof())
    tx.refresh_tokens.add(FIRST, grant.grant_id, START)
    return grant.grant_id


class RefreshSuite:
    """Needs the fixture `database`."""

    def test_a_refresh_token_is_found_with_what_it_depends_on(self, database: Database) -> None:
        with database.write() as tx:
            grant_id = add_refresh_token(tx)
        with database.write() as tx:
            found = tx.refresh_tokens.find(FIRST, START)
            assert found
            assert found.grant == tx.grants.live(grant_id)
            assert found.grant.proof == proof()
            assert (found.created_at, found.used_at, found.ends_at) == (START, None, START + 4 * HOUR)
            assert found.session
            assert found.session.session_id == found.grant.session_id
            assert found.holder.is_active
            assert found.is_entitled
            assert found.holder.signed_in_at is None
            tx.accounts.note_login(found.grant.account_id, START)
            found = tx.refresh_tokens.find(FIRST, START)
            assert found
            assert found.holder.signed_in_at == START
            assert tx.refresh_tokens.find("another", START) is None

    def test_it_says_what_has_changed_since(self, database: Database) -> None:
        with database.write() as tx:
            add_refresh_token(tx, needs_entitlement=True)
            found = tx.refresh_tokens.find(FIRST, START)
            assert found
            assert not found.is_entitled
            account_id, client_id = found.grant.account_id, found.grant.client_id
            tx.accounts.grant(account_id, client_id, "operator:test", START, START + HOUR)
            entitled = [tx.refresh_tokens.find(FIRST, at) for at in (START, START + HOUR)]
            assert [each and each.is_entitled for each in entitled] == [True, False]
            tx.clients.set_enabled(client_id, False)
            tx.accounts.set_status(account_id, AccountStatus.SUSPENDED, START)
            tx.sessions.end(found.grant.session_id, START)
            found = tx.refresh_tokens.find(FIRST, START)
            assert found
            assert (found.is_entitled, found.holder.is_active, found.session) == (False, False, None)
            assert found.grant.revoked_at == START

    def test_a_session_is_used_while_it_lives(self, database: Database) -> None:
        with database.write() as tx:
            session_id = add_session(tx, add_account(tx).account_id)

        def is_used(at: datetime) -> bool:
            return is_done(database, lambda tx: tx.sessions.use(session_id, at, IDLE, otherwise=REFUSED))

        assert not is_used(START + IDLE)
        for minutes in range(0, 240, 20):
            assert is_used(START + timedelta(minutes=minutes))
        assert not is_used(START + 4 * HOUR)
        with database.write() as tx:
            tx.sessions.end(session_id, START)
        assert not is_used(START + timedelta(minutes=221))

    def test_a_session_that_ended_is_not_touched(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx, needs_entitlement=False)
            session_id = add_session(tx, add_account(tx).account_id)
        for is_alive in (True, False):
            touched = is_done(database, lambda tx: tx.sessions.must_touch(session_id, "ror", START, otherwise=REFUSED))
            assert touched == is_alive
            with database.write() as tx:
                tx.sessions.end(session_id, START)

    def test_a_session_is_not_touched_for_a_client_that_its_holder_may_not_open(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            account_id = add_account(tx).account_id
            session_id = add_session(tx, account_id)

        def may_open(client_id: str = "ror", now: datetime = START) -> bool:
            return is_done(database, lambda tx: tx.sessions.must_touch(session_id, client_id, now, otherwise=REFUSED))

        assert not may_open()
        with database.write() as tx:
            tx.accounts.grant(account_id, "ror", "operator", START, START + HOUR)
        assert may_open()
        assert not may_open(now=START + HOUR)
        assert not may_open("unknown")
        with database.write() as tx:
            tx.accounts.revoke(account_id, "ror", START)
        assert not may_open()

    def test_offline_access_outlives_its_session_and_nothing_else(self, database: Database) -> None:
        with database.write() as tx:
            add_client(tx)
            account_id = add_account(tx).account_id
            session_id = add_session(tx, account_id)
            bound, offline, unused = (add_grant(tx, account_id, session_id, code=code) for code in "abc")
            tx.grants.redeem(bound.grant_id, START, otherwise=REFUSED)
            tx.grants.redeem(offline.grant_id, START, otherwise=REFUSED, offline_until=START + HOUR)
            tx.sessions.end(session_id, START)
            assert sorted(tx.revoked) == sorted([bound.grant_id, unused.grant_id])
            assert tx.grants.live(offline.grant_id)
            tx.sessions.end_all(account_id, START)
            assert tx.grants.live(offline.grant_id) is None

    def test_a_refresh_token_is_used_once(self, database: Database) -> None:
        with database.write() as tx:
            add_refresh_token(tx)
            found = tx.refresh_tokens.find(FIRST, START)
        assert found

        def use(_: int) -> bool:
            return is_done(database, lambda tx: tx.refresh_tokens.use(found.token_digest, START, otherwise=REFUSED))

        assert race(use).count(True) == 1

    @pytest.mark.parametrize(("after", "allowed"), [(GRACE - SECOND, True), (GRACE, False)])
    def test_a_used_token_may_be_sent_again_at_once_only(
        self, database: Database, after: timedelta, allowed: bool
    ) -> None:
        with database.write() as tx:
            self._exchange(tx, FIRST, "second")
            assert tx.refresh_tokens.use_again(self._digest(tx, FIRST), START + after) is allowed

    def test_what_came_of_it_first_is_withdrawn(self, database: Database) -> None:
        with database.write() as tx:
            self._exchange(tx, FIRST, "second")
            assert tx.refresh_tokens.use_again(self._digest(tx, FIRST), START)
            found = tx.refresh_tokens.find("second", START)
            assert found
            assert found.used_at == START
            assert not tx.refresh_tokens.use_again(found.token_digest, START), "somebody else holds its successor"

    def test_it_may_not_once_its_successor_was_used(self, database: Database) -> None:
        with database.write() as tx:
            self._exchange(tx, FIRST, "second")
            self._exchange(tx, "second", "third")
            assert not tx.refresh_tokens.use_again(self._digest(tx, FIRST), START)
            found = tx.refresh_tokens.find("third", START)
            assert found
            assert found.used_at is None

    def test_of_many_exchanges_at_once_one_successor_is_left(self, database: Database) -> None:
        with database.write() as tx:
            grant_id = add_refresh_token(tx)
            parent = self._digest(tx, FIRST)

        def exchange(number: int) -> bool:
            def follow(tx: Tx) -> None:
                tx.refresh_tokens.add(f"successor{number}", grant_id, START, parent_digest=parent)

            def first(tx: Tx) -> None:
                tx.refresh_tokens.use(parent, START, otherwise=REFUSED)
                follow(tx)

            def again(tx: Tx) -> None:
                assert tx.refresh_tokens.use_again(parent, START)
                follow(tx)

            return is_done(database, first) or is_done(database, again)

        assert race(exchange) == [True] * RACERS
        with database.read() as tx:
            found = [tx.refresh_tokens.find(f"successor{number}", START) for number in range(RACERS)]
        assert [each.used_at for each in found if each].count(None) == 1

    @staticmethod
    def _digest(tx: Tx, token: str) -> str:
        found = tx.refresh_tokens.find(token, START)
        assert found
        return found.token_digest

    def _exchange(self, tx: Tx, token: str, successor: str) -> None:
        if token == FIRST:
            add_refresh_token(tx)
        found = tx.refresh_tokens.find(token, START)
        assert found
        tx.refresh_tokens.use(found.token_digest, START, otherwise=REFUSED)
        tx.refresh_tokens.add(successor, found.grant.grant_id, START, parent_digest=found.token_digest)
