"""The access tokens of one process pass the suite; what two of their ways have in common."""

from collections.abc import Iterator
from pathlib import Path

import fakeredis
import pytest

from idp.errors import Unavailable
from idp.store import Database, Ephemeral
from idp.store.access_tokens import CheckedAccessTokens, MarkedAccessTokens, open_stores
from idp.store.conformance import START, ManualClock
from idp.store.conformance_access_tokens import AccessTokenSuite, Stores
from idp.store.conformance_rows import add_account, add_client, add_grant, add_session


class TestEmbedded(AccessTokenSuite):
    @pytest.fixture
    def stores(self, clock: ManualClock, tmp_path: Path) -> Iterator[Stores]:
        db, ephemeral, tokens = open_stores(f"sqlite:///{tmp_path / 'sesame.db'}", "embedded", clock)
        assert isinstance(tokens, CheckedAccessTokens)
        db.migrate()
        yield db, ephemeral, tokens
        db.close()


class TestMarked(AccessTokenSuite):
    """The way of several processes, on a store of this one."""

    @pytest.fixture
    def clock(self, monkeypatch: pytest.MonkeyPatch) -> ManualClock:
        """The store's own too, which lets keys expire."""
        made = ManualClock()
        monkeypatch.setattr("time.time", lambda: made.now().timestamp())
        return made

    @pytest.fixture
    def stores(self, clock: ManualClock, tmp_path: Path) -> Iterator[Stores]:
        ephemeral = Ephemeral(fakeredis.FakeRedis(), clock)
        tokens = MarkedAccessTokens(ephemeral, clock)
        db = Database(f"sqlite:///{tmp_path / 'sesame.db'}", announce=tokens.announce)
        db.migrate()
        yield db, ephemeral, tokens
        db.close()


def test_a_revocation_that_cannot_be_announced_is_not_done(tmp_path: Path) -> None:
    def announce(_grant_ids: object) -> None:
        raise Unavailable("ephemeral store: gone")

    db = Database(f"sqlite:///{tmp_path / 'sesame.db'}", announce=announce)
    db.migrate()
    with db.write() as tx:
        add_client(tx)
        account_id = add_account(tx).account_id
        grant = add_grant(tx, account_id, add_session(tx, account_id))
    with pytest.raises(Unavailable), db.write() as tx:
        tx.sessions.end_all(account_id, START)
    with db.read() as tx:
        assert tx.grants.live(grant.grant_id)
    db.close()
