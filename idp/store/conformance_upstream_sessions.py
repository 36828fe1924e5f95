"""The suite of sessions at upstreams. Needs pytest."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import delete

from idp.domain.upstream_session import UpstreamSession
from idp.store.conformance import START
from idp.store.conformance_rows import SECOND, add_account, add_session
from idp.store.database import Database, Tx
from idp.store.schema import session

METHOD = "pro_sante_connect"
KEPT = UpstreamSession(METHOD, START, "sub", "sid", b"sealed")
ENDS: dict[str, Callable[[Tx, str, str], object]] = {
    "one": lambda tx, _, session_id: tx.sessions.end(session_id, START),
    "all": lambda tx, account_id, _: tx.sessions.end_all(account_id, START),
    "others": lambda tx, account_id, _: tx.sessions.end_others(account_id, "another", START),
}


def _two(database: Database) -> tuple[str, str, str]:
    """account_id, and the session_id of two of its sessions."""
    with database.write() as tx:
        account_id = add_account(tx).account_id
        return account_id, add_session(tx, account_id, "one"), add_session(tx, account_id, "two")


class UpstreamSessionSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_what_is_kept_comes_back_of_its_own_session(self, database: Database) -> None:
        _, one, two = _two(database)
        bare = UpstreamSession("chu", START, "other", None, None)
        with database.write() as tx:
            tx.upstream_sessions.keep(one, KEPT)
            tx.upstream_sessions.keep(one, bare)
        with database.read() as tx:
            assert tx.upstream_sessions.of(one) == [bare, KEPT]
            assert tx.upstream_sessions.of(two) == []

    def test_of_each_method_the_newest_counts(self, database: Database) -> None:
        _, one, _ = _two(database)
        newer = replace(KEPT, sid_digest="newer", sealed=None)
        with database.write() as tx:
            tx.upstream_sessions.keep(one, KEPT)
            tx.upstream_sessions.keep(one, newer)
            assert tx.upstream_sessions.of(one) == [newer]

    def test_sessions_are_found_by_what_they_rest_on(self, database: Database) -> None:
        account_id, one, two = _two(database)
        with database.write() as tx:
            tx.upstream_sessions.keep(one, KEPT)
            tx.upstream_sessions.keep(two, replace(KEPT, sid_digest="another"))
            first, both = [(one, account_id)], [(each, account_id) for each in sorted((one, two))]
            find = partial(tx.upstream_sessions.resting_on, until=START)
            assert find(METHOD, sub_digest=None, sid_digest="sid") == first
            assert find(METHOD, sub_digest="sub", sid_digest="sid") == first
            assert find(METHOD, sub_digest="sub", sid_digest=None) == both
            assert find(METHOD, sub_digest="nobody", sid_digest="sid") == []
            assert find("chu", sub_digest="sub", sid_digest=None) == []
            assert find(METHOD, sub_digest=None, sid_digest=None) == []

    def test_of_all_of_a_person_those_count_that_were_signed_in_to_until_then(self, database: Database) -> None:
        account_id, one, two = _two(database)
        with database.write() as tx:
            tx.upstream_sessions.keep(one, KEPT)
            tx.upstream_sessions.keep(two, replace(KEPT, signed_in_at=START + SECOND))
            find = partial(tx.upstream_sessions.resting_on, METHOD, sub_digest="sub", until=START)
            assert find(sid_digest=None) == [(one, account_id)]
            assert {found for found, _ in find(sid_digest="sid")} == {one, two}

    def test_a_release_that_does_not_know_of_it_purges_its_session(self, database: Database) -> None:
        _, one, _ = _two(database)
        with database.write() as tx:
            tx.upstream_sessions.keep(one, KEPT)
            tx._connection.execute(delete(session).where(session.c.session_id == one))
            assert tx.upstream_sessions.of(one) == []

    @pytest.mark.parametrize("how", ENDS)
    def test_it_goes_when_its_session_ends(self, database: Database, how: str) -> None:
        account_id, one, _ = _two(database)
        with database.write() as tx:
            stranger = add_session(tx, add_account(tx, "karim").account_id, "his")
            tx.upstream_sessions.keep(one, KEPT)
            tx.upstream_sessions.keep(stranger, KEPT)
            ENDS[how](tx, account_id, one)
        with database.read() as tx:
            assert tx.upstream_sessions.of(one) == []
            assert tx.upstream_sessions.of(stranger) == [KEPT]
