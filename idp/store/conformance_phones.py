"""The suite of phones and of what they are remembered by; part of `idp.store.conformance_sql`. Needs pytest."""

import pytest

from idp.domain.phone import COOKIE_FOR, KnownPhone, NewPhone, Phone
from idp.errors import InvalidOperation
from idp.store.conformance import RACERS, START, race
from idp.store.conformance_authenticators import add_means, add_passkey
from idp.store.conformance_purge import AGES, NOW
from idp.store.conformance_rows import SECOND, add_account
from idp.store.database import Database, Tx

MADE = NewPhone(b"a key", "the digest of a PIN")


def add_phone(tx: Tx, account_id: str, made: NewPhone = MADE) -> str:
    credential_id = add_means(tx, account_id, "phone", "Mon téléphone")
    tx.phones.add(credential_id, made)
    return credential_id


class PhoneSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_a_phone_comes_back_while_its_credential_lives(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            first, second = add_phone(tx, anne), add_phone(tx, anne, NewPhone(b"another key", "another"))
            stored = Phone(first, anne, "anne.pierre", b"a key", "the digest of a PIN", 0)
            assert tx.phones.find(first) == stored
            assert [each.credential_id for each in tx.phones.of(anne)] == [first, second]
            assert tx.phones.of(karim) == []
            assert "credential:phone" in tx.accounts.owned(anne)
            assert "digest" not in repr(stored)
            assert tx.means.remove(anne, first, START)
            assert tx.phones.find(first) is None
            assert [each.credential_id for each in tx.phones.of(anne)] == [second]

    def test_a_key_is_one_phones(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            add_phone(tx, anne)
        with pytest.raises(InvalidOperation, match="already registered"), database.write() as tx:
            add_phone(tx, karim)
        with database.read() as tx:
            assert tx.means.credentials(karim) == []

    def test_a_browser_is_known_by_its_cookie_while_the_credential_lives(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            phone, passkey = add_phone(tx, anne), add_passkey(tx, anne)
            tx.phones.remember_browser(phone, "1" * 64, START)
            tx.phones.remember_browser(passkey, "2" * 64, START)
            tx.phones.remember_browser(passkey, "3" * 64, START)
            known = KnownPhone(phone, anne, "anne.pierre", "phone", "Mon téléphone")
            assert tx.phones.by_cookie("1" * 64) == known
            for cookie in ("2" * 64, "3" * 64):
                assert tx.phones.by_cookie(cookie) == KnownPhone(passkey, anne, "anne.pierre", "passkey", None)
            assert tx.phones.by_cookie("4" * 64) is None
            tx.means.remove(anne, phone, START)
            assert tx.phones.by_cookie("1" * 64) is None

    def test_wrong_pins_add_up_until_one_is_right(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            mine, other = add_phone(tx, anne), add_phone(tx, anne, NewPhone(b"another key", "another"))
            assert [tx.phones.note_wrong_pin(mine) for _ in range(3)] == [1, 2, 3]
            assert tx.phones.note_wrong_pin(other) == 1
            found = tx.phones.find(mine)
            assert found is not None
            assert found.failures == 3
            assert [row["failures"] for row in tx.personal_data.of(anne)["phones"]] == [3, 1]
            tx.phones.forgive(mine)
            assert [tx.phones.note_wrong_pin(each) for each in (mine, other)] == [1, 2]
            assert tx.phones.note_wrong_pin("nobody's") == 0

    def test_of_wrong_pins_at_once_each_counts(self, database: Database) -> None:
        with database.write() as tx:
            mine = add_phone(tx, add_account(tx).account_id)

        def note(_: int) -> int:
            with database.write() as tx:
                return tx.phones.note_wrong_pin(mine)

        assert sorted(race(note)) == list(range(1, RACERS + 1))

    def test_what_is_stored_of_a_revoked_phone_is_purged_at_once(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            kept, gone = add_phone(tx, anne), add_phone(tx, anne, NewPhone(b"lost", "digest"))
            for number, each in enumerate((kept, gone)):
                tx.phones.remember_browser(each, str(number) * 64, NOW)
            tx.means.remove(anne, gone, NOW)
        with database.write() as tx:
            for kind, key in (("phone", gone), ("phone_cookie", "1" * 64)):
                found = tx.purge.find(kind, AGES)
                assert found == [(key,)]
                assert tx.purge.delete(kind, AGES, found) == 1
                assert tx.purge.find(kind, AGES) == []
            assert [each.credential_id for each in tx.phones.of(anne)] == [kept]

    def test_a_cookie_is_forgotten_when_no_browser_keeps_it(self, database: Database) -> None:
        with database.write() as tx:
            phone = add_phone(tx, add_account(tx).account_id)
            tx.phones.remember_browser(phone, "1" * 64, NOW - COOKIE_FOR)
            tx.phones.remember_browser(phone, "2" * 64, NOW - COOKIE_FOR + SECOND)
            assert tx.purge.find("phone_cookie", AGES) == [("1" * 64,)]
