"""The suite of what migrations make of rows that are there; part of `idp.store.conformance_sql`. Needs pytest."""

from datetime import timedelta

import alembic.command
import pytest

from idp.store.conformance import START
from idp.store.conformance_rows import HOUR, add_account, add_session
from idp.store.database import Database, _alembic


def go_back(database: Database, revision: str) -> None:
    with database.engine.connect() as connection:
        connection.execution_options(sesame_writes=True)
        config = _alembic()
        config.attributes["connection"] = connection
        with connection.begin():
            alembic.command.downgrade(config, revision)


class MigrationSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    @pytest.fixture
    def database(self) -> Database:  # migrated, without rows
        raise NotImplementedError

    def test_who_signed_in_before_there_were_federations_has_signed_in(self, database: Database) -> None:
        with database.write() as tx:
            never, revoked, card, code, known = (
                add_account(tx, name).account_id for name in ("never", "revoked", "card", "code", "known")
            )
            password = tx.accounts.set_password(revoked, "digest", "knowledge", START)
            assert tx.means.use(revoked, [password], None, START + HOUR)
            tx.means.remove(revoked, password, START + 2 * HOUR)
            tx.accounts.set_password(never, "digest", "knowledge", START)
            tx.means.add_link(card, "cps_card", START)
            assert tx.means.use(card, [], "cps_card", START + HOUR)
            add_session(tx, code)
            tx.browsers.meet(known, "0" * 64, START, since=START - timedelta(days=1))
        go_back(database, "0003")
        database.migrate()
        with database.read() as tx:
            found = {each: tx.accounts.get(each) for each in (never, revoked, card, code, known)}
        assert {each: account is not None and account.signed_in_at for each, account in found.items()} == {
            never: None,
            revoked: START + HOUR,
            card: START + HOUR,
            code: START,
            known: START,
        }
