"""The suite of what people change of their own account; part of `idp.store.conformance_sql`. Needs pytest."""

import pytest

from idp.domain.authn import IdentityRef
from idp.errors import InvalidOperation
from idp.store.conformance import START
from idp.store.conformance_rows import HOUR, IDLE, SECOND, add_account, add_client, add_grant, add_session
from idp.store.database import Database
from idp.store.pictures import Picture

OLD, NEW = IdentityRef("email", "anne@chu.example"), IdentityRef("email", "anne@clinique.example")
IMAGE = Picture("image/jpeg", b"\xff\xd8\x00\xff", START)


class ProfileSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_an_address_takes_the_place_of_another(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx, email=OLD.value)
            tx.profiles.set_email(anne.account_id, NEW.value, "holder", START + HOUR)
        with database.read() as tx:
            found = tx.accounts.find(NEW)
            assert found
            assert tx.accounts.find(OLD) is None
            assert tx.means.origin(NEW) == "holder"
            assert found.identities == {"login_name": "anne.pierre", "email": NEW.value}
            assert (found.verified_email, found.updated_at) == (NEW.value, START + HOUR)

    def test_an_address_that_is_anothers_changes_nothing(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx, email=OLD.value)
            karim = add_account(tx, "karim.benali", NEW.value)
        with pytest.raises(InvalidOperation, match="in use"), database.write() as tx:
            tx.profiles.set_email(anne.account_id, NEW.value, "holder", START + HOUR)
        with database.read() as tx:
            mine, theirs = tx.accounts.find(OLD), tx.accounts.find(NEW)
            assert mine
            assert theirs
            assert (mine.account_id, mine.email, mine.updated_at) == (anne.account_id, OLD.value, START)
            assert theirs.account_id == karim.account_id

    def test_the_first_address_of_an_account(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx)
            tx.profiles.set_email(anne.account_id, NEW.value, "support", START)
        with database.read() as tx:
            found = tx.accounts.find(NEW)
            assert found
            assert found.email_verified

    def test_an_address_is_believed_no_more(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx), add_account(tx, "karim.benali", OLD.value)
            tx.profiles.set_email(anne.account_id, NEW.value, "holder", START)
            assert not tx.profiles.distrust_email(anne.account_id, START + HOUR, set_since=START + SECOND)
            assert not tx.profiles.distrust_email(karim.account_id, START + HOUR, set_since=None)
            assert tx.accounts.find(NEW)
            assert tx.profiles.distrust_email(anne.account_id, START + HOUR, set_since=START)
            assert not tx.profiles.distrust_email(anne.account_id, START + HOUR, set_since=None)
        with database.read() as tx:
            found, other = tx.accounts.get(anne.account_id), tx.accounts.find(OLD)
            assert found
            assert other
            assert tx.accounts.find(NEW) is None
            assert (found.email, found.verified_email, other.verified_email) == (NEW.value, None, OLD.value)
        with database.write() as tx:
            tx.profiles.set_email(karim.account_id, NEW.value, "support", START)
            assert not tx.profiles.distrust_email(karim.account_id, START + HOUR, set_since=None)

    def test_civility_and_profile_change_alone(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx), add_account(tx, "karim.benali")
            tx.profiles.set_civility(anne.account_id, None, START)
            tx.profiles.set_profile(anne.account_id, {"phone_number": "+33612345678"}, START)
        with database.read() as tx:
            found, other = tx.accounts.get(anne.account_id), tx.accounts.get(karim.account_id)
            assert found
            assert other
            assert (found.civility, found.profile) == (None, {"phone_number": "+33612345678"})
            assert (other.civility, other.profile) == ("Mme", karim.profile)

    # -- pictures ------------------------------------------------------------------

    def test_a_picture_is_kept_replaced_and_removed(self, database: Database) -> None:
        with database.write() as tx:
            anne = add_account(tx).account_id
            assert (tx.pictures.get(anne), tx.pictures.version(anne), tx.pictures.remove(anne)) == (None, None, False)
            tx.pictures.put(anne, IMAGE)
        with database.read() as tx:
            assert tx.pictures.get(anne) == IMAGE
            first = tx.pictures.version(anne)
        with database.write() as tx:
            tx.pictures.put(anne, Picture("image/webp", b"other", START + SECOND))
        with database.read() as tx:
            found = tx.pictures.get(anne)
            assert found
            assert (found.media_type, found.image) == ("image/webp", b"other")
            assert tx.pictures.version(anne) not in (None, first)
        with database.write() as tx:
            assert tx.pictures.remove(anne)
            assert tx.pictures.get(anne) is None

    def test_a_picture_is_of_one_account(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim.benali").account_id
            tx.pictures.put(anne, IMAGE)
            assert (tx.pictures.get(karim), tx.pictures.version(karim), tx.pictures.remove(karim)) == (
                None,
                None,
                False,
            )
            assert tx.pictures.get(anne) == IMAGE

    # -- the sessions that a change ends ---------------------------------------------

    def test_all_sessions_end_but_one(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim.benali").account_id
            add_client(tx)
            mine, other = add_session(tx, anne, "mine"), add_session(tx, anne, "other")
            add_session(tx, karim, "karim")
            kept, gone = add_grant(tx, anne, mine, code="a"), add_grant(tx, anne, other, code="b")
            assert tx.sessions.end_others(anne, mine, START) == 1
            assert tx.revoked == [gone.grant_id]
            assert kept.grant_id not in tx.revoked
        with database.read() as tx:
            alive = {name for name in ("mine", "other", "karim") if tx.sessions.find(name, START, IDLE)}
            assert alive == {"mine", "karim"}
