"""The suite of what migrations make of rows that are there; part of `idp.store.conformance_sql`. Needs pytest."""

from datetime import timedelta

import alembic.command
import pytest
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from idp.domain.phone import NewPhone
from idp.store import migrating
from idp.store.conformance import START
from idp.store.conformance_audit import faults, forge_seal, record
from idp.store.conformance_authenticators import add_passkey, add_secret
from idp.store.conformance_phones import add_phone
from idp.store.conformance_rows import HOUR, add_account, add_session
from idp.store.database import Database
from idp.store.schema import audit_seal


def go_back(database: Database, revision: str) -> None:
    with database.engine.connect() as connection:
        connection.execution_options(sesame_writes=True)
        config = migrating.configuration()
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

    def test_an_event_that_was_kept_out_of_the_chain_before_still_shows(self, database: Database) -> None:
        go_back(database, "0014")
        record(database, START)
        with database.engine.begin() as connection:
            forge_seal(connection, -1)
        database.migrate()
        assert faults(database) == [-1]
        with pytest.raises(IntegrityError, match="number_from_one"), database.engine.begin() as connection:
            connection.execute(update(audit_seal).values(number=-2))

    @pytest.mark.parametrize(("revision", "kept"), [("0005", {"password", "totp", "passkey"}), ("0004", {"password"})])
    def test_who_goes_back_has_no_means_that_proves_nothing(
        self, database: Database, revision: str, kept: set[str]
    ) -> None:
        """Its secret or its key went with its table; revoked before, it keeps its instant."""
        with database.write() as tx:
            anne = add_account(tx).account_id
            tx.accounts.set_password(anne, "digest", "knowledge", START)
            earlier = [add_secret(tx, anne), add_phone(tx, anne, NewPhone(b"another key", "another"))]
            for each in earlier:
                tx.means.remove(anne, each, START)
            lost = {add_secret(tx, anne), add_passkey(tx, anne), add_phone(tx, anne)}
        go_back(database, revision)
        database.migrate()
        with database.read() as tx:
            alive = {each.kind: each.credential_id for each in tx.means.credentials(anne)}
            rows = {row["credential_id"]: row["revoked_at"] for row in tx.personal_data.of(anne)["credentials"]}
        assert alive.keys() == kept
        assert {rows[each] for each in earlier} == {START}
        assert all(rows[each] > START for each in lost - set(alive.values()))
