"""The suite of authenticator applications and passkeys; part of `idp.store.conformance_sql`. Needs pytest."""

from dataclasses import replace

import pytest

from idp.domain.authn import Assurance, IdentityRef, Proof
from idp.domain.enrolled import CredentialRecord, NewPasskey, TotpSecret
from idp.domain.ids import new_id
from idp.domain.means import Credential
from idp.errors import InvalidOperation
from idp.store.conformance import RACERS, START, race
from idp.store.conformance_purge import AGES
from idp.store.conformance_rows import SECOND, add_account
from idp.store.database import Database, Tx

HOST = "idp.example"
KEY = NewPasskey(b"its own id", b"COSE", 7, is_backup_eligible=True, rp_id=HOST, transports=("internal", "hybrid"))


def add_means(tx: Tx, account_id: str, kind: str, name: str | None = None) -> str:
    made = Credential(new_id(), kind, kind, Assurance.MEDIUM, START, name)
    tx.means.add_credential(account_id, made)
    return made.credential_id


def add_secret(tx: Tx, account_id: str, sealed: bytes = b"sealed", last_step: int = 100) -> str:
    credential_id = add_means(tx, account_id, "totp", "téléphone")
    tx.totp_secrets.add(TotpSecret(credential_id, sealed, last_step))
    return credential_id


def add_passkey(tx: Tx, account_id: str, made: NewPasskey = KEY) -> str:
    if tx.passkeys.handle(account_id) is None:
        tx.passkeys.set_handle(account_id, account_id.encode())
    credential_id = add_means(tx, account_id, "passkey")
    tx.passkeys.add(credential_id, made)
    return credential_id


class AuthenticatorSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_a_secret_comes_back_while_its_credential_lives(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            first, second = add_secret(tx, anne), add_secret(tx, anne, b"other", 5)
            assert tx.totp_secrets.of(anne) == [TotpSecret(first, b"sealed", 100), TotpSecret(second, b"other", 5)]
            assert tx.totp_secrets.of(karim) == []
            (shown, _) = tx.means.credentials(anne)
            assert (shown.kind, shown.anchor, shown.name, shown.enrolled) == (
                "totp",
                "totp",
                "téléphone",
                Assurance.MEDIUM,
            )
            assert "credential:totp" in tx.accounts.owned(anne)
            assert tx.means.remove(anne, first, START)
            assert [each.credential_id for each in tx.totp_secrets.of(anne)] == [second]

    def test_a_step_is_spent_once_and_none_before_it(self, database: Database) -> None:
        with database.write() as tx:
            mine, other = (add_secret(tx, add_account(tx, login).account_id) for login in ("anne", "karim"))
            assert not tx.totp_secrets.spend(mine, 100)
            assert not tx.totp_secrets.spend(mine, 99)
            assert tx.totp_secrets.spend(mine, 102)
            assert not tx.totp_secrets.spend(mine, 102)
            assert not tx.totp_secrets.spend(mine, 101)
            assert tx.totp_secrets.spend(other, 101)

    def test_of_many_at_once_one_spends_a_step(self, database: Database) -> None:
        with database.write() as tx:
            mine = add_secret(tx, add_account(tx).account_id)

        def spend(_: int) -> bool:
            with database.write() as tx:
                return tx.totp_secrets.spend(mine, 101)

        assert sorted(race(spend)) == [False] * (RACERS - 1) + [True]

    def test_tries_are_counted_up_to_a_number_for_each_that_lives(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            mine, his, lost = add_secret(tx, anne), add_secret(tx, karim), add_secret(tx, anne)
            tx.means.remove(anne, lost, START)
            (counted,) = tx.totp_secrets.count_try(anne, START, most=2)
            assert (counted.credential_id, counted.tries, counted.blocked_at) == (mine, 1, None)
            later = add_secret(tx, anne)
            found = tx.totp_secrets.count_try(anne, START + SECOND, most=2)
            assert [(each.credential_id, each.tries, each.blocked_at) for each in found] == [
                (mine, 2, START + SECOND),
                (later, 1, None),
            ]
            (last,) = tx.totp_secrets.count_try(anne, START + SECOND, most=2)
            assert last.credential_id == later
            assert tx.totp_secrets.count_try(anne, START, most=2) == []
            assert tx.totp_secrets.of(karim)[0].tries == 0
            assert tx.totp_secrets.forgive(anne, credential_id=later)
            assert [each.tries for each in tx.totp_secrets.of(anne)] == [2, 0]
            assert not tx.totp_secrets.forgive(anne, credential_id=his)
            assert tx.totp_secrets.forgive(anne)
            assert [(each.tries, each.blocked_at) for each in tx.totp_secrets.of(anne)] == [(0, None), (0, None)]

    def test_of_many_tries_at_once_the_last_one_is_one(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            add_secret(tx, anne)

        def guess(_: int) -> int:
            with database.write() as tx:
                return sum(each.tries for each in tx.totp_secrets.count_try(anne, START, most=3))

        assert sorted(race(guess)) == [0] * (RACERS - 3) + [1, 2, 3]

    def test_proofs_of_an_account_since_an_instant(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx), add_account(tx, "karim")
            for account, at in ((anne, START), (anne, START + 2 * SECOND), (karim, START + 2 * SECOND)):
                session_id = tx.sessions.open(
                    f"{account.account_id} {at}", account.account_id, at, lifetime=SECOND, user_agent="", ip_prefix=""
                )
                identity = IdentityRef("login_name", account.login_name)
                tx.sessions.add_proof(session_id, Proof("password", identity, Assurance.LOW, ("pwd",), at, "knowledge"))
            tx.sessions.end_all(anne.account_id, START + 3 * SECOND)
            (found,) = tx.sessions.proofs_since(anne.account_id, START + SECOND)
            assert (found.identity.value, found.at) == (anne.login_name, START + 2 * SECOND)
            assert tx.sessions.proofs_since(anne.account_id, START + 2 * SECOND) == []

    def test_what_is_sealed_otherwise_is_found_and_sealed_again_once(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            add_secret(tx, anne, b"\x02new and")
            old = add_secret(tx, anne, b"\x01old")
            (found,) = tx.totp_secrets.sealed_otherwise(b"\x02new")
            assert found == TotpSecret(old, b"\x01old", 100)
            assert tx.totp_secrets.seal_again(found, b"\x02new too")
            assert not tx.totp_secrets.seal_again(found, b"\x02new three")
            assert tx.totp_secrets.sealed_otherwise(b"\x02new") == []
            every = tx.totp_secrets.sealed_otherwise(b"\x03")
            assert [each.credential_id for each in every] == sorted(each.credential_id for each in every)
            assert tx.totp_secrets.sealed_otherwise(b"\x03", after=every[0].credential_id) == every[1:]
            assert tx.totp_secrets.beginnings(4) == {b"\x02new": 2}
            assert tx.totp_secrets.of(anne)[1].sealed == b"\x02new too"

    def test_a_passkey_is_found_by_its_id_while_its_credential_lives(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            assert tx.passkeys.handle(anne) is None
            mine = add_passkey(tx, anne)
            record = CredentialRecord(
                mine, anne, "anne.pierre", anne.encode(), b"its own id", b"COSE", 7, True, ("internal", "hybrid")
            )
            assert tx.passkeys.find(b"its own id") == record
            assert tx.passkeys.of(anne) == [record]
            assert tx.passkeys.of(karim) == []
            assert tx.passkeys.find(b"its own") is None
            assert tx.means.remove(anne, mine, START)
            assert tx.passkeys.find(b"its own id") is None
            assert tx.passkeys.of(anne) == []
            assert tx.passkeys.handle(anne) == anne.encode()
            add_passkey(tx, karim, replace(KEY, webauthn_id=b"his"))
            tx.passkeys.drop_handle(anne)
            assert tx.passkeys.handle(anne) is None
            assert tx.passkeys.handle(karim) == karim.encode()

    def test_keys_for_another_host_are_counted_while_they_live(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            mine = add_passkey(tx, anne)
            assert (tx.passkeys.of_other_hosts(HOST), tx.passkeys.of_other_hosts("www.idp.example")) == (0, 1)
            assert tx.means.remove(anne, mine, START)
            assert tx.passkeys.of_other_hosts("www.idp.example") == 0

    def test_an_id_is_one_accounts(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            add_passkey(tx, anne)
        with pytest.raises(InvalidOperation, match="already registered"), database.write() as tx:
            add_passkey(tx, karim)
        with database.read() as tx:
            assert tx.means.credentials(karim) == []

    def test_a_counter_goes_on_or_is_none(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            counted = add_passkey(tx, anne)
            without = add_passkey(tx, anne, NewPasskey(b"synced", b"COSE", 0, is_backup_eligible=True, rp_id=HOST))
            assert [tx.passkeys.count(counted, each) for each in (7, 6, 0, 8, 8)] == [False, False, False, True, False]
            assert [tx.passkeys.count(without, each) for each in (0, 0, 3, 0)] == [True, True, True, False]

    def test_of_many_at_once_one_has_a_count(self, database: Database) -> None:
        with database.write() as tx:
            mine = add_passkey(tx, add_account(tx).account_id)

        def count(_: int) -> bool:
            with database.write() as tx:
                return tx.passkeys.count(mine, 8)

        assert sorted(race(count)) == [False] * (RACERS - 1) + [True]

    def test_what_is_revoked_is_purged_at_once_and_the_credential_stays(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            kept = [add_secret(tx, anne), add_passkey(tx, anne)]
            gone = [add_secret(tx, anne), add_passkey(tx, anne, NewPasskey(b"lost", b"COSE", 0, False, HOST))]
            for each in gone:
                tx.means.remove(anne, each, START)
        with database.write() as tx:
            for kind, credential_id in zip(("totp_secret", "passkey"), gone, strict=True):
                found = tx.purge.find(kind, AGES)
                assert found == [(credential_id,)]
                assert tx.purge.delete(kind, AGES, found) == 1
                assert tx.purge.find(kind, AGES) == []
            assert [each.credential_id for each in tx.means.credentials(anne)] == kept

    def test_kinds_are_revoked_together(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            add_secret(tx, anne)
            add_passkey(tx, anne)
            his = add_secret(tx, karim)
            password = tx.accounts.set_password(anne, "digest", "knowledge", START)
            tx.means.revoke_kinds(anne, ("totp", "passkey"), START, made_since=START + SECOND)
            assert len(tx.means.credentials(anne)) == 3
            tx.means.revoke_kinds(anne, ("totp",), START, made_since=START)
            assert [each.kind for each in tx.means.credentials(anne)] == ["passkey", "password"]
            tx.means.revoke_kinds(anne, ("totp", "passkey"), START)
            assert [each.credential_id for each in tx.means.credentials(anne)] == [password]
            assert [each.credential_id for each in tx.means.credentials(karim)] == [his]
