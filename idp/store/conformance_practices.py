"""The suite of what is said of professionals; part of `idp.store.conformance_sql`. Needs pytest."""

from collections.abc import Callable

import pytest
from sqlalchemy.exc import IntegrityError

from idp.domain.authn import IdentityRef
from idp.domain.practice import Asserted, Practice
from idp.store.conformance import START
from idp.store.conformance_rows import HOUR, add_account
from idp.store.database import Database

RPPS, ADELI = IdentityRef("rpps", "10101234567"), IdentityRef("adeli", "336012345")
CARD = Asserted("cps_card", Practice({"SubjectRole": ["10^1.2"]}), START)
UPSTREAM = Asserted("psc", Practice({"SubjectRefPro": {"exercices": [{"nomDexercice": "Élan"}]}}), START + HOUR)


class PracticeSuite:
    """Uses the fixture `database` of DatabaseSuite."""

    def test_each_origin_is_kept_beside_the_others(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            tx.practices.put(anne, CARD)
            tx.practices.put(anne, UPSTREAM)
            assert sorted(tx.practices.of(anne), key=lambda each: each.at) == [CARD, UPSTREAM]
            assert tx.practices.of(karim) == []

    def test_an_origin_replaces_what_it_said_before(self, database: Database) -> None:
        later = Asserted("cps_card", Practice({}), START + HOUR)
        with database.write() as tx:
            anne = add_account(tx).account_id
            tx.practices.put(anne, CARD)
            tx.practices.put(anne, later)
            assert tx.practices.of(anne) == [later]

    def test_what_is_removed_is_one_accounts(self, database: Database) -> None:
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            for account_id in (anne, karim):
                tx.practices.put(account_id, CARD)
                tx.practices.put(account_id, UPSTREAM)
            tx.practices.remove(anne)
            assert tx.practices.of(anne) == []
            assert len(tx.practices.of(karim)) == 2

    def test_it_goes_with_an_identity_or_with_the_links_by_which_it_was_said(self, database: Database) -> None:
        """But a removal by the holder says nothing against it."""
        with database.write() as tx:
            anne, karim = add_account(tx).account_id, add_account(tx, "karim").account_id
            psc, card = tx.means.add_link(anne, "psc", START), tx.means.add_link(anne, "cps_card", START + HOUR)
            tx.means.add_identity(anne, RPPS, "psc", START)

            def left(take: Callable[[], object]) -> list[Asserted]:
                for account_id in (anne, karim):
                    tx.practices.put(account_id, CARD)
                    tx.practices.put(account_id, UPSTREAM)
                take()
                assert len(tx.practices.of(karim)) == 2
                return tx.practices.of(anne)

            assert len(left(lambda: tx.means.remove(anne, psc, START))) == 2
            assert left(lambda: tx.means.revoke_since(anne, psc, START)) == [CARD]
            assert left(lambda: tx.means.revoke_since(anne, card, START)) == [UPSTREAM]
            assert left(lambda: tx.means.revoke_all(anne, START, made_since=START + HOUR)) == [UPSTREAM]
            assert left(lambda: tx.means.revoke_all(anne, START)) == []
            assert left(lambda: tx.means.drop_identity(anne, "rpps", START)) == []

    def test_nothing_is_said_of_nobody(self, database: Database) -> None:
        with pytest.raises(IntegrityError), database.write() as tx:
            tx.practices.put("nobody", CARD)

    def test_numbers_say_who_verified_them(self, database: Database) -> None:
        """The e-mail address and the login name are none."""
        with database.write() as tx:
            anne = add_account(tx).account_id
            assert tx.practices.numbers(anne) == []
            tx.means.add_identity(anne, RPPS, "support", START)
            tx.means.add_identity(anne, ADELI, "psc", START + HOUR)
            found = [(each.ref, each.origin, each.verified_at) for each in tx.practices.numbers(anne)]
            assert found == [(ADELI, "psc", START + HOUR), (RPPS, "support", START)]
            assert tx.practices.numbers(add_account(tx, "karim").account_id) == []
