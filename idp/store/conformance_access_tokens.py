"""The suite that every store of access tokens must pass. Needs pytest; nothing else of the package imports this module.

class TestMyStore(AccessTokenSuite):
    @pytest.fixture
    def stores(self, clock): yield a migrated Database, an empty Ephemeral and the AccessTokens that go with them
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from idp.domain.access_token import AccessToken, new_identifier
from idp.domain.account import AccountStatus
from idp.domain.client import MAX_TOKEN_LIFETIME
from idp.domain.grant import Grant
from idp.store.access_tokens import AccessTokens
from idp.store.conformance import START, ManualClock
from idp.store.conformance_rows import REFUSED, add_account, add_client, add_grant, add_session
from idp.store.database import Database, Tx
from idp.store.ephemeral import Ephemeral

Stores = tuple[Database, Ephemeral, AccessTokens]
LIFE = timedelta(minutes=5)
RECORD = AccessToken(
    client_id="ror",
    subject="anne",
    scope=("openid", "email"),
    audience="https://idp.example",
    issued_at=int(START.timestamp()),
    expires_at=int((START + LIFE).timestamp()),
    auth_time=int(START.timestamp()),
    acr="eidas1",
    claims={"email": "anne@chu.example", "address": {"locality": "Bègles"}},
)


class AccessTokenSuite:
    """Override the fixture `stores`."""

    @pytest.fixture
    def clock(self) -> ManualClock:
        return ManualClock()

    @pytest.fixture
    def stores(self, clock: ManualClock) -> Stores:
        """A migrated database without rows, an empty ephemeral store, and the access tokens that go with them."""
        raise NotImplementedError

    @pytest.fixture
    def grant(self, stores: Stores) -> Grant:
        """A grant that was redeemed, of the account anne.pierre for the client `ror`."""
        with stores[0].write() as tx:
            add_client(tx)
            account_id = add_account(tx).account_id
            made = add_grant(tx, account_id, add_session(tx, account_id))
            tx.grants.redeem(made.grant_id, START, otherwise=REFUSED)
        return made

    def test_what_is_put_is_found_until_it_expires(self, stores: Stores, grant: Grant, clock: ManualClock) -> None:
        tokens, token, record = stores[2], new_identifier(grant.grant_id), replace(RECORD, grant_id=grant.grant_id)
        tokens.put(token, record)
        clock.advance(LIFE - timedelta(seconds=1))
        assert tokens.find(token) == record
        clock.advance(timedelta(seconds=1))
        assert tokens.find(token) is None

    def test_a_token_of_no_grant_is_found_too(self, stores: Stores) -> None:
        token = new_identifier(None)
        stores[2].put(token, RECORD)
        assert stores[2].find(token) == RECORD

    def test_one_token_is_dropped_alone(self, stores: Stores, grant: Grant) -> None:
        tokens, record = stores[2], replace(RECORD, grant_id=grant.grant_id)
        one, other = new_identifier(grant.grant_id), new_identifier(grant.grant_id)
        tokens.put(one, record)
        tokens.put(other, record)
        tokens.drop(one)
        assert tokens.find(one) is None
        assert tokens.find(other) == record

    @pytest.mark.parametrize("token", ["", "a", "é", "x" * 3000, ".", "..", "a.b.c", f"{'0' * 32}.{'a' * 43}"])
    def test_what_is_no_token_of_ours_is_unknown(self, stores: Stores, token: str) -> None:
        stores[2].drop(token)
        assert stores[2].find(token) is None

    def test_a_handle_alone_opens_nothing(self, stores: Stores, grant: Grant) -> None:
        stores[2].put(new_identifier(grant.grant_id), replace(RECORD, grant_id=grant.grant_id))
        assert stores[2].find(new_identifier(grant.grant_id)) is None

    @pytest.mark.parametrize(
        "end",
        [
            lambda tx, grant: tx.grants.revoke(grant.grant_id, START),
            lambda tx, grant: tx.grants.revoke_for(grant.account_id, "ror", START),
            lambda tx, grant: tx.grants.revoke_of(grant.client_id, START),
            lambda tx, grant: tx.sessions.end(grant.session_id, START),
            lambda tx, grant: tx.sessions.end_all(grant.account_id, START),
        ],
        ids=["grant", "account and client", "client", "session", "account"],
    )
    def test_tokens_die_with_their_grant(
        self, stores: Stores, grant: Grant, end: Callable[[Tx, Grant], object]
    ) -> None:
        db, _, tokens = stores
        before, after = new_identifier(grant.grant_id), new_identifier(grant.grant_id)
        tokens.put(before, replace(RECORD, grant_id=grant.grant_id))
        with db.write() as tx:
            end(tx, grant)
        assert tokens.find(before) is None
        tokens.put(after, replace(RECORD, grant_id=grant.grant_id))
        assert tokens.find(after) is None, "a token that was being made meanwhile is born dead"

    def test_a_token_of_the_longest_life_stays_dead_to_its_end(
        self, stores: Stores, grant: Grant, clock: ManualClock
    ) -> None:
        db, _, tokens = stores
        with db.write() as tx:
            other = add_grant(tx, grant.account_id, grant.session_id, code="other")
        dead, alive = new_identifier(grant.grant_id), new_identifier(other.grant_id)
        long = replace(RECORD, expires_at=int((START + MAX_TOKEN_LIFETIME).timestamp()))
        tokens.put(dead, replace(long, grant_id=grant.grant_id))
        tokens.put(alive, replace(long, grant_id=other.grant_id))
        with db.write() as tx:
            tx.grants.revoke(grant.grant_id, START)
        clock.advance(MAX_TOKEN_LIFETIME - timedelta(seconds=1))
        assert tokens.find(alive)
        assert tokens.find(dead) is None

    def test_others_live_on(self, stores: Stores, grant: Grant) -> None:
        db, _, tokens = stores
        with db.write() as tx:
            other = add_grant(tx, grant.account_id, grant.session_id, code="other")
        token = new_identifier(other.grant_id)
        tokens.put(token, replace(RECORD, grant_id=other.grant_id))
        with db.write() as tx:
            tx.grants.revoke(grant.grant_id, START)
        assert tokens.find(token)

    def test_a_unit_that_is_undone_kills_nothing_in_sql(self, stores: Stores, grant: Grant) -> None:
        """The tokens may be dead already, which asks for a new login and no more."""

        def fail() -> None:
            with stores[0].write() as tx:
                tx.accounts.set_status(grant.account_id, AccountStatus.SUSPENDED, START)
                tx.sessions.end_all(grant.account_id, START)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            fail()
        with stores[0].read() as tx:
            assert tx.grants.live(grant.grant_id)
